"""Files that were saved with an earlier version of the add-on: their settings are what they were."""

import pytest

from tests.support.blender import run_bpy_script
from tests.support.sources import REPOSITORY

pytestmark = pytest.mark.blender

SAVED = REPOSITORY / "tests" / "blender" / "files" / "settings_before_version.blend"
"""Saved by Blender 4.2 with the add-on as it was before settings had a version."""

READ = """
import addon_utils
import bpy

def main(args):
    addon_utils.enable("blender_addon", default_set=True)
    new = bpy.context.scene.pose_core.version
    bpy.ops.wm.open_mainfile(filepath=args[0])
    s = bpy.context.scene.pose_core
    hero = bpy.data.objects["Hero"]
    role, row = s.cast[0], hero.pose_core_bones.rows[0]
    names = ("version", "video_path", "character", "height_m", "people", "model_name", "fov_rad", "pitch_rad",
             "export_preset", "export_clips", "root_motion", "root_bone", "rotation_mode", "use_fewer_keys",
             "key_error_mm")
    return {
        **{name: getattr(s, name) for name in names},
        "new": new, "target": s.target.name,
        "role": [role.target.name, role.person], "row": [row.part, row.bone],
    }
"""


def test_settings_of_an_earlier_version_are_kept(bpy_version, tmp_path):
    found = run_bpy_script(bpy_version, READ, [SAVED], home=tmp_path).result
    assert found.pop("version") == 1
    assert found["fov_rad"] == pytest.approx(0.9) and found["pitch_rad"] == pytest.approx(0.2)
    assert found["height_m"] == pytest.approx(1.83)
    # saved as the fifth of five choices; there are more by now, in another order
    assert found["export_preset"] == "bvh"
    assert found["video_path"] == "//walk.mp4" and found["target"] == "Hero"
    assert (found["character"], found["people"], found["model_name"]) == ("EXISTING", "ALL", "my-model")
    assert (found["export_clips"], found["root_motion"], found["root_bone"]) == ("FILES", "root_bone", "Root")
    assert (found["rotation_mode"], found["use_fewer_keys"], found["key_error_mm"]) == ("XYZ", True, 2.0)
    assert found["role"] == ["Hero", 3] and found["row"] == ["pelvis", "Hips"]
