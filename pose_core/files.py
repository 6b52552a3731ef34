"""Files: which ones a character can come from; written so that a failure leaves nothing half-written behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    handle, name = tempfile.mkstemp(prefix=f".{final.stem}.", suffix=final.suffix, dir=final.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)  # mkstemp made it readable by its owner alone
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)
