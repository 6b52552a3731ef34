"""A worker whose job does what the video's name says, for tests of everything around the job.

usage: stub_worker.py [VERSION]
"""

import ctypes
import os
import sys
import time
from pathlib import Path

from pose_core import __version__
from pose_core.errors import CancelledError, VideoError
from pose_core.temporaries import temporary_beside
from pose_core.types import Progress
from pose_core.worker import protocol
from pose_core.worker.server import main


def run(message, progress, cancel):
    """Act as the name of the video asks."""
    request = message.request
    behaviour = Path(request["video"]).stem
    out = Path(request["out"])
    if behaviour == "good":
        for frame in range(1, 101):
            progress(Progress("track", frame, 100, 50.0, (100 - frame) / 50))
        progress(Progress("solve", 1, 1))
        return protocol.Result(message.id, {"frames": 100}, [str(out)], None)
    if behaviour == "noise":
        # What a native library does that knows nothing of Python: write to file descriptor 1, read from 0.
        os.write(1, b"library noise that is no JSON\n")
        ctypes.CDLL(None).puts(b"more noise from C")
        print("and from Python")
        assert os.read(0, 10) == b""
        return protocol.Result(message.id, {"frames": 1}, [str(out)], None)
    if behaviour == "damaged":
        raise VideoError("The video is damaged.", "Try another.")
    if behaviour == "bug":
        raise ZeroDivisionError("a fault of ours")
    if behaviour == "crash":
        print("about to crash", file=sys.stderr)
        temporary_beside(out).write_bytes(b"half")
        os._exit(3)
    if behaviour == "unsendable":
        return protocol.Result(message.id, {"frames": object()}, [str(out)], None)
    started = time.monotonic()
    while time.monotonic() - started < 60:
        progress(Progress("track", 1, 0))
        if cancel() and behaviour != "deaf":
            raise CancelledError("stopped")
        time.sleep(0.01)
    raise TimeoutError("nobody cancelled")


if __name__ == "__main__":
    raise SystemExit(main({protocol.Estimate: run}, sys.argv[1] if len(sys.argv) > 1 else __version__))
