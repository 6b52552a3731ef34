"""Virtual environments made from lock files, with a marker that says what they hold.

The marker is removed before an environment changes and written last, so one that was left half-made shows it.
It holds two keys: one for the pinned packages, one for the project installed in it. Only what changed is redone.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from . import locks
from .command import clean_environment, run_quietly
from .errors import SetupError
from .paths import cache_folder, import_product, project_root, requirements_file
from .progress import Progress
from .python import base_python, find_python

import_product()

from pose_core.install.platforms import lock_name, this_machine  # noqa: E402
from pose_core.processes.pip_settings import pip_environment  # noqa: E402

MARKER = "pose-core-environment.json"
RECIPE_VERSION = 1
PIP_INSTALL = ("-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off")
NETWORK_ADVICE = "check the network and pip's settings (`pip config list`), then run this again; nothing else is lost."

# Runs inside the environment: prints the pins that are missing or of another version.
CHECK_PINS = """
import re, sys
from importlib import metadata
from pip._vendor.packaging.requirements import Requirement
for path in sys.argv[1:]:
    for line in open(path, encoding="utf-8"):
        text = line.split(" --hash")[0].strip().rstrip("\\\\").strip()
        if not re.match(r"[A-Za-z0-9]", text):
            continue
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            version = "none"
        if version == "none" or not wanted.specifier.contains(version, prereleases=True):
            print(text, "but has", version)
"""


@dataclasses.dataclass(frozen=True)
class Environment:
    """What an environment should hold.

    Args:
        label: what to call it in messages.
        folder: where it lies.
        python: the interpreter that makes it.
        lock_files: pinned packages with hashes.
        project: folder of a project to install in place, or None.
        check: a Python statement that must run in it.
        built: packages that are published as source only; a compiler is needed for them.
    """

    label: str
    folder: Path
    python: Path
    lock_files: tuple[Path, ...]
    project: Path | None = None
    check: str = "import pip"
    built: tuple[str, ...] = ()

    @property
    def executable(self) -> Path:
        """The environment's own Python."""
        return self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def packages_key(self) -> str:
        """Hash of everything that decides which packages are in it."""
        digest = hashlib.sha256(f"{RECIPE_VERSION}".encode())
        for path in self.lock_files:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    @property
    def project_key(self) -> str:
        """Hash of what is recorded when the project is installed in place; "" without a project."""
        if self.project is None:
            return ""
        whole = tomllib.loads((self.project / "pyproject.toml").read_text(encoding="utf-8"))
        # Settings of linters and the like leave the installation as it is.
        recorded = {"folder": str(self.project), "project": whole["project"], "build": whole["build-system"]}
        return hashlib.sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()


def read_marker(folder: Path) -> dict[str, str]:
    """Return the marker of an environment, or {} if there is none that can be read."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def is_current(environment: Environment) -> bool:
    """Tell whether the environment holds what it should, by its marker alone: no process is started."""
    marker = read_marker(environment.folder)
    return (
        marker.get("packages") == environment.packages_key
        and marker.get("project") == environment.project_key
        and environment.executable.exists()
    )


def ensure_environment(environment: Environment, progress: Progress) -> Path:
    """Return the Python of an environment, having made, completed or repaired it where needed.

    Raises:
        SetupError: a step failed; what was made so far is recognised as half-made next time.
    """
    if is_current(environment):
        return environment.executable
    folder_id = hashlib.sha256(str(environment.folder).encode()).hexdigest()[:12]
    lock_name = f"environment-{environment.folder.name.strip('.')}-{folder_id}"
    with locks.held(lock_name, lambda: progress.note(f"waiting for another process that makes {environment.folder}")):
        if not is_current(environment):
            _bring_up_to_date(environment, progress)
    return environment.executable


def _bring_up_to_date(environment: Environment, progress: Progress) -> None:
    marker = read_marker(environment.folder)
    usable = environment.folder.exists() and _same_python(environment)
    packages_right = usable and marker.get("packages") == environment.packages_key
    if usable and not packages_right:
        packages_right = not _missing_pins(environment) and _check_problem(environment) is None
    if not packages_right:
        if usable and marker:
            # It was complete once: another version of some packages is quicker than everything anew.
            packages_right = _update_in_place(environment, progress)
        if not packages_right:
            _make(environment, progress)
        marker = {}
    (environment.folder / MARKER).unlink(missing_ok=True)
    if environment.project is not None and marker.get("project") != environment.project_key:
        with progress.step(f"{environment.label}: Pose Core itself") as step:
            run_quietly(
                step,
                [environment.executable, *PIP_INSTALL, "--no-deps", "--no-build-isolation", "-e", environment.project],
                log_name=_log_name(environment),
                cwd=environment.project,
                env=_pip_environment(environment),
                words=pip_words,
            )
    _write_marker(environment)


def _make(environment: Environment, progress: Progress) -> None:
    _remove(environment.folder)
    environment.folder.parent.mkdir(parents=True, exist_ok=True)
    log_name = _log_name(environment)
    with progress.step(f"{environment.label}: creating it") as step:
        advice = "on Debian or Ubuntu the package python3-venv (python3.11-venv) may be missing."
        run_quietly(
            step, [environment.python, "-I", "-m", "venv", environment.folder], log_name=log_name, advice=advice
        )
    _install_packages(environment, progress)
    problem = _check_problem(environment)
    if problem is not None:
        raise SetupError(
            f"{environment.label}: `{environment.check}` fails right after the installation.",
            tail=tuple(problem.splitlines()[-15:]),
            log=str(environment.folder),
        )


def _update_in_place(environment: Environment, progress: Progress) -> bool:
    (environment.folder / MARKER).unlink(missing_ok=True)
    try:
        _install_packages(environment, progress)
    except SetupError:
        progress.note(f"{environment.label}: it could not be brought up to date; making it anew")
        return False
    return not _missing_pins(environment) and _check_problem(environment) is None


def pip_words(line: str) -> str:
    """Return what a user should see of a line that pip prints: verb and name, no warnings, no folders."""
    words = line.replace(",", " ").split()
    if not words or words[0] in ("WARNING:", "Stored"):
        return ""
    if words[:3] == ["Installing", "collected", "packages:"]:
        return f"installing {len(words) - 3} packages"
    return " ".join([words[0].lower(), *(word.rpartition("/")[2] for word in words[1:2])])


def _install_packages(environment: Environment, progress: Progress) -> None:
    requirements = [part for path in environment.lock_files for part in ("-r", path)]
    formats = ["--only-binary=:all:", *(f"--no-binary={name}" for name in environment.built)]
    with progress.step(f"{environment.label}: pinned packages") as step:
        run_quietly(
            step,
            [environment.executable, *PIP_INSTALL, "--require-hashes", *formats, *requirements],
            log_name=_log_name(environment),
            advice=NETWORK_ADVICE,
            env=_pip_environment(environment),
            words=pip_words,
        )


def _pip_environment(environment: Environment) -> dict[str, str]:
    """What pip may follow of the user's settings: where packages come from, not where they go."""
    return pip_environment([str(environment.executable), "-I", "-m", "pip"], clean_environment())


def _write_marker(environment: Environment) -> None:
    marker = {"label": environment.label, "packages": environment.packages_key, "project": environment.project_key}
    temporary = environment.folder / f"{MARKER}.new"
    temporary.write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
    temporary.replace(environment.folder / MARKER)


def _remove(folder: Path) -> None:
    if not folder.exists():
        return
    # Renamed first: a removal that is broken off leaves no half environment in its place.
    trash = folder.with_name(f"{folder.name}.old-{os.getpid()}")
    try:
        folder.rename(trash)
    except OSError as error:
        raise SetupError(
            f"{folder} is broken or outdated and could not be removed: {error}",
            advice="close programs that use it, or remove it by hand.",
        ) from error
    shutil.rmtree(trash, ignore_errors=True)


def _run_inside(environment: Environment, argv: list[str]) -> "subprocess.CompletedProcess[str] | None":
    try:
        return subprocess.run(
            [str(environment.executable), "-I", *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=180,
            env=clean_environment(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _same_python(environment: Environment) -> bool:
    """Tell whether the environment's Python runs, has pip, and is of the version that would make it anew."""
    done = _run_inside(environment, ["-c", "import pip, sys; print(*sys.version_info[:2])"])
    if done is None or done.returncode != 0:
        return False
    if environment.python == base_python():
        return done.stdout.split() == [str(part) for part in sys.version_info[:2]]
    return True


def _missing_pins(environment: Environment) -> list[str]:
    done = _run_inside(environment, ["-c", CHECK_PINS, *map(str, environment.lock_files)])
    if done is None or done.returncode != 0:
        return ["the check of the installed packages itself failed"]
    return done.stdout.splitlines()


def _check_problem(environment: Environment) -> str | None:
    """Return None if the check statement runs, else what it printed."""
    # os._exit, as some Blender modules crash on the way out.
    code = f"{environment.check}\nimport os, sys\nsys.stdout.flush()\nos._exit(0)"
    done = _run_inside(environment, ["-c", code])
    if done is None:
        return "it did not start or did not end"
    return None if done.returncode == 0 else f"{done.stdout}{done.stderr}exit code {done.returncode}"


def _log_name(environment: Environment) -> str:
    return f"environment-{environment.folder.name.strip('.')}"


WORKER_CHECK = "import numpy, scipy, av, cv2, onnxruntime, ai_edge_litert, pip"


def worker_environment(kind: str) -> Environment:
    """Describe the project's own `.venv`.

    Args:
        kind: "worker" for what the product runs on, "dev" for that and what tests need.
    """
    root = project_root()
    locks_of_kind = {"worker": (lock_name(this_machine()), "build"), "dev": ("dev",)}[kind]
    return Environment(
        label=f"{kind} environment",
        folder=root / ".venv",
        python=base_python(),
        lock_files=tuple(requirements_file(name) for name in locks_of_kind),
        project=root,
        check=WORKER_CHECK + (", pytest, mypy" if kind == "dev" else ""),
    )


def ensure_worker_env(progress: Progress, kind: str = "dev") -> Path:
    """Return the Python of `.venv`; asked for "worker", a development environment that exists is kept as one."""
    dev = worker_environment("dev")
    if kind == "dev" or read_marker(dev.folder).get("label") == dev.label:
        return ensure_environment(dev, progress)
    worker = worker_environment("worker")
    if not is_current(worker) and not read_marker(worker.folder) and dev.folder.exists() and not _missing_pins(dev):
        return ensure_environment(dev, progress)
    return ensure_environment(worker, progress)


def ensure_train_env(progress: Progress) -> Path:
    """Return the Python of the environment for training; it lies in the cache, for all copies of the project.

    The project itself is not installed in it: it runs from the project's folder.
    """
    environment = Environment(
        label="training environment",
        folder=cache_folder() / "environments" / "train",
        python=find_python(3, 11),
        lock_files=(requirements_file("train"),),
        check="import torch, onnx, onnxscript, onnxruntime, pytest",
    )
    return ensure_environment(environment, progress)
