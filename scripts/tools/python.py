"""Which Python makes an environment."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .errors import SetupError, UnavailableError

MINIMUM = (3, 11)


def base_python() -> Path:
    """Return this process's interpreter, or the one below its virtual environment, by its most exact name.

    An environment made with `python3` would follow that name to whatever version it means one day.
    """
    python = Path(getattr(sys, "_base_executable", None) or sys.executable)
    exact = python.with_name(f"python{sys.version_info.major}.{sys.version_info.minor}{python.suffix}")
    return exact if exact.exists() and exact.samefile(python) else python


def leave_venv() -> None:
    """Start this script again outside the project's environment if it runs inside, as it may have to remake it."""
    if sys.prefix == sys.base_prefix:
        return
    argv = [str(base_python()), *sys.argv]
    if sys.platform == "win32":
        # exec on Windows returns to the shell at once, while the new process still runs.
        raise SystemExit(subprocess.run(argv, check=False).returncode)
    os.execv(argv[0], argv)  # noqa: S606


def require_minimum() -> None:
    """Refuse a Python that is too old to make the environments.

    Raises:
        SetupError: older than 3.11.
    """
    if sys.version_info < MINIMUM:
        version = ".".join(str(part) for part in sys.version_info[:3])
        raise SetupError(
            f"Pose Core needs Python 3.11 or newer; this is {version} ({sys.executable}).",
            advice="run the script with another interpreter, such as python3.11.",
        )


def _version_of(python: str) -> tuple[int, int] | None:
    try:
        done = subprocess.run(
            [python, "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def find_python(major: int, minor: int) -> Path:
    """Return an interpreter of exactly this version that can make virtual environments.

    Raises:
        UnavailableError: none was found.
    """
    if sys.version_info[:2] == (major, minor):
        return base_python()
    name = f"python{major}.{minor}"
    candidates = [path for path in (shutil.which(name), shutil.which("python3"), shutil.which("python")) if path]
    if sys.platform == "win32" and shutil.which("py"):
        done = subprocess.run(
            ["py", f"-{major}.{minor}", "-c", "import sys; print(sys.executable)"],
            capture_output=True,
            text=True,
            check=False,
        )
        candidates += [done.stdout.strip()] if done.returncode == 0 else []
    for candidate in candidates:
        if _version_of(candidate) == (major, minor):
            return Path(candidate)
    raise UnavailableError(
        f"Python {major}.{minor} with venv and pip is needed, and none was found on PATH.",
        advice=f"install {name} (on Debian or Ubuntu with {name}-venv) or run this script with it.",
    )
