"""The worker environment as the add-on makes it: from the bundled wheel and lock file, with Blender's own Python."""

import os
from pathlib import Path

import pytest

import build_addon
from tests.support import blender
from tests.support.sources import REPOSITORY
from tools.progress import Progress

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "environment_job.py"
SAMPLE = REPOSITORY / "samples" / "mannequin_walk.mp4"


def test_install_verify_test_run_remove(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    zip_path = build_addon.build(tmp_path, Progress(), validated=False)
    # pip's own settings, such as which index it uses, are the user's and stay in force.
    pip = {key: value for key, value in os.environ.items() if key.upper().startswith(("PIP_", "HTTP", "NO_PROXY"))}
    run = blender.run_bpy_script(
        "5.0.1", SCRIPT, [zip_path, SAMPLE, out], timeout_s=900, home=tmp_path, project_importable=False, env=pip
    )
    facts = run.result
    assert Path(facts["folder"]).is_relative_to(tmp_path / "cache" / "worker")
    assert "no-python" in facts["no base"]
    assert "holds every package" in facts["empty folder"]
    assert facts["left after failure"] == []
    assert "packages" in facts["installed"]
    assert "as it was installed" in facts["verified"]
    assert "blazepose-full runs on" in facts["tested"]
    assert facts["made"] == ["mannequin_walk"]
    assert "pose_core/stages.py was changed" in facts["damaged"]
    assert facts["left"] == []


NO_VENV = """
import sys
import bpy

def main(args):
    bpy.ops.extensions.package_install_files(filepath=args[0], repo="user_default", enable_on_install=True)
    bpy.context.preferences.system.use_online_access = True
    try:
        bpy.ops.pose_core.install()
    except RuntimeError as error:
        return {"text": str(error), "python": sys.executable}
    return {"text": "", "python": sys.executable}
"""


def test_a_blender_on_a_python_without_ensurepip_says_what_to_do(tmp_path):
    """Debian's Blender runs on the system's Python, which cannot make environments by itself."""
    zip_path = build_addon.build(tmp_path, Progress(), validated=False)
    run = blender.run_full_blender_script(NO_VENV, [zip_path], share=tmp_path, project_importable=False)
    assert run.result["python"] in run.result["text"]
    assert "-venv" in run.result["text"]
    assert "preferences" in run.result["text"]
    assert not list((tmp_path / "cache" / "worker").iterdir())
