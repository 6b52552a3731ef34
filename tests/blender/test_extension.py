"""The zip that users get, in every Blender: installed, enabled, run, its keys read back."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import build_addon
from pose_core.motion_file import read_motion
from tests.support import blender
from tests.support.sources import REPOSITORY
from tools.progress import Progress

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "extension_job.py"
SAMPLE = REPOSITORY / "samples" / "mannequin_walk.mp4"
ENVIRONMENT = Path(sys.prefix)


@pytest.fixture(scope="module")
def zip_path(tmp_path_factory):
    return build_addon.build(tmp_path_factory.mktemp("dist"), Progress(), validated=False)


def check(result, folder):
    """Judge what the script in Blender reports."""
    assert not result["pose_core"].startswith(str(REPOSITORY)), "the installed copy must be used"
    assert result["registered"]["property"]
    assert result["registered"]["handlers"] == 1
    assert {"POSE_CORE_PT_main", "POSE_CORE_OT_estimate"} <= set(result["registered"]["classes"])
    nothing = {"classes": [], "operators": [], "property": False, "handlers": 0}
    assert result["cycles"] == [nothing, result["registered"]] * 2

    refusals = result["refusals"]
    assert "No video was chosen" in refusals["no video"]
    assert "not installed" in refusals["no environment"]
    assert "online access is off" in refusals["offline"]
    assert "does not exist" in refusals["video gone"]
    assert "No character was chosen" in refusals["no character"]
    assert refusals["one bone"]
    assert result["unchanged"]

    assert result["outcome"] == ["FINISHED"]
    assert result["frames"] == 60
    assert result["fps"] == 30
    assert result["key_frames"] == [11.0 + k for k in range(60)]
    assert result["same_frames"]
    assert result["range"] == [11, 70]
    assert result["curves"] >= 4 * 15
    assert result["worst_m"] < 0.005  # single-precision keys and poses on a body of 1.7 m
    assert dict(result["rows"])["Frames"].startswith("60")
    assert Path(result["fbx"]).stat().st_size > 10_000
    assert Path(result["preview"]).stat().st_size > 1_000
    assert read_motion(folder / "mannequin_walk.motion.npz").source == "mannequin_walk.mp4"
    left = sorted(path.name for path in folder.iterdir())
    assert left == ["mannequin_walk.motion.npz", "mannequin_walk.preview.mp4", "person.fbx"]


@pytest.mark.parametrize("bpy_version", blender.BPY_VERSIONS)
def test_the_zip_works_in_the_bpy_module(bpy_version, zip_path, tmp_path):
    out = tmp_path / "made" / "by the job"
    args = [zip_path, ENVIRONMENT, SAMPLE, out]
    run = blender.run_bpy_script(bpy_version, SCRIPT, args, home=tmp_path, project_importable=False)
    assert run.result["version"].split()[0] == bpy_version
    check(run.result, out)


def test_the_zip_works_in_the_full_blender(zip_path, tmp_path):
    out = tmp_path / "made" / "by the job"
    inside = tmp_path / zip_path.name
    shutil.copyfile(zip_path, inside)
    args = [inside, ENVIRONMENT, SAMPLE, out]
    run = blender.run_full_blender_script(SCRIPT, args, share=tmp_path, project_importable=False)
    check(run.result, out)


@pytest.mark.parametrize("bpy_version", blender.BPY_VERSIONS)
def test_blenders_own_validator_accepts_the_zip(bpy_version, zip_path):
    command = build_addon.validator_of(blender.bpy_python(bpy_version))
    done = subprocess.run([*command, zip_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_validator_refuses_a_zip_with_a_broken_manifest(zip_path, tmp_path):
    broken = tmp_path / zip_path.name
    with zipfile.ZipFile(zip_path) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b'id = "pose_core"', b"") if name.endswith(".toml") else content)
    command = build_addon.validator_of(blender.bpy_python("5.0.1"))
    assert subprocess.run([*command, broken], capture_output=True, check=False).returncode != 0
