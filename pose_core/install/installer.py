"""Makes and checks worker environments. Runs in a process of its own, on the Python that the environment is made with.

It talks the worker's protocol, so that the client, its progress and its cancelling serve here too. Standard library
only: at this point nothing is installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core import __version__
from pose_core.errors import WorkerError
from pose_core.install import environment, lock_file, platforms
from pose_core.install.steps import Steps
from pose_core.install.verification import verify
from pose_core.processes.line_process import guarded_module
from pose_core.temporaries import is_alive
from pose_core.worker import protocol
from pose_core.worker.protocol import Message

if TYPE_CHECKING:
    from pose_core.types import CancelCallback, ProgressCallback
    from pose_core.worker.server import Job

RENAME_ATTEMPTS = 20

NEEDED_BYTES = 900 << 20
"""The environment, and what pip unpacks meanwhile; measured 720 MB."""
PIP_OPTIONS = ("--no-input", "--disable-pip-version-check")
NETWORK_HINT = "Look into the log; check the network, or choose a folder with the wheels in the preferences."


def installer_command(python: str | Path, source: Path) -> list[str]:
    """The command line of the installer.

    Args:
        python: the interpreter that the environment is made with; needs nothing installed.
        source: the wheel of `pose_core`, or the folder that holds the package.
    """
    low, high = (".".join(map(str, version)) for version in environment.SUPPORTED_PYTHON)
    code = (
        "import sys\n"
        f"if not {environment.SUPPORTED_PYTHON[0]} <= sys.version_info[:2] <= {environment.SUPPORTED_PYTHON[1]}:\n"
        f"    sys.exit('Python {low} to {high} is needed, but this is %s.' % sys.version.split()[0])\n"
        f"sys.path.insert(0, {str(source)!r})\n"
        "from pose_core.install.installer import installer_jobs\n"
        "from pose_core.worker.server import main\n"
        "main(installer_jobs())\n"
    )
    return [str(python), "-I", "-B", "-X", "utf8", "-c", code]


def installer_jobs() -> dict[type[Message], Job]:
    """The jobs of the installer process."""
    return {protocol.InstallEnvironment: run_install, protocol.VerifyEnvironment: run_verify}


def run_install(message: Message, progress: ProgressCallback, cancel: CancelCallback) -> protocol.Result:
    """Make an environment under a temporary name, check it, and put it in place.

    Args:
        message: an `InstallEnvironment`.
        progress: told the stages `create`, `download`, `install` and `check`.
        cancel: returns True once it shall end; nothing is left behind then.
    Raises:
        WorkerError: a step failed; the environment that was there before is untouched.
    """
    assert isinstance(message, protocol.InstallEnvironment)
    final, lock, wheel = Path(message.folder), Path(message.lock), Path(message.wheel)
    wheel_folder = Path(message.wheel_folder) if message.wheel_folder else None
    problem, advice = platforms.why_not(platforms.this_machine())
    if problem:
        raise WorkerError(problem, advice)
    pins = lock_file.read_pins(lock)
    if not wheel.is_file():
        raise WorkerError(f"The add-on's own wheel '{wheel}' is missing.", "Install the add-on again.")
    if wheel_folder is not None and not wheel_folder.is_dir():
        raise WorkerError(f"There is no folder '{wheel_folder}' with wheels.", "Choose an existing folder.")
    _check_place(final)
    started_s = time.monotonic()
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(final)
        _check_room(final.parent)
    except OSError as error:
        raise WorkerError(f"'{final.parent}' cannot be written to ({error}).", "Choose another folder.") from error
    new = final.with_name(f".{final.name}.new-{os.getpid()}")
    steps = Steps(progress, cancel)
    try:
        pip = _create(new, steps, _pip_wheel(wheel_folder))
        install = [*pip, "install", "--no-warn-script-location", "--no-user", "--progress-bar", "off"]
        source = ["--no-index", "--find-links", str(wheel_folder)] if wheel_folder else []
        steps.pip(
            [*install, "--require-hashes", "--only-binary=:all:", *source, "-r", str(lock)],
            packages=len(pins),
            hint=f"Check that '{wheel_folder}' holds every package." if wheel_folder else NETWORK_HINT,
            wheel_folder=wheel_folder,
        )
        steps.pip([*install, "--no-deps", "--no-index", str(wheel)], packages=0, hint="")
        steps.stage("check", 0, 1)
        problems = verify(new, lock)
        if problems:
            raise WorkerError(f"The environment is not as it should be: {problems[0]}", "Try again.")
        _strip_scripts(new)
        marker = {
            "version": __version__,
            "lock_sha256": environment.lock_digest(lock),
            "python": sys.version.split()[0],
            "base": sys.executable,
        }
        (new / environment.MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
        _replace(new, final)
        steps.stage("check", 1, 1)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    report = {"folder": str(final), "packages": len(pins) + 1, "seconds": time.monotonic() - started_s}
    return protocol.Result(message.id, report)


def run_verify(message: Message, progress: ProgressCallback, cancel: CancelCallback) -> protocol.Result:
    """Compare an environment with its lock file, file by file; the result's report lists `problems`."""
    assert isinstance(message, protocol.VerifyEnvironment)
    steps = Steps(progress, cancel)
    steps.stage("check", 0, 1)
    problems = verify(Path(message.folder), Path(message.lock), steps)
    return protocol.Result(message.id, {"problems": problems[:20], "count": len(problems)})


def _create(new: Path, steps: Steps, pip_wheel: Path | None) -> list[str]:
    """Make an empty environment; return the command line of a pip that installs into it."""
    steps.stage("create", 0, 1)
    version = ".".join(map(str, sys.version_info[:2]))
    hint = (
        f"Choose another Python {version} in the preferences; on Debian or Ubuntu install python{version}-venv "
        "(or python3-venv)."
    )
    if importlib.util.find_spec("venv") is None:
        raise WorkerError(f"The Python '{sys.executable}' cannot make environments: it lacks the module venv.", hint)
    python = environment.environment_python(new)
    if importlib.util.find_spec("ensurepip") is not None:
        steps.run(guarded_module(sys.executable, "venv", str(new)), "Making the environment", hint)
        return guarded_module(python, "pip", *PIP_OPTIONS)
    if pip_wheel is None and not _pip_takes_other_python():
        raise WorkerError(f"The Python '{sys.executable}' has neither ensurepip nor a recent pip.", hint)
    steps.run(guarded_module(sys.executable, "venv", "--without-pip", str(new)), "Making the environment", hint)
    if pip_wheel is None:
        return guarded_module(sys.executable, "pip", *PIP_OPTIONS, "--python", str(python))
    # The environment keeps a pip of its own: models come out of packages too.
    own = guarded_module(python, "pip", *PIP_OPTIONS, wheel=pip_wheel)
    steps.pip([*own, "install", "--no-deps", "--no-index", str(pip_wheel)], packages=0, hint=hint)
    return guarded_module(python, "pip", *PIP_OPTIONS)


def _pip_wheel(wheel_folder: Path | None) -> Path | None:
    """The newest pip of the user's folder, for a Python that comes without."""
    found = sorted(wheel_folder.glob("pip-*-none-any.whl")) if wheel_folder is not None else []
    return max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path.name.split("-")[1])], default=None)


def _pip_takes_other_python() -> bool:
    try:
        major, minor = map(int, metadata.version("pip").split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return False
    return (major, minor) >= (22, 3)


def _check_room(folder: Path) -> None:
    """Refuse to begin what cannot be finished."""
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise WorkerError(
            f"There are {free >> 20} MB free where '{folder}' is, but {NEEDED_BYTES >> 20} MB are needed.",
            "Make room, or name another folder under Environment in the preferences.",
        )


def _check_place(final: Path) -> None:
    """Refuse to replace a folder that is no environment of our making."""
    if not final.exists() or environment.read_marker(final):
        return
    if final.is_dir() and not any(final.iterdir()):
        return
    raise WorkerError(
        f"'{final}' is in use by something else and is not replaced.",
        "Choose an empty or new folder in the preferences.",
    )


def _remove_abandoned(final: Path) -> None:
    """Remove what installations left that were ended by force."""
    for leftover in final.parent.glob(f".{final.name}.*-*"):
        number = leftover.name.rpartition("-")[2]
        if number.isdecimal() and not is_alive(int(number)):
            shutil.rmtree(leftover, ignore_errors=True)


def _strip_scripts(folder: Path) -> None:
    """Remove all commands but Python: they name the temporary folder, and a worker is started as a module."""
    for path in environment.environment_python(folder).parent.iterdir():
        if path.is_file() and not path.name.lower().startswith("python"):
            path.unlink()


def _replace(new: Path, final: Path) -> None:
    old = final.with_name(f".{final.name}.old-{os.getpid()}")
    try:
        if final.exists():
            _rename(final, old)
        try:
            _rename(new, final)
        except OSError:
            if old.exists():
                _rename(old, final)
            raise
    except OSError as error:
        raise WorkerError(
            f"The environment could not be put in place as '{final}' ({error}).",
            "Close programs that use it, and try again.",
        ) from error
    shutil.rmtree(old, ignore_errors=True)


def _rename(source: Path, target: Path) -> None:
    for attempt in range(RENAME_ATTEMPTS):
        try:
            source.rename(target)
            return
        except PermissionError:
            # Windows: a virus scanner looks at the new files for a moment.
            if os.name != "nt" or attempt == RENAME_ATTEMPTS - 1:
                raise
            time.sleep(0.25)


def remove_environment(folder: Path) -> None:
    """Remove an environment that the installer made.

    Raises:
        WorkerError: it is not of the installer's making, or cannot be removed.
    """
    if not environment.read_marker(folder):
        raise WorkerError(f"'{folder}' was not made by Pose Core and is not removed.", "Remove it by hand.")
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    try:
        _rename(folder, old)
        shutil.rmtree(old)
    except OSError as error:
        raise WorkerError(f"'{folder}' could not be removed ({error}).", "Close programs that use it.") from error
