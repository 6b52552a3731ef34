"""Files: which ones a character can come from; written so that a failure leaves nothing half-written behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pose_core.temporaries import sweep_once, temporary_beside

RIG_SUFFIXES = (".fbx", ".glb", ".gltf", ".vrm", ".blend")
"""Files that a character can come from."""


@contextmanager
def atomic_path(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the target's folder that becomes the target on success.

    The temporary name keeps the target's suffix, as some writers choose the format by it. Missing folders are made.

    Args:
        target: where the finished file shall be.
    Yields:
        The path to write to.
    """
    final = Path(target)
    final.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(final.parent.absolute())
    temporary = temporary_beside(final)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # as the user's umask says
    try:
        yield temporary
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)
