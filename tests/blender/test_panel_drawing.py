"""The panel only uses what each Blender version has."""

import sys
from pathlib import Path

import pytest

import build_addon
from tests.support import blender
from tests.support.sources import REPOSITORY
from tools.progress import Progress

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "panel_drawing.py"
SAMPLE = REPOSITORY / "samples" / "mannequin_walk.mp4"


@pytest.mark.parametrize("bpy_version", blender.BPY_VERSIONS)
def test_every_state_of_the_panel_can_be_drawn(bpy_version, tmp_path):
    zip_path = build_addon.build(tmp_path, Progress(), validated=False)
    args = [zip_path, Path(sys.prefix), SAMPLE]
    run = blender.run_bpy_script(bpy_version, SCRIPT, args, home=tmp_path, project_importable=False)
    drawn = run.result["drawn"]
    assert "Install Worker Environment" in drawn["setup"]
    assert "Estimate Pose" not in drawn["setup"]
    assert "Estimate Pose" in drawn["idle"]
    assert "There is no 'mannequin_walk.mp4.gone'" in drawn["options"]
    assert {"Error (mm)", "Keys", "Export"} <= set(drawn["options"])
    assert "Automatic" in drawn["bones automatic"] and "Clear" not in drawn["bones automatic"]
    assert {"Own map", "Detect", "Clear", "Load", "Save"} <= set(drawn["bones listed"])
    assert "1 to confirm" in drawn["bones doubtful"] and "These Are Right" in drawn["bones doubtful"]
    assert drawn["bone rows"] == ["Head", "skull", "Upper Arm L", "arm", "Toe R"]
    assert "Several Characters" in drawn["several characters offered"]
    assert "Several Characters" not in drawn["several characters"] and "Estimate Pose" in drawn["several characters"]
    assert drawn["roles"] == ["From Left", "Person 3"]
    assert "Automatic" not in drawn["options"]  # no character chosen yet
    assert {"Something broke", "try again", "Setup failed"} <= set(drawn["problem"])
    assert "all is well" in drawn["note"]
    assert {"clip.mp4", "0 - 5:  unsure", "and 5 more", "Export FBX", "Preview"} <= set(drawn["summary"])
    assert {"Export Hero", "Export A vi...name"} <= set(drawn["summary of two"]) and "Export FBX" not in drawn[
        "summary of two"
    ]
    assert "Finding people  40%" in drawn["job"]
    assert "Export FBX" not in drawn["job"]
    assert run.result["dropped"] == str(SAMPLE)
    assert run.result["handler"]
