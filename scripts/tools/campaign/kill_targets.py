"""Jobs that are killed: how each is started, what it reads and writes, and how one sees that a result is whole."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import av

from pose_core import __version__
from pose_core.errors import PoseCoreError
from pose_core.export.fbx_file import read_fbx
from pose_core.install.environment import environment_python, environment_status
from pose_core.lab.bench.sample import sample_motion
from pose_core.motion_file import read_motion, write_motion
from pose_core.runtime.catalogue import built_in_models
from pose_core.runtime.fetch import download_wheel
from tools.blender import DEFAULT_BPY, read_bpy
from tools.paths import cache_folder, project_root
from tools.python import base_python

_CLIP = project_root() / "pose_core" / "worker" / "self_test.mp4"
_PARENT = Path(__file__).with_name("kill_parent.py")
_OPERATOR = Path(__file__).with_name("kill_operator.py")
_ENVIRONMENT = "environment"


@dataclass(frozen=True)
class Job:
    """One job to start, in a folder of its own: inputs in `in`, results in `out`."""

    command: list[str]
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A kind of job."""

    name: str
    prepare: Callable[[Path], Job | None]
    """Fills the folder; None where something is missing on this machine."""
    victims: tuple[str, ...] = ("itself",)
    """Whom to kill: `itself`, what was started, or `child`, the process that it started."""
    fills: bool = True
    """Whether it begins on a disk that is too small; some look for room first."""


def targets() -> dict[str, Target]:
    """All of them by name."""
    found = (
        Target("command line", _estimate),
        Target("worker", _worker, ("itself", "child")),
        Target("batch", _batch),
        Target("add-on operator", _operator, ("itself", "child")),
        Target("model fetch", _fetch),
        Target("installer", _install, ("itself", "child"), fills=False),
    )
    return {target.name: target for target in found}


def whats_broken(out: Path) -> str:
    """The first result that bears its final name and is not whole; empty if all are."""
    for path in sorted(out.rglob("*")):
        inside = path.relative_to(out).parts
        if any(part.startswith(".") for part in inside) or (_ENVIRONMENT in inside[:1] and len(inside) > 1):
            continue
        try:
            problem = _problem(path)
        except (PoseCoreError, OSError, ValueError, LookupError, av.error.FFmpegError) as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            return f"{path.name}: {problem[:200]}"
    return ""


def _problem(path: Path) -> str:
    if path.name == _ENVIRONMENT:
        status = environment_status(path)
        python = environment_python(path)
        done = subprocess.run([str(python), "-I", "-c", "import demo_library, pose_core"], check=False)
        return "" if status.usable and status.ours and done.returncode == 0 else "it is no whole environment"
    if path.name.endswith(".motion.npz"):
        read_motion(path)
    elif path.suffix == ".mp4":
        with av.open(str(path)) as container:
            return "" if sum(1 for _ in container.decode(video=0)) else "no pictures"
    elif path.suffix == ".fbx":
        read_fbx(path.read_bytes())
    elif path.suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".bvh":
        lines = path.read_text(encoding="utf-8").rstrip().splitlines()
        count = next(int(line.split(":")[1]) for line in lines if line.startswith("Frames:"))
        return "" if len(lines[-1].split()) == len(lines[-2].split()) and count > 1 else "it ends early"
    elif path.suffix == ".tflite":
        files = {file.filename: file.sha256 for model in built_in_models().values() for file in model.files}
        return "" if hashlib.sha256(path.read_bytes()).hexdigest() == files[path.name] else "another content"
    return ""


def _folders(folder: Path) -> tuple[Path, Path]:
    inputs, out = folder / "in", folder / "out"
    inputs.mkdir(parents=True, exist_ok=True)
    out.mkdir(exist_ok=True)
    return inputs, out


def _estimate(folder: Path) -> Job:
    inputs, out = _folders(folder)
    clip = shutil.copy(_CLIP, inputs / "walk.mp4")
    options = ["--out", out / "walk.motion.npz", "--preview", out / "walk.preview.mp4", "--threads", "1"]
    return Job([sys.executable, "-m", "pose_core.cli", "estimate", str(clip), *map(str, options)])


def _worker(folder: Path) -> Job:
    inputs, out = _folders(folder)
    clip = shutil.copy(_CLIP, inputs / "walk.mp4")
    return Job([sys.executable, str(_PARENT), "estimate", str(clip), str(out)])


def _batch(folder: Path) -> Job | None:
    python = read_bpy(DEFAULT_BPY)
    if python is None:
        return None
    inputs, out = _folders(folder)
    shutil.copy(project_root() / "samples" / "mannequin.fbx", inputs / "hero.fbx")
    write_motion(inputs / "walk.motion.npz", sample_motion(40))
    options = ["--motion", inputs / "walk.motion.npz", "--rig", inputs / "hero.fbx", "--out", out, "--save-blend",
               "--export", "fbx,bvh"]  # fmt: skip
    script = project_root() / "scripts" / "batch_retarget.py"
    return Job([str(python), str(script), *map(str, options)], {"BLENDER_USER_RESOURCES": str(folder / "blender")})


def _operator(folder: Path) -> Job | None:
    python = read_bpy(DEFAULT_BPY)
    if python is None:
        return None
    inputs, out = _folders(folder)
    clip = shutil.copy(_CLIP, inputs / "walk.mp4")
    command = [str(python), str(_OPERATOR), str(clip), str(out), sys.prefix]
    return Job(command, {"BLENDER_USER_RESOURCES": str(folder / "blender")})


def _fetch(folder: Path) -> Job | None:
    _, out = _folders(folder)
    wheels = cache_folder() / "campaigns" / "wheels"
    wheel = built_in_models()["blazepose-full"].wheel
    assert wheel is not None
    if not (wheels / wheel.filename).is_file():
        wheels.mkdir(parents=True, exist_ok=True)
        try:
            download_wheel(wheel, wheels)
        except PoseCoreError:
            return None
    variables = {"POSE_CORE_CACHE": str(out), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    return Job([sys.executable, "-m", "pose_core.cli", "models", "get"], variables)


def _install(folder: Path) -> Job:
    """Made-up packages: what is tried is how an environment is made, not what is in it."""
    inputs, out = _folders(folder)
    (inputs / "wheels").mkdir(exist_ok=True)
    demo = _write_wheel(inputs / "wheels", "demo_library", "1.5", {"demo_library.py": b"ANSWER = 42\n"})
    digest = hashlib.sha256(demo.read_bytes()).hexdigest()
    (inputs / "lock.txt").write_text(f"demo-library==1.5 \\\n    --hash=sha256:{digest}\n", encoding="utf-8")
    _write_wheel(inputs, "pose_core", __version__, {"pose_core/__init__.py": b"__version__ = 'made up'\n"})
    command = [sys.executable, str(_PARENT), "install", str(inputs), str(out / _ENVIRONMENT), str(base_python())]
    return Job(command)


def _write_wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> Path:
    """A wheel of plain Python files."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: campaign\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        rows.append(f"{path},sha256={digest},{len(data)}")
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return wheel
