"""A folder of all wheels that the worker needs, for installing without a network: made once, kept in the cache."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import locks
from .command import clean_environment, run_quietly
from .paths import cache_folder, import_product, requirements_file
from .progress import Progress
from .python import base_python

import_product()

from pose_core.install import lock_file, platforms  # noqa: E402
from pose_core.install.platforms import Platform  # noqa: E402
from pose_core.processes.pip_settings import pip_environment  # noqa: E402

MARKER = "complete.json"
OLDER = ((3, 13), requirements_file(platforms.MACOS_13_LOCK))
"""A Python and the list for older systems: its packages are tried on this machine too, as they are older ones."""
PIP_DOWNLOAD = ("download", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-input")
QUIET = ("--disable-pip-version-check", "--progress-bar", "off")


def pip_target(platform: Platform, python: tuple[int, int]) -> list[str]:
    """Options that make pip look for the wheels of another machine."""
    version = ".".join(map(str, python))
    tags = [part for tag in platform.pip_platforms for part in ("--platform", tag)]
    return [*tags, "--python-version", version, "--implementation", "cp"]


def lock_for(platform: Platform, python: tuple[int, int], lock: Path) -> str:
    """A lock file's text with the packages for one machine alone.

    pip evaluates conditions for the machine that it runs on, whatever `--platform` says.
    """
    version = ".".join(map(str, python))
    values = {**platform.markers, "python_version": version, "python_full_version": f"{version}.0"}
    wanted = {(pin.name, pin.version) for pin in lock_file.read_pins(lock, values)}
    out, keep = [], False
    for line in lock.read_text(encoding="utf-8").splitlines():
        pin = lock_file.pin_of(line)
        if pin is not None:
            keep = (pin.name, pin.version) in wanted and lock_file.line_holds(line, values)
            line = line.partition(" ;")[0].removesuffix(" \\") + " \\"  # noqa: PLW2901 - without its condition
        if keep and not line.lstrip().startswith("#"):
            out.append(line)
    return "\n".join(out) + "\n"


def ensure_wheels(
    progress: Progress,
    pythons: Sequence[tuple[int, int]] = platforms.PYTHONS,
    platform: Platform | None = None,
    folder: Path | None = None,
) -> Path:
    """Return a folder with every wheel of the worker, and pip itself.

    Args:
        progress: shows what is fetched.
        pythons: for which.
        platform: for which kind of machine, this one by default.
        folder: where to put them, a place in the cache by default.
    Raises:
        SetupError: some cannot be had.
    """
    platform = platform or platforms.platform_of(platforms.this_machine()) or platforms.LINUX_X86
    lock = requirements_file(platform.lock or platforms.DEFAULT_LOCK)
    recipe = {"platform": platform.name, "pythons": [list(python) for python in pythons], "lock": _digest(lock)}
    final = folder or cache_folder() / "wheels" / f"{platform.markers['sys_platform']}-{recipe['lock'][:12]}"
    with locks.held(f"wheels-{final.name}", lambda: progress.note(f"waiting for another process that fills {final}")):
        if read_marker(final) != recipe:
            (final / MARKER).unlink(missing_ok=True)
            final.mkdir(parents=True, exist_ok=True)
            for python in pythons:
                _download(progress, final, platform, python, lock)
            if folder is None:
                _download(progress, final, platform, *OLDER)
            (final / MARKER).write_text(json.dumps(recipe), encoding="utf-8")
    return final


def read_wheels() -> Path | None:
    """The folder of this machine's wheels if it is complete; nothing is fetched."""
    found = sorted((cache_folder() / "wheels").glob("*/" + MARKER))
    lock = requirements_file(platforms.lock_name(platforms.this_machine()))
    return next((path.parent for path in found if read_marker(path.parent).get("lock") == _digest(lock)), None)


def _digest(lock: Path) -> str:
    parts = (lock, requirements_file("pip"), OLDER[1])
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def read_marker(folder: Path) -> dict[str, object]:
    """What a folder of wheels says that it holds; empty where it is not complete."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def _download(progress: Progress, folder: Path, platform: Platform, python: tuple[int, int], lock: Path) -> None:
    version = ".".join(map(str, python))
    listed = folder / f".requirements-{os.getpid()}.txt"
    listed.write_text(lock_for(platform, python, lock) + requirements_file("pip").read_text(), encoding="utf-8")
    new = folder / f".new-{os.getpid()}"
    try:
        with progress.step(f"wheels for Python {version}, {platform.name}") as step:
            pip = [str(base_python()), "-I", "-m", "pip"]
            run_quietly(
                step,
                [*pip, *PIP_DOWNLOAD, *QUIET, *pip_target(platform, python), "-d", new, "-r", listed],
                log_name="wheels",
                env=pip_environment(pip, clean_environment()),
                advice="check the network and pip's settings (`pip config list`), then run this again.",
            )
        for wheel in new.glob("*.whl"):
            wheel.replace(folder / wheel.name)
    finally:
        listed.unlink(missing_ok=True)
        shutil.rmtree(new, ignore_errors=True)
