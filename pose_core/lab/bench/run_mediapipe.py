"""The same model on the same clip with the reference MediaPipe Python pipeline; prints seconds, frames, peak memory.

Runs in an environment of its own: mediapipe needs another numpy than Pose Core.
"""

import json
import resource
import sys
import time

start = time.perf_counter()
import cv2  # noqa: E402
import mediapipe as mp  # noqa: E402


def main() -> None:
    """Argument: the video."""
    begun = time.perf_counter()
    frames = found = 0
    with mp.solutions.pose.Pose(static_image_mode=False, model_complexity=1) as pose:
        video = cv2.VideoCapture(sys.argv[1])
        while True:
            ok, image = video.read()
            if not ok:
                break
            frames += 1
            found += pose.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).pose_landmarks is not None
    job_s = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "frames": frames,
                "found": found,
                "job_s": job_s,
                "process_s": time.perf_counter() - start,
                "peak_mb": peak_mb,
            }
        )
    )


main()
