"""The batch script in a profile in which the extension is installed: it works, and leaves the profile as it was."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

import build_addon
from pose_core import __version__
from pose_core.motion_file import write_motion
from tests.support import blender
from tests.support.motions import random_motion
from tests.support.sources import REPOSITORY
from tools.progress import Progress

pytestmark = pytest.mark.blender

SCRIPT = REPOSITORY / "scripts" / "batch_retarget.py"
INSTALL = """
import bpy

def main(args):
    bpy.ops.extensions.package_install_files(filepath=args[0], repo="user_default", enable_on_install=True)
    bpy.ops.wm.save_userpref()
    return {"enabled": "bl_ext.user_default.pose_core" in bpy.context.preferences.addons}
"""


@pytest.fixture(scope="module")
def zip_path(tmp_path_factory):
    return build_addon.build(tmp_path_factory.mktemp("dist"), Progress(), validated=False)


def content(folder: Path) -> dict[str, str]:
    """Hash of each file below a folder, but for the one that the test itself makes Python compile anew."""
    compiled = "pose_core/__pycache__/__init__."
    files = (path for path in folder.rglob("*") if path.is_file() and compiled not in path.as_posix())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def jobs(folder: Path, rig: Path) -> list[str]:
    for name, seed in (("walk", 0), ("run", 1)):
        write_motion(folder / f"{name}.motion.npz", random_motion(12, seed=seed))
    motions = [str(folder / f"{name}.motion.npz") for name in ("walk", "run")]
    return ["--motion", *motions, "--rig", str(rig), "--out", str(folder / "out"), "--save-blend"]


def judge(run: blender.BlenderRun, folder: Path, profile: Path, before: dict[str, str]) -> None:
    assert run.returncode == 0, run.output
    for name in ("walk", "run"):
        assert json.loads((folder / "out" / f"{name}.report.json").read_text())["status"] == "finished"
    assert any("site-packages/pose_core/" in name for name in before), "nothing is installed there"
    assert content(profile) == before


@pytest.mark.parametrize("bpy_version", blender.BPY_VERSIONS)
def test_in_the_bpy_module(bpy_version, zip_path, tmp_path):
    installed = blender.run_bpy_script(bpy_version, INSTALL, [zip_path], home=tmp_path, project_importable=False)
    assert installed.result["enabled"]
    profile = tmp_path / "blender_user"
    before = content(profile)
    run = blender.run_bpy(bpy_version, [SCRIPT, *jobs(tmp_path, REPOSITORY / "samples" / "mannequin.fbx")], tmp_path)
    judge(run, tmp_path, profile, before)


def test_in_the_full_blender_where_the_add_on_is_on(zip_path, tmp_path):
    inside = Path(shutil.copyfile(zip_path, tmp_path / zip_path.name))
    installed = blender.run_full_blender_script(INSTALL, [inside], share=tmp_path, project_importable=False)
    assert installed.result["enabled"]
    profile = tmp_path / "blender_user"
    # As if it were of another version than the script: whoever loads it first must not decide for both.
    module = next(profile.rglob("site-packages/pose_core/__init__.py"))
    module.write_text(module.read_text().replace(f'"{__version__}"', '"0.0.1"'))
    for compiled in module.parent.glob("__pycache__/__init__.*"):
        compiled.unlink()
    before = content(profile)
    command = ["-b", "-noaudio", "--python", SCRIPT, "--"]
    run = blender.run_full_blender([*command, *jobs(tmp_path, REPOSITORY / "samples" / "mannequin.fbx")], tmp_path)
    judge(run, tmp_path, profile, before)
    assert json.loads((tmp_path / "out" / "walk.report.json").read_text())["pose_core"] == __version__
