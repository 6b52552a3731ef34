"""What stands for Blender when it is killed: a process that starts a worker or an installer and waits for it.

python kill_parent.py estimate VIDEO OUT
python kill_parent.py install FOLDER ENVIRONMENT PYTHON
Exit codes: 0 done, 3 the job failed with a sentence.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pose_core import __version__
from pose_core.config import EstimateRequest, TrackConfig
from pose_core.errors import PoseCoreError
from pose_core.install.installer import installer_command
from pose_core.worker import protocol
from pose_core.worker.client import JOB_ID, WorkerClient

ROOT = Path(__file__).resolve().parents[3]


def main(args: list[str]) -> int:
    """Start the process and wait."""
    try:
        if args[0] == "estimate":
            _, video, out = args
            paths = (f"{out}/walk.motion.npz", f"{out}/walk.preview.mp4")
            request = EstimateRequest(video, paths[0], preview=paths[1], track=TrackConfig(threads=1))
            WorkerClient(sys.executable).run_blocking(request)
        else:
            _, folder, environment, python = args
            wheel = f"{folder}/pose_core-{__version__}-py3-none-any.whl"
            message = protocol.InstallEnvironment(
                JOB_ID, folder=environment, lock=f"{folder}/lock.txt", wheel=wheel, wheel_folder=f"{folder}/wheels"
            )
            WorkerClient(python, command=installer_command(python, ROOT)).run_blocking(message)
    except PoseCoreError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
