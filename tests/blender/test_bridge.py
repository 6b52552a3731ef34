"""The bridge in special situations: refusals, failures, times, repeated runs, overrides, modes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_core.motion_file import Motion, write_motion
from tests.support.blender import run_bpy_script, run_full_blender_script
from tests.support.motions import random_motion
from tests.support.shared import shared_file

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "bridge_cases.py"
NTSC = 30000 / 1001
# Single precision poses of a figure of 1.7 m.
VERIFY_M = 2e-5
FBX_M = 1e-4
VARIABLE_TIMES = np.cumsum(np.random.default_rng(3).uniform(0.02, 0.06, 40))


def retimed(motion: Motion, times_s: np.ndarray) -> Motion:
    return replace(motion, timestamps_s=np.asarray(times_s, dtype=np.float64))


def motions() -> dict[str, Motion]:
    valid = np.ones(40, dtype=np.bool_)
    valid[[0, 1, 12, 13, 14, 39]] = False
    return {
        "clip": random_motion(40),
        "other": random_motion(40, seed=5),
        "ntsc": retimed(random_motion(40), 2.0 + np.arange(40) / NTSC),
        "variable": retimed(random_motion(40), VARIABLE_TIMES),
        "gaps": random_motion(40, valid=valid),
    }


@pytest.fixture(scope="module", params=["4.2.23", "4.5.15", "5.0.1", "full"])
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bridge")
    for name, motion in motions().items():
        write_motion(folder / f"{name}.motion.npz", motion)
    rigs = [shared_file(f"rigs/{name}") for name in ("mixamo_tpose.fbx", "scaled_rotated_rolls.blend")]
    if request.param == "full":
        copies = [folder / rig.name for rig in rigs]
        for rig, copy in zip(rigs, copies, strict=True):
            copy.write_bytes(rig.read_bytes())
        return run_full_blender_script(SCRIPT, [folder, *copies], share=folder).result
    return run_bpy_script(request.param, SCRIPT, [folder, *rigs], home=folder).result


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("mesh", "An armature was expected, but 'Box'"),
        ("mirrored", "mirrored"),
        ("uneven", "scaled differently"),
        ("edit", "is in edit mode"),
        ("missing", "no bone for left_upper_arm"),
        ("no_bones", "has no bones"),
    ],
)
def test_what_cannot_be_used_is_refused_and_untouched(cases: dict[str, Any], case: str, words: str) -> None:
    assert words in cases["refusals"][case]["message"]
    assert cases["refusals"][case]["untouched"]


def test_a_failure_in_the_last_step_leaves_the_scene_as_it_was(cases: dict[str, Any]) -> None:
    assert cases["failure"] == {"plain": [], "with_action": [], "new": []}


REPORT_KEYS = (
    "object new_armature action keys keys_of_every_frame nla_track bones frames frame_start frames_keyed"
    " frames_without_pose fps fps_setting fps_mode family bone_map mapping leg_ratio planting ik_limbs corrections"
    " notes failures verify timings_s"
)


def test_reports_on_disk_keep_their_keys(cases: dict[str, Any]) -> None:
    assert cases["ntsc"]["report_keys"] == REPORT_KEYS.split()


def test_29_97_is_exact_in_the_scene_and_through_fbx(cases: dict[str, Any]) -> None:
    case = cases["ntsc"]
    assert case["report_fps"] == pytest.approx(NTSC, rel=1e-12)
    assert (case["fps"], case["fps_base"]) == (30, pytest.approx(1.001))
    assert case["frames"] == list(range(1, 41)) and case["range"] == [1, 40]
    for importer in ("python", "native"):
        if importer in case:
            assert case[importer]["fps"] == pytest.approx(NTSC, rel=1e-6)
            assert case[importer]["first_last"] == pytest.approx([1, 40], abs=1e-3)
            assert case[importer]["error_m"] < FBX_M, importer
    assert "python" in case


def test_a_variable_rate_keeps_its_times(cases: dict[str, Any]) -> None:
    times = np.array(cases["variable"]["times"])
    assert times == pytest.approx(VARIABLE_TIMES - VARIABLE_TIMES[0], abs=2e-6)
    assert cases["variable"]["verify"]["max_joint_deviation_m"] < VERIFY_M


def test_resampled_keys_are_on_whole_frames_of_the_scene(cases: dict[str, Any]) -> None:
    case = cases["resampled"]
    assert case["frames"] == list(range(1, 33))  # 39/30 s at 24 frames a second
    assert (case["fps"], case["end"]) == (24, 250)
    assert case["verify"]["max_joint_deviation_m"] < VERIFY_M


def test_a_scene_that_keeps_its_rate_gets_subframes(cases: dict[str, Any]) -> None:
    assert cases["own_rate"]["frames"] == pytest.approx(1 + np.arange(40) * 0.8, abs=1e-4)
    assert cases["own_rate"]["verify"]["max_joint_deviation_m"] < VERIFY_M


def test_frames_without_a_pose_get_no_keys(cases: dict[str, Any]) -> None:
    missing = {1, 2, 13, 14, 15, 40}
    assert cases["gaps"]["frames"] == [frame for frame in range(1, 41) if frame not in missing]
    assert cases["gaps"]["without"] == len(missing)
    assert cases["gaps"]["verify"]["max_joint_deviation_m"] < VERIFY_M


def test_nothing_leaks_from_one_run_to_the_next(cases: dict[str, Any]) -> None:
    assert cases["again"]["same"] and cases["again"]["different"]
    actions = cases["again"]["actions"]
    assert len(actions) == 3
    assert sum(fake for _, fake in actions) == 2  # earlier takes are kept, the new one has a user


def test_leftovers_are_reset_and_poses_made_by_hand_kept(cases: dict[str, Any]) -> None:
    case = cases["kept"]
    assert case["verify"]["max_joint_deviation_m"] < VERIFY_M
    assert case["by_hand"] == pytest.approx([0.9, 0.4, 0, 0], abs=1e-6)
    assert case["by_action"] == pytest.approx([1, 0, 0, 0])
    told = " ".join(case["notes"])
    assert "mixamorig:LeftUpLeg" in told and "mixamorig:RightHandIndex1" in told and "LeftHandIndex1" not in told


def test_inheritance_flags_are_understood(cases: dict[str, Any]) -> None:
    assert cases["flags"]["max_joint_deviation_m"] < VERIFY_M
    assert cases["flags"]["max_limb_direction_deg"] < 0.01


def test_linked_characters_need_an_override_and_its_action_survives(cases: dict[str, Any]) -> None:
    case = cases["override"]
    assert "linked from another file" in case["linked"]["message"] and case["linked"]["untouched"]
    assert case["verify"]["max_joint_deviation_m"] < VERIFY_M
    assert case["after_reload"] > 80


def test_a_new_armature_disturbs_neither_mode_nor_selection(cases: dict[str, Any]) -> None:
    for mode in ("OBJECT", "POSE", "EDIT"):
        case = cases["modes"][mode]
        assert case["mode"] == mode and case["active"] and case["selected"], mode
        assert case["verify"]["max_joint_deviation_m"] < VERIFY_M
    assert cases["modes"]["excluded"]["verify"]["max_joint_deviation_m"] < VERIFY_M


def test_a_constraint_that_overrules_keys_is_told_and_seen(cases: dict[str, Any]) -> None:
    case = cases["constraint"]
    assert any("'mixamorig:LeftArm'" in note and "Constraints" in note for note in case["notes"])
    assert case["verify"]["max_joint_deviation_m"] > 0.01
    off = case["verify"]["deviation_by_bone_m"]
    assert "mixamorig:LeftForeArm" in off and "mixamorig:RightForeArm" not in off


def test_a_hidden_character_is_exported_alone(cases: dict[str, Any]) -> None:
    assert cases["hidden"]["state_kept"]
    assert "ARMATURE" in cases["hidden"]["objects"] and len(cases["hidden"]["objects"]) == 2


def test_relative_to_the_object_the_figure_stands_where_the_object_is(cases: dict[str, Any]) -> None:
    case = cases["place"]
    start = random_motion(40).root_translation_m[0]
    assert np.linalg.norm(np.subtract(case["hips"][:2], case["object"][:2])) == pytest.approx(
        case["ratio"] * float(np.linalg.norm(start[:2])), abs=0.02
    )


def test_keys_arrive_in_bulk(cases: dict[str, Any]) -> None:
    case = cases["speed"]
    assert (case["bones"], case["keys"]) == (65, 1000 * (65 * 4 + 3))
    assert case["error_m"] < 1e-4
    print(f"65 bones x 1000 frames: {case['seconds']:.3f} s")
