"""Programs that read exported files: three.js, the glTF validator and Autodesk's SDK (npm), ufbx, assimp, Godot."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import debian, locks
from .chroot import root_command, run_in_root
from .command import clean_environment, run_quietly
from .environments import Environment, ensure_environment, is_current
from .errors import SetupError, UnavailableError
from .full_blender import full_blender_root
from .paths import cache_folder, project_root, requirements_file
from .progress import Progress
from .python import find_python

NODE_PROJECT = "interop-npm"
NODE_COMMANDS = ("node", "npm")
ROOT_PACKAGES = ("godot", "assimp-utils")
ROOT_MARKER = "pose-core-readers.json"


@dataclasses.dataclass(frozen=True)
class Readers:
    """Where the readers are; a missing one is None and has its reason in `missing`."""

    node: Path | None
    """Folder with `node_modules`."""
    python: Path | None
    """Python with ufbx and bvhio."""
    root: Path | None
    """Root file system with Godot and assimp."""
    missing: dict[str, str] = dataclasses.field(default_factory=dict)


def _node_source() -> Path:
    return project_root() / "requirements" / NODE_PROJECT


def node_folder() -> Path:
    """Return where the npm packages of this lock file belong."""
    lock = (_node_source() / "package-lock.json").read_bytes()
    return cache_folder() / "readers" / f"npm-{hashlib.sha256(lock).hexdigest()[:12]}"


def reader_environment() -> Environment:
    """Describe the environment of the Python readers."""
    return Environment(
        label="readers of exported files",
        folder=cache_folder() / "environments" / "interop",
        python=find_python(3, 11),
        lock_files=(requirements_file("interop"),),
        check="import numpy, pufbx, bvhio",
        built=("pufbx",),
    )


def root_has_readers(root: Path) -> bool:
    """Tell whether a root file system has Godot and assimp."""
    try:
        marker = json.loads((root / ROOT_MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(marker, dict) and marker.get("packages") == list(ROOT_PACKAGES)


def read_readers() -> Readers:
    """Return the readers that are installed; nothing is installed or started."""
    missing: dict[str, str] = {}
    node: Path | None = node_folder()
    if not (node_folder() / "node_modules").is_dir() or debian.missing_commands(NODE_COMMANDS[:1]):
        node, missing["node"] = None, "node or its packages are not installed"
    try:
        environment = reader_environment()
        python = environment.executable if is_current(environment) else None
    except SetupError:
        python = None
    if python is None:
        missing["python"] = "the environment with ufbx and bvhio is not installed"
    root: Path | None = full_blender_root()
    if not root_has_readers(full_blender_root()):
        root, missing["root"] = None, "Godot and assimp are not installed"
    return Readers(node, python, root, missing)


def ensure_readers(progress: Progress) -> Readers:
    """Install what can be installed of the readers, and say what cannot and why.

    Raises:
        SetupError: an installation that should work failed.
    """
    missing: dict[str, str] = {}
    for name, make in (("node", _ensure_node), ("python", _ensure_python), ("root", _ensure_root)):
        try:
            make(progress)
        except UnavailableError as error:
            missing[name] = str(error)
    found = read_readers()
    return dataclasses.replace(found, missing={**found.missing, **missing})


def _ensure_python(progress: Progress) -> None:
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        debian.ensure_packages(progress, ["gcc", "libc6-dev"], "building the Python module of ufbx")
    ensure_environment(reader_environment(), progress)


def _ensure_node(progress: Progress) -> None:
    folder = node_folder()
    if (folder / "node_modules").is_dir() and not debian.missing_commands(NODE_COMMANDS[:1]):
        return
    with locks.held("interop-npm", lambda: progress.note("waiting for another process that installs npm packages")):
        debian.ensure_commands(progress, NODE_COMMANDS, "reading exported files with three.js and others")
        if (folder / "node_modules").is_dir():
            return
        new = folder.with_name(f"{folder.name}.new-{os.getpid()}")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(_node_source() / name, new / name)
        with progress.step("npm packages that read exported files") as step:
            run_quietly(
                step,
                [str(shutil.which("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                log_name="interop-npm",
                cwd=new,
                env=clean_environment(),
                advice="check the network and npm's settings.",
            )
        program = new / "node_modules" / "fbx2gltf" / "bin" / "Linux" / "FBX2glTF"
        if program.exists():
            program.chmod(0o755)
        new.rename(folder)


def _ensure_root(progress: Progress) -> None:
    root = full_blender_root()
    if root_has_readers(root):
        return
    if not sys.platform.startswith("linux") or not debian.is_root() or not root.exists():
        raise UnavailableError("Godot and assimp go into the root file system of the full Blender, which is missing.")
    proxies = {key: value for key, value in os.environ.items() if key.lower().endswith("_proxy")}
    env = {"DEBIAN_FRONTEND": "noninteractive", **proxies}
    with locks.held("full-blender", lambda: progress.note("waiting for another process that installs packages")):
        if root_has_readers(root):
            return
        with progress.step("Godot and assimp from Debian") as step:
            for command in (
                ["apt-get", *debian.APT_OPTIONS, "update"],
                ["apt-get", *debian.APT_OPTIONS, "install", "--no-install-recommends", *ROOT_PACKAGES],
                ["apt-get", "clean"],
            ):
                run_quietly(
                    step,
                    root_command(root, command, env=env),
                    log_name="interop-root",
                    advice="sid changes daily and may be uninstallable for some hours: try again later.",
                )
            version = _godot_version(root)
        marker = {"packages": list(ROOT_PACKAGES), "godot": version}
        (root / ROOT_MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")


def _godot_version(root: Path) -> str:
    try:
        done = run_in_root(root, ["godot", "--version"], timeout_s=60)
    except subprocess.TimeoutExpired as error:
        raise SetupError("the freshly installed Godot did not end.", advice="sid changes daily.") from error
    if done.returncode != 0:
        raise SetupError("the freshly installed Godot did not start.", tail=tuple(done.stdout.splitlines()[-15:]))
    return done.stdout.strip().splitlines()[-1]
