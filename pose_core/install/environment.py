"""Worker environments: where they are, and whether one can be used; standard library only, starts no process."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pose_core import __version__
from pose_core.folders import cache_folder

MARKER = "pose-core-worker.json"
"""Written last into an environment that the installer made."""

SUPPORTED_PYTHON = ((3, 11), (3, 14))
"""First and last Python that all pinned packages have wheels for."""

INSTALL_HINT = "Install the worker environment, or choose one that is installed."


@dataclass(frozen=True)
class EnvironmentStatus:
    """Whether a worker can be started."""

    folder: Path
    python: Path | None
    """The interpreter to start; None if there is no usable one."""
    problem: str = ""
    hint: str = ""
    ours: bool = False
    """Made by the installer, so that it may be replaced and removed."""

    @property
    def usable(self) -> bool:
        """Whether it is worth a start."""
        return self.python is not None and not self.problem


def lock_digest(lock: Path) -> str:
    """SHA-256 of a lock file, whatever its line ends.

    Raises:
        OSError: the file cannot be read.
    """
    return hashlib.sha256(lock.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def default_folder(lock: Path) -> Path:
    """Where the environment for this version and lock file belongs; all of a user's Blenders share it.

    Raises:
        OSError: the lock file cannot be read.
    """
    return cache_folder() / "worker" / f"{__version__}-{lock_digest(lock)[:8]}"


def environment_python(folder: Path) -> Path:
    """The interpreter within an environment's folder."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def read_marker(folder: Path) -> dict[str, str]:
    """What the installer wrote about an environment; empty where there is none of its making."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(marker, dict):
        return {}
    return {str(key): value for key, value in marker.items() if isinstance(value, str)}


def environment_status(path: Path, lock: Path | None = None) -> EnvironmentStatus:
    """Look whether a worker can be started from a path.

    Args:
        path: folder of a virtual environment, or a Python interpreter.
        lock: lock file that an environment of our own making must have been made from; None = any.
    """
    if path.is_file():
        # The name is kept as it is: a venv's interpreter is a link that must not be followed.
        return EnvironmentStatus(path.parent.parent, path)
    python = environment_python(path)
    marker = read_marker(path)
    ours = bool(marker)
    if not path.is_dir():
        return EnvironmentStatus(path, None, "The worker environment is not installed.", INSTALL_HINT)
    if not python.is_file():
        gone = os.path.lexists(python)
        problem = (
            f"The Python that the worker environment was made with is gone ({os.path.realpath(python)})."
            if gone
            else f"'{path}' holds no Python environment."
        )
        return EnvironmentStatus(path, None, problem, INSTALL_HINT, ours)
    if ours and marker.get("version") != __version__:
        problem = f"The worker environment has Pose Core {marker.get('version')}, but {__version__} is needed."
        return EnvironmentStatus(path, python, problem, "Install the worker environment again.", ours)
    if ours and lock is not None and marker.get("lock_sha256") != lock_digest(lock):
        problem = "The worker environment was made from another list of packages."
        return EnvironmentStatus(path, python, problem, "Install the worker environment again.", ours)
    return EnvironmentStatus(path, python, ours=ours)


def site_packages(folder: Path) -> Path | None:
    """The folder of an environment's packages, None if there is none."""
    if os.name == "nt":
        candidates = [folder / "Lib" / "site-packages"]
    else:
        candidates = sorted((folder / "lib").glob("python3*/site-packages"))
    return next((path for path in candidates if path.is_dir()), None)


def python_supported(version: tuple[int, int] = sys.version_info[:2]) -> bool:
    """Whether a worker can run on this Python."""
    return SUPPORTED_PYTHON[0] <= version <= SUPPORTED_PYTHON[1]
