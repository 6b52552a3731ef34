"""A lock between processes that ends with its process, however that ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pose_core.errors import ModelError

_POLL_S = 0.1


@contextmanager
def process_lock(path: Path, timeout_s: float = 600.0) -> Iterator[None]:
    """Hold a lock file; the operating system frees it when the process ends.

    Args:
        path: the lock file; stays behind, empty.
        timeout_s: how long to wait for another process, seconds.
    Raises:
        ModelError: another process held it all the time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + timeout_s
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise ModelError(
                    f"Another process has been fetching models for {timeout_s:.0f} s (lock file '{path}').",
                    "Wait for it, or end it, then try again.",
                )
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)  # closing frees the lock


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
