"""Video to motion file with Pose Core; prints seconds, frames and peak memory."""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

start = time.perf_counter()
from pose_core.config import EstimateRequest  # noqa: E402
from pose_core.pipeline import estimate  # noqa: E402


def main() -> None:
    """Argument: the video."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        result = estimate(EstimateRequest(sys.argv[1], str(Path(folder) / "x.motion.npz")))
        job_s = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "frames": result.report["frames"],
                "job_s": job_s,
                "process_s": time.perf_counter() - start,
                "peak_mb": peak_mb,
                "stages": result.report["stage_seconds"],
            }
        )
    )


main()
