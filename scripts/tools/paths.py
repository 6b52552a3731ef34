"""Where things live: the project's root and the user's cache folder."""

import os
import sys
from pathlib import Path


def project_root() -> Path:
    """Return the folder that holds pyproject.toml."""
    return Path(__file__).resolve().parents[2]


def requirements_file(name: str) -> Path:
    """Return the lock file `requirements/NAME.txt`."""
    return project_root() / "requirements" / f"{name}.txt"


def cache_folder() -> Path:
    """Return the user's cache folder of Pose Core: `$POSE_CORE_CACHE`, else the platform's own place.

    The folder may not exist yet.
    """
    named = os.environ.get("POSE_CORE_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        base = Path(local) if local else Path.home() / "AppData" / "Local"
        return base / "pose-core" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pose-core"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rules say that a relative path is to be ignored.
    base = Path(xdg) if xdg and Path(xdg).is_absolute() else Path.home() / ".cache"
    return base / "pose-core"


def blender_folder() -> Path:
    """Return the folder of all Blenders that the scripts installed, each named by its version."""
    return cache_folder() / "blender"


def log_folder() -> Path:
    """Return the folder for the whole output of installers, made if missing."""
    folder = cache_folder() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
