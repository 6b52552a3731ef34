"""What the extension carries for the worker: the wheel of `pose_core` and the list of its packages."""

from __future__ import annotations

from pathlib import Path

from pose_core import __version__
from pose_core.errors import WorkerError

_FOLDER = Path(__file__).resolve().parent


def lock_file() -> Path:
    """The lock file that the worker environment is made from; in a source tree the project's own."""
    bundled = _FOLDER / "requirements" / "worker.txt"
    return bundled if bundled.is_file() else _FOLDER.parent / "requirements" / "worker.txt"


def wheel() -> Path:
    """The wheel of `pose_core`.

    Raises:
        WorkerError: it is not there, as in a source tree.
    """
    path = _FOLDER / "wheels" / f"pose_core-{__version__}-py3-none-any.whl"
    if not path.is_file():
        raise WorkerError(f"The add-on's own wheel '{path}' is missing.", "Install the extension from its zip.")
    return path
