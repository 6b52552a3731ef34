"""Where Pose Core keeps what it fetched or made for this user; standard library only."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's cache folder: `$POSE_CORE_CACHE`, else the platform's own place.

    The folder may not exist yet.
    """
    named = os.environ.get("POSE_CORE_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "pose-core" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pose-core"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rules say that a relative path is to be ignored.
    return (Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".cache") / "pose-core"


def log_folder() -> Path:
    """Return the folder of log files; it may not exist yet."""
    return cache_folder() / "logs"
