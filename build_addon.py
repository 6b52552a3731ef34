"""Build the Blender extension: `dist/pose_core-VERSION.zip`, the same byte for byte from the same sources.

    python3 build_addon.py                  build, and validate with Blender's own validator
    python3 build_addon.py --no-validate    without the validator (it needs a Blender)

The zip holds the add-on, `pose_core` as a wheel (Blender's Python and the worker run the same version), and the list of
packages that the worker environment is made from. Nothing is taken from a build folder of an earlier run.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))

from tools.blender import BPY_VERSIONS, DEFAULT_BPY, ensure_bpy, read_bpy  # noqa: E402
from tools.command import clean_environment  # noqa: E402
from tools.environments import ensure_worker_env  # noqa: E402
from tools.errors import SetupError  # noqa: E402
from tools.progress import Progress  # noqa: E402
from tools.python import leave_venv, require_minimum  # noqa: E402

# The zip format cannot tell times before 1980; any fixed moment makes builds repeatable.
SOURCE_DATE_EPOCH = 1577836800
ZIP_TIME = (2020, 1, 1, 0, 0, 0)
FILE_MODE = 0o644
SKIPPED_NAMES = {"__pycache__", ".DS_Store", "Thumbs.db"}
SKIPPED_SUFFIXES = {".pyc", ".pyo", ".orig", ".rej", ".swp"}
WHEEL_INPUTS = ("pyproject.toml", "README.md", "LICENSE", "THIRD_PARTY.md")
TOKEN = re.compile(r"@[A-Z]+@")


def project_version() -> str:
    """Return the version that `pose_core/__init__.py` states, the only place where it is written."""
    text = (ROOT / "pose_core" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise SetupError("pose_core/__init__.py states no __version__.")
    return found.group(1)


def source_files(folder: Path) -> list[Path]:
    """Return the files below a folder that belong into a build, in a fixed order."""
    files = []
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
        parts = path.relative_to(folder).parts
        wanted = not any(part in SKIPPED_NAMES or part.startswith(".") for part in parts)
        if wanted and path.is_file() and path.suffix not in SKIPPED_SUFFIXES:
            files.append(path)
    return files


def build_wheel(python: Path, stage: Path) -> Path:
    """Build the wheel of `pose_core` from a clean copy of its sources.

    Args:
        python: a Python that has hatchling.
        stage: an empty folder.
    Returns:
        path of the wheel.
    """
    source, out = stage / "source", stage / "wheel"
    for path in source_files(ROOT / "pose_core"):
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(FILE_MODE)
    for name in WHEEL_INPUTS:
        shutil.copyfile(ROOT / name, source / name)
        (source / name).chmod(FILE_MODE)
    done = subprocess.run(
        [str(python), "-I", "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=source,
        env=clean_environment({"SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH)}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    wheels = sorted(out.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise SetupError("the wheel could not be built.", tail=tuple(done.stdout.splitlines()[-20:]))
    if not wheels[0].name.endswith("-py3-none-any.whl"):
        raise SetupError(f"the wheel {wheels[0].name} is tied to a platform; only pure Python may be bundled.")
    return wheels[0]


def fill_manifest(text: str, version: str, wheel: str) -> str:
    """Put version and wheel into the manifest's text."""
    head, _, body = text.partition("schema_version")
    del head  # the remark about tokens is for the source
    filled = f"schema_version{body}".replace("@VERSION@", version).replace("@WHEEL@", wheel)
    left = TOKEN.findall(filled)
    if left:
        raise SetupError(f"the manifest has a token that nothing fills: {left[0]}")
    return filled


def stage_extension(wheel: Path, version: str) -> dict[str, bytes]:
    """Return everything the extension holds: path within the zip -> content."""
    content = {}
    for path in source_files(ROOT / "blender_addon"):
        content[path.relative_to(ROOT / "blender_addon").as_posix()] = path.read_bytes()
    manifest = content["blender_manifest.toml"].decode("utf-8")
    content["blender_manifest.toml"] = fill_manifest(manifest, version, wheel.name).encode("utf-8")
    content[f"wheels/{wheel.name}"] = wheel.read_bytes()
    content["requirements/worker.txt"] = (ROOT / "requirements" / "worker.txt").read_bytes()
    return content


def write_zip(path: Path, content: dict[str, bytes]) -> None:
    """Write a zip that depends on its content alone: fixed order, times, modes and compression."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.create_system = 3  # Unix, wherever it is built: the modes below are Unix ones
            entry.external_attr = (0o100000 | FILE_MODE) << 16
            archive.writestr(entry, content[name], zipfile.ZIP_DEFLATED, 9)


def validator_command(progress: Progress) -> list[str]:
    """Return the command line of Blender's validator, to be followed by the zip; installs a bpy if there is none."""
    for version in (DEFAULT_BPY, *reversed(BPY_VERSIONS)):
        python = read_bpy(version)
        if python is not None:
            return validator_of(python)
    blender = shutil.which("blender")
    if blender:
        return [blender, "--command", "extension", "validate"]
    return validator_of(ensure_bpy(DEFAULT_BPY, progress))


def validator_of(python: Path) -> list[str]:
    """Return the command line of the validator that a bpy environment holds, to be followed by the zip."""
    pattern = "lib/python3*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    windows = "Lib/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    environment = python.parent.parent
    scripts = sorted(environment.glob(pattern)) or sorted(environment.glob(windows))
    if not scripts:
        raise SetupError(
            f"the Blender in {environment} holds no validator.", advice="remove that folder and try again."
        )
    return [str(python), str(scripts[0]), "validate"]


def validate(path: Path, progress: Progress) -> None:
    """Let Blender's own validator judge the zip.

    Raises:
        SetupError: it found something.
    """
    command = [*validator_command(progress), str(path)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=clean_environment(),
        check=False,
    )
    if done.returncode != 0:
        raise SetupError("Blender's validator refuses the extension.", tail=tuple(done.stdout.splitlines()[-20:]))


def build(out: Path, progress: Progress, validated: bool = True) -> Path:
    """Build the extension into a folder and return its path; one that is refused does not appear there.

    Raises:
        SetupError: a step failed, or the validator found something.
    """
    version = project_version()
    python = ensure_worker_env(progress, "worker")
    with tempfile.TemporaryDirectory(prefix="pose-core-build-") as stage:
        wheel = build_wheel(python, Path(stage))
        # Under its final name, as the validator looks at that as well.
        path = Path(stage) / f"pose_core-{version}.zip"
        write_zip(path, stage_extension(wheel, version))
        if validated:
            validate(path, progress)
        out.mkdir(parents=True, exist_ok=True)
        temporary = out / f".{path.name}.new-{os.getpid()}"
        shutil.copyfile(path, temporary)
        return temporary.replace(out / path.name)


def main() -> int:
    """Build, validate, and say where the zip is; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "dist", metavar="DIR", help="where to put it (default: dist)"
    )
    parser.add_argument("--no-validate", action="store_true", help="do not run Blender's validator")
    options = parser.parse_args()
    leave_venv()
    progress = Progress(sys.stdout)
    try:
        require_minimum()
        path = build(options.out.absolute(), progress, not options.no_validate)
    except SetupError as error:
        print(f"{error}\nFAILED", file=sys.stderr)
        return 1
    print(f"{path} ({path.stat().st_size / 1024:.0f} KB){'' if options.no_validate else ', validated by Blender'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
