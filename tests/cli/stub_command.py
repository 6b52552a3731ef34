"""The command with a pipeline that does what the video's name says; the rest is the real thing."""

import os
import time
from pathlib import Path

import pose_core.pipeline
from pose_core.cli import main
from pose_core.errors import CancelledError
from pose_core.files import atomic_path
from pose_core.pipeline import EstimateResult
from pose_core.types import Progress

REPORT = {
    "frames": 3, "duration_s": 0.1, "fps": 30000 / 1001, "people_found": 2, "person_ids": [1],
    "mean_reprojection_px": float("nan"), "stage_seconds": {"track": 1.5, "lift": 0.1}, "warnings": ["mind the gap"],
}  # fmt: skip


def estimate(request, *, progress, cancel):
    """Write a file slowly, as the real pipeline would."""
    if Path(request.video).stem == "noise":
        os.write(1, b"native noise\n")
    with atomic_path(request.out) as temporary:
        temporary.write_bytes(b"motion")
        for step in range(1, 4):
            progress(Progress("track", step, 3, 30.0, 0.1))
        while Path(request.video).stem == "slow":
            if cancel():
                raise CancelledError("The job was cancelled.")
            time.sleep(0.01)
    return EstimateResult((request.out,), request.preview, REPORT)


if __name__ == "__main__":
    pose_core.pipeline.estimate = estimate
    raise SystemExit(main())
