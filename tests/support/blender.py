"""Blender for tests: every script runs in a fresh process with an empty home of its own.

A test script is a Python file (or its text) with `main(args: list[str]) -> dict | None`. It starts in an empty scene.
What it returns comes back as `BlenderRun.result`. An exception, a crash or a hang fails the test with the whole output.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.missing import skip_or_fail

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))

from tools import blender as installed
from tools.chroot import Bind, root_command
from tools.paths import cache_folder

BPY_VERSIONS = installed.BPY_VERSIONS
RUNNER = Path(__file__).with_name("bpy_runner.py")
OK = "POSE_CORE_OK "
DEFAULT_TIMEOUT_S = 300.0
IMPORTER_CRASH = "io_scene_gltf2"
"""In a crash's trace. Blender 4.2's own importer crashes so in about one of four processes that import many files,
where it sets the scene of the window; such a process, and only such a one, is run again."""
IMPORTER_TRIES = 4


@dataclasses.dataclass(frozen=True)
class BlenderRun:
    """How a process ended: exit code, everything it printed, and what its script returned."""

    returncode: int
    output: str
    result: dict[str, Any]


def bpy_python(version: str) -> Path:
    """Return the Python of the environment with this bpy, e.g. "5.0.1"; skip (in CI fail) where it is missing."""
    named = os.environ.get(f"POSE_CORE_TEST_BPY_{version.replace('.', '_')}")
    path = Path(named) if named else installed.read_bpy(version)
    if path is None or not path.exists():
        skip_or_fail(f"bpy {version} is not installed; `python3 scripts/test.py --tier blender` installs it")
    return path


def full_blender_root() -> Path:
    """Return the root file system with the full Blender; skip (in CI fail) where it is missing."""
    named = os.environ.get("POSE_CORE_TEST_BLENDER_ROOT")
    found = installed.read_full_blender()
    root = Path(named) if named else (found.root if found else None)
    if root is None or not root.exists():
        skip_or_fail("the full Blender is not installed; `python3 scripts/test.py --tier ui` installs it (Linux, root)")
    return root


def model_folder() -> Path:
    """Return the folder of downloaded models in the user's cache, the one thing that isolated processes share."""
    folder = cache_folder() / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def isolated_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment whose home, Blender settings and cache are empty, but for the downloaded models."""
    env = {key: os.environ[key] for key in ("PATH", "LANG", "SYSTEMROOT", "CI") if key in os.environ}
    for folder in ("home", "blender_user", "tmp", "cache"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    models = home / "cache" / "models"
    if not models.is_symlink():
        models.symlink_to(model_folder(), target_is_directory=True)
    env.update(
        HOME=str(home / "home"),
        BLENDER_USER_RESOURCES=str(home / "blender_user"),
        TMPDIR=str(home / "tmp"),
        POSE_CORE_CACHE=str(home / "cache"),
        PYTHONNOUSERSITE="1",
        PYTHONUNBUFFERED="1",
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONFAULTHANDLER="1",
    )
    env.update(extra or {})
    return env


def run_process(
    argv: Sequence[str | Path],
    env: Mapping[str, str] | None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    cwd: Path | None = None,
) -> BlenderRun:
    """Run a command to its end and return exit code and output; a hang fails the test."""
    command = [str(part) for part in argv]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=None if env is None else dict(env),
            timeout=timeout_s,
            cwd=cwd,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else str(error.stdout)
        pytest.fail(f"no end after {timeout_s:g} s: {' '.join(command[:4])} ...\n{output}")
    return BlenderRun(done.returncode, done.stdout, {})


def run_bpy(
    version: str,
    argv: Sequence[str | Path],
    home: Path,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> BlenderRun:
    """Run `python ARGV...` in the environment of a bpy wheel, as a user would; nothing is judged.

    Args:
        version: the bpy version.
        argv: what follows `python`.
        home: folder, such as `tmp_path`, for the process's home and settings.
    """
    return run_process([bpy_python(version), *argv], isolated_environment(home, env), timeout_s, cwd)


def run_bpy_script(
    version: str,
    script: Path | str,
    args: Sequence[str | Path] = (),
    timeout_s: float = DEFAULT_TIMEOUT_S,
    *,
    home: Path,
    project_importable: bool = True,
    env: Mapping[str, str] | None = None,
) -> BlenderRun:
    """Run a test script in a fresh process of the bpy module and return what it returned.

    Args:
        version: the bpy version.
        script: a file with `main(args)`, or the text of one.
        args: the script's arguments.
        home: folder, such as `tmp_path`, for the process's home and settings.
        project_importable: whether `import pose_core` finds the repository; False where an installed copy must be used.
    """
    path = _script_file(script, home)
    arguments = ["-X", "faulthandler", RUNNER, "--", path, "1" if project_importable else "0", *args]
    for _ in range(IMPORTER_TRIES):
        run = run_bpy(version, arguments, home, timeout_s, env)
        if run.returncode != -signal.SIGSEGV or IMPORTER_CRASH not in run.output:
            break
        print(f"Blender {version} crashed in its own glTF importer:\n{run.output}")
    return judged(run)


def worker_python() -> Path:
    """Return the Python that a worker is started with in tests: the one that runs the tests."""
    return Path(sys.executable)


def worker_binds() -> tuple[Bind, ...]:
    """Return what must be visible inside the root for `worker_python()` to work there: project, Python, models."""
    base = Path(sys.base_prefix)
    if base == Path("/usr"):
        # The root's own /usr must stay: only what belongs to this Python is laid over it.
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        pythons = [path for path in (Path("/usr/bin") / name, Path("/usr/lib") / name) if path.exists()]
    else:
        pythons = [base]
    writable = (Bind(model_folder(), read_only=False),)
    environment = Path(sys.prefix)
    within = environment.is_relative_to(REPOSITORY) or sys.prefix == sys.base_prefix
    folders = (REPOSITORY, *pythons, *(() if within else (environment,)))
    return (*(Bind(path) for path in folders), *writable)


def full_blender_command(
    arguments: Sequence[str | Path],
    share: Path,
    *,
    display: str | None = None,
    binds: Sequence[Bind] = (),
    env: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the command that runs `blender ARGUMENTS...` in its root, with project and worker visible.

    Args:
        share: folder, such as `tmp_path`, that is visible and writable inside at the same path; home and settings
            lie below it.
    """
    inside = {key: value for key, value in isolated_environment(share, env).items() if key not in ("PATH", "LANG")}
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and sys.base_prefix != "/usr":
        # A Python built as a shared library is not in the other system's list of libraries.
        inside["LD_LIBRARY_PATH"] = str(Path(sys.base_prefix) / "lib")
    return root_command(
        full_blender_root(),
        ["blender", *arguments],
        share,
        display=display,
        binds=(*worker_binds(), *binds),
        env=inside,
    )


def run_full_blender(
    arguments: Sequence[str | Path],
    share: Path,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    *,
    binds: Sequence[Bind] = (),
    env: Mapping[str, str] | None = None,
) -> BlenderRun:
    """Run `blender ARGUMENTS...` of the full Blender to its end, as a user would; nothing is judged."""
    return run_process(full_blender_command(arguments, share, binds=binds, env=env), None, timeout_s)


def run_full_blender_script(
    script: Path | str,
    args: Sequence[str | Path] = (),
    timeout_s: float = DEFAULT_TIMEOUT_S,
    *,
    share: Path,
    project_importable: bool = True,
    binds: Sequence[Bind] = (),
    env: Mapping[str, str] | None = None,
) -> BlenderRun:
    """Run a test script in the full Blender in background mode and return what it returned (see `run_bpy_script`)."""
    path = _script_file(script, share)
    arguments = ["-b", "--factory-startup", "-noaudio", "--python-exit-code", "7", "--python", RUNNER]
    own = ["--", path, "1" if project_importable else "0", *args]
    return judged(run_full_blender([*arguments, *own], share, timeout_s, binds=binds, env=env))


def judged(run: BlenderRun) -> BlenderRun:
    """Return the run with its result, or fail the test: exit code and last line must both say that it went well."""
    lines = [line for line in run.output.splitlines() if line.startswith(OK)]
    if run.returncode != 0 or not lines:
        pytest.fail(f"the script in Blender failed (exit code {run.returncode}):\n{run.output}")
    return dataclasses.replace(run, result=json.loads(lines[-1][len(OK) :]))


def _script_file(script: Path | str, folder: Path) -> Path:
    if isinstance(script, Path):
        return script
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "test_script.py"
    path.write_text(script, encoding="utf-8")
    return path
