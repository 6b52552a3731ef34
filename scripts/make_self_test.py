"""Make the clip of the worker's self-test anew, and what is known to come out of it.

    .venv/bin/python scripts/make_self_test.py              after a change of the estimate's results
    .venv/bin/python scripts/make_self_test.py --clip       cut the clip out of the sample too

Look at the numbers that it prints before they are committed: they say how far the results are from those before.
"""

import tools.needs  # noqa: F401

# isort: split
import argparse
import os
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pose_core.motion_file import read_motion
from pose_core.pipeline import EstimateRequest, estimate
from pose_core.worker import self_test

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "samples" / "mannequin_walk.mp4"
FOLDER = ROOT / "pose_core" / "worker"
SIZE_PX = (480, 270)
FIRST_FRAME, FRAMES = 30, 30
CRF = "24"


def cut_clip(target: Path) -> None:
    """Cut a second of walking out of the sample, at half its size."""
    width, height = SIZE_PX
    with av.open(str(SAMPLE)) as source, av.open(str(target), "w", options={"movflags": "+faststart"}) as out:
        stream = source.streams.video[0]
        rate = Fraction(stream.average_rate)
        encoder = out.add_stream("libx264", rate=rate, options={"crf": CRF, "preset": "veryslow"})
        encoder.width, encoder.height, encoder.pix_fmt, encoder.thread_count = width, height, "yuv420p", 1
        for number, frame in enumerate(source.decode(stream)):
            if FIRST_FRAME <= number < FIRST_FRAME + FRAMES:
                small = frame.reformat(width, height, "yuv420p")
                small.pts, small.time_base = number - FIRST_FRAME, 1 / rate
                out.mux(encoder.encode(small))
        out.mux(encoder.encode())


def main() -> int:
    """Make them, and say what changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", action="store_true", help="cut the clip anew as well")
    options = parser.parse_args()
    clip, known = FOLDER / self_test.CLIP, FOLDER / self_test.KNOWN
    if options.clip:
        cut_clip(clip)
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "clip.motion.npz")
        estimate(EstimateRequest(str(clip), out))
        motion = read_motion(out)
    if known.exists() and not options.clip:
        for name, before in self_test.known_results().items():
            distance = np.linalg.norm(getattr(motion, name) - before, axis=-1)
            print(
                f"{name}: {np.nanmean(distance):.3g} off the known ones on average, {np.nanmax(distance):.3g} at most"
            )
    temporary = known.with_name(f".{known.stem}-{os.getpid()}.npz")
    np.savez_compressed(
        temporary,
        keypoints_px=motion.keypoints_px.astype(np.float32),
        joints_world_m=motion.joints_world_m.astype(np.float32),
    )
    temporary.replace(known)
    print(f"{clip.name}: {clip.stat().st_size >> 10} kB, {known.name}: {known.stat().st_size >> 10} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
