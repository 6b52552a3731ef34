"""Pictures to a video whose frames have given times."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from pose_core.files import atomic_path
from pose_core.lab.rendered_clips.clip_times import TIME_BASE


def encode(pictures: list[Path], ticks: list[int], path: Path) -> None:
    """Write H.264 in MP4, of good quality.

    Args:
        pictures: JPEG files, all of one size.
        ticks: (T,) time of each in units of `TIME_BASE`.
        path: the video.
    """
    import av

    steps = [b - a for a, b in pairwise(ticks)] or [3000]
    with atomic_path(path) as temporary, av.open(str(temporary), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=Fraction(round(1 / (TIME_BASE * sorted(steps)[len(steps) // 2]))))
        stream.options = {"crf": "17", "preset": "fast"}
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        for picture, tick in zip(pictures, ticks, strict=True):
            with av.open(str(picture)) as still:
                frame = next(still.decode(video=0)).reformat(format="yuv420p")
            if picture == pictures[0]:
                stream.width, stream.height = frame.width, frame.height
            frame.pts, frame.time_base = tick, TIME_BASE
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
