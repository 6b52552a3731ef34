"""A lock between processes, so that two runs never make the same environment at once."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from .paths import cache_folder

POLL_S = 0.2


def _try_lock(file: IO[bytes]) -> bool:
    """Take the lock without waiting; the system drops it when the process ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unlock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_UN)


def lock_path(name: str) -> Path:
    """Return the lock file for a name."""
    return cache_folder() / "locks" / f"{name}.lock"


@contextlib.contextmanager
def held(name: str, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock of this name while the block runs.

    Args:
        name: what is being made; it becomes a file name.
        on_wait: called once if another process holds the lock.
    """
    path = lock_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        waiting = False
        while not _try_lock(file):
            if not waiting and on_wait is not None:
                on_wait()
            waiting = True
            time.sleep(POLL_S)
        try:
            # Chiefly for people who look at the folder and wonder who holds it.
            file.truncate(0)
            file.write(str(os.getpid()).encode())
            file.flush()
            yield
        finally:
            _unlock(file)
