"""Memory while reading does not grow with the length of the clip."""

import gc
import subprocess
import sys

import av

from pose_core.video import open_video, prefetch
from tests.video.make import make_video

SIZE = (640, 360)
SHORT, LONG = 60, 1200
# A frame of this size is 0.35 MB: the additional 1140 would be 390 MB.
GROWTH_MB = 24

READ = """
import resource, sys
from pose_core.video import open_video, prefetch
count = 0
with open_video(sys.argv[1], threads=2) as reader, prefetch(reader, max_bytes=8_000_000) as frames:
    for frame in frames:
        frame.warp_rgb([[0.3, 0.0, 0.0], [0.0, 0.3, 0.0]], (128, 128))
        count += 1
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20))
"""


def peak_mb(path, count: int) -> float:
    result = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    frames, megabytes = result.stdout.split()
    assert int(frames) == count
    return float(megabytes)


def test_peak_memory_is_flat_in_clip_length(tmp_path):
    short = make_video(tmp_path / "short.mp4", SHORT, codec="mpeg4", size=SIZE)
    long = make_video(tmp_path / "long.mp4", LONG, codec="mpeg4", size=SIZE)
    assert peak_mb(long, LONG) - peak_mb(short, SHORT) < GROWTH_MB


def test_a_reading_that_ends_early_leaves_no_picture_behind(tmp_path):
    path = make_video(tmp_path / "clip.mp4", SHORT, codec="mpeg4", size=SIZE)
    gc.collect()
    gc.disable()  # else it may be collected by chance
    try:
        for _ in range(3):
            with open_video(path) as reader, prefetch(reader) as frames:
                next(iter(frames))
        left = [thing for thing in gc.get_objects() if isinstance(thing, av.VideoFrame)]
    finally:
        gc.enable()
    assert len(left) == 0
