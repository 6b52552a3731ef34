"""Blenders: the bpy wheels in environments of their own, the user's Blender, the full Blender for UI tests."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import debian
from .chroot import Bind, root_command, run_in_root
from .environments import Environment, ensure_environment, is_current
from .errors import SetupError
from .full_blender import FullBlender, ensure_full_blender, full_blender_root, read_full_blender
from .paths import blender_folder, requirements_file
from .progress import Progress
from .python import find_python

__all__ = [
    "BPY_VERSIONS",
    "DEFAULT_BPY",
    "Bind",
    "FullBlender",
    "ensure_bpy",
    "ensure_full_blender",
    "find_blender",
    "full_blender_root",
    "read_bpy",
    "read_full_blender",
    "root_command",
    "run_in_root",
]

BPY_VERSIONS = ("4.2.23", "4.5.15", "5.0.1")
DEFAULT_BPY = "5.0.1"
BPY_PYTHON = (3, 11)
MINIMUM_BLENDER = (4, 2)
# What the bpy wheels link to and a bare Debian or Ubuntu does not have.
SYSTEM_LIBRARIES = (
    "libx11-6",
    "libxi6",
    "libxxf86vm1",
    "libxfixes3",
    "libxrender1",
    "libxkbcommon0",
    "libsm6",
    "libice6",
    "libgl1",
    "libegl1",
    "libgl1-mesa-dri",
)


def bpy_environment(version: str) -> Environment:
    """Describe the environment of a bpy wheel.

    Args:
        version: one of `BPY_VERSIONS`.
    """
    if version not in BPY_VERSIONS:
        raise SetupError(f"there is no lock file for bpy {version}.", advice=f"known: {', '.join(BPY_VERSIONS)}")
    return Environment(
        label=f"Blender {version} as a Python module",
        folder=blender_folder() / f"bpy-{version}",
        python=Path("python3.11"),
        lock_files=(requirements_file(f"bpy-{version}"),),
        check=f"import bpy; assert bpy.app.version_string.split()[0] == {version!r}, bpy.app.version_string",
    )


def read_bpy(version: str) -> Path | None:
    """Return the Python of a bpy environment if it is complete; nothing is installed or started."""
    environment = bpy_environment(version)
    return environment.executable if is_current(environment) else None


def ensure_bpy(version: str, progress: Progress) -> Path:
    """Return the Python of an environment with this version of bpy, made if missing.

    Raises:
        UnavailableError: there is no Python 3.11 here.
        SetupError: the installation failed.
    """
    environment = bpy_environment(version)
    if is_current(environment):
        return environment.executable
    environment = dataclasses.replace(environment, python=find_python(*BPY_PYTHON))
    try:
        return ensure_environment(environment, progress)
    except SetupError as error:
        lacks_library = any("cannot open shared object file" in line for line in error.tail)
        if not lacks_library or not sys.platform.startswith("linux"):
            raise
    debian.ensure_packages(progress, list(SYSTEM_LIBRARIES), f"Blender {version}")
    return ensure_environment(environment, progress)


def _blender_version(executable: Path) -> tuple[int, int] | None:
    try:
        done = subprocess.run([str(executable), "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"^Blender (\d+)\.(\d+)", done.stdout, re.MULTILINE)
    return (int(match.group(1)), int(match.group(2))) if match else None


def find_blender(named: str | None, progress: Progress) -> Path | None:
    """Return the user's own Blender: the one named, else `$BLENDER`, else one on PATH or in its usual place.

    Args:
        named: a program's path or name, from a command-line option.
    Returns:
        its path, or None if the user named none and none that is recent enough lies in the usual places.
    Raises:
        SetupError: the one that the user named is no Blender, or too old.
    """
    wanted = named or os.environ.get("BLENDER")
    minimum = ".".join(map(str, MINIMUM_BLENDER))
    if wanted:
        path = shutil.which(wanted)
        version = _blender_version(Path(path)) if path else None
        if path is None or version is None:
            raise SetupError(
                f"'{wanted}' is not a Blender program that can be started.",
                advice="give the path of the program `blender`, or leave it out to have one installed.",
            )
        if version < MINIMUM_BLENDER:
            raise SetupError(
                f"'{wanted}' is Blender {version[0]}.{version[1]}; {minimum} or newer is needed.",
                advice="name another one, or leave it out to have one installed.",
            )
        return Path(path)
    for candidate in (shutil.which("blender"), "/Applications/Blender.app/Contents/MacOS/Blender"):
        if candidate is None or not Path(candidate).exists():
            continue
        version = _blender_version(Path(candidate))
        if version is not None and version >= MINIMUM_BLENDER:
            return Path(candidate)
        progress.note(f"{candidate} is no Blender {minimum} or newer; it is not used")
    return None
