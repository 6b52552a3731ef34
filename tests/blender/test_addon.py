"""What the add-on's buttons do: several characters in one go, bones and their corrections, models, reports."""

import math
import sys
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from pose_core.config import TrackConfig
from pose_core.motion_file import Motion, write_motion
from tests.support.blender import model_folder, run_bpy_script, run_full_blender_script
from tests.support.motions import random_motion
from tests.support.onnx_file import write_network
from tests.support.shared import shared_file
from tests.support.sources import REPOSITORY

pytestmark = pytest.mark.blender

DEFAULT = TrackConfig().model
# The real worker is the same whichever Blender asks it: one is enough.
RUNS_THE_NETWORK = "5.0.1"
SCRIPT = Path(__file__).parent / "scripts" / "addon_cases.py"
# Where each person stands in the picture, as a slope: the second one is on the left, the third on the right.
# Of 25 degrees about X and then -10 about Y.
CORRECTION_DEG = 2 * math.degrees(math.acos(math.cos(math.radians(12.5)) * math.cos(math.radians(5.0))))
PLACES = {1: 0.1, 2: -0.3, 3: 0.4}


def person(number: int, slope: float) -> Motion:
    motion = random_motion(20, seed=number)
    own = motion.joints_camera_m - motion.joints_camera_m[:, :1]
    return replace(motion, joints_camera_m=own + [4.0 * slope, 0.0, 4.0], person_id=number)


@pytest.fixture(scope="module", params=["4.2.23", "4.5.15", "5.0.1", "full"])
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("addon")
    for number, slope in PLACES.items():
        write_motion(folder / f"clip.p{number}.motion.npz", person(number, slope))
    write_network(folder / "person.onnx")
    # A store of its own: what is registered here must not reach the user's.
    store = folder / "store" / "models"
    store.mkdir(parents=True)
    copytree(model_folder() / DEFAULT, store / DEFAULT)
    env = {"POSE_CORE_CACHE": str(folder / "store")}
    rigs = [shared_file(f"rigs/{name}") for name in ("mixamo_tpose.fbx", "unreal_twist_ik_apose.glb")]
    args: list[str | Path] = [folder, sys.prefix, REPOSITORY / "samples" / "mannequin_walk.mp4"]
    if request.param == "full":
        copies = [folder / rig.name for rig in rigs]
        for rig, copy in zip(rigs, copies, strict=True):
            copy.write_bytes(rig.read_bytes())
        return run_full_blender_script(SCRIPT, [*args, *copies], share=folder, env=env).result
    detectors = [shared_file("models/yolox_nano.onnx").parent] if request.param == RUNS_THE_NETWORK else []
    return run_bpy_script(request.param, SCRIPT, [*args, *rigs, *detectors], home=folder, env=env).result


def test_selected_armatures_are_listed_from_left_to_right_and_played_so(cases: dict[str, Any]) -> None:
    case = cases["cast"]
    assert case["listed"] == ["Rig 0", "Rig 1"]
    assert case["from_behind_PERSP"] == case["from_behind_ORTHO"] == ["Rig 1", "Rig 0"]
    assert case["asked_for"] == 0
    # the two most prominent people play, the left one on the left; the third gets an armature
    assert case["takes"] == {"Rig 0": "clip.p2", "Rig 1": "clip.p1", "clip.p3": "clip.p3"}
    assert [row for row in case["rows"] if row[0].startswith("Person ")] == [
        ["Person 1", "Rig 1"], ["Person 2", "Rig 0"], ["Person 3", "clip.p3"],
    ]  # fmt: skip
    assert case["spans"] == [f"filled in (person {number})" for number in (1, 2, 3)]  # no evidence in these motions


def test_people_can_be_asked_for_by_number_and_the_rest_left_out(cases: dict[str, Any]) -> None:
    case = cases["cast"]
    assert case["asked_for_two"] == 2 and case["asked_for_number"] == 0
    assert case["by_number"] == {"Rig 0": "clip.p3", "Rig 1": "clip.p1.001"}  # beside the take of the run before
    assert case["whose"] == [True, True]
    assert case["missed"] == ["Nobody was left in the video to play 'Rig 1'."]


def test_a_cast_that_fails_leaves_every_character_as_it_was(cases: dict[str, Any]) -> None:
    case = cases["cast"]
    assert "no person 7" in case["absent"] and "in the list twice" in case["twice"]
    assert "has no armature" in case["no_armature"]
    assert case["untouched"]
    assert "on purpose" in case["second_fails"]
    assert case["late"] == [] and case["tracks_kept"]


def test_earlier_takes_of_several_people_are_replaced(cases: dict[str, Any]) -> None:
    first, second = cases["cast"]["replaced"]
    assert first == second and {"clip.p1", "clip.p3"} <= set(first)


def test_rows_can_be_moved_and_removed(cases: dict[str, Any]) -> None:
    assert cases["cast"]["left"] == ["Rig 0"]


def test_one_character_is_for_the_most_prominent_person(cases: dict[str, Any]) -> None:
    assert cases["alone"]["everybody"] == {"Rig 0": "clip.p1", "clip.p2": "clip.p2"}
    assert cases["alone"]["main"] == "clip"


def test_corrections_of_the_panel_turn_bones_and_go_into_the_file(cases: dict[str, Any]) -> None:
    case = cases["corrections"]
    assert case["turned_deg"] == pytest.approx([CORRECTION_DEG] * 3, abs=0.05)  # the hand's turn spreads to no frame
    assert any("Rest pose corrected: spine, left_hand" in note for note in case["notes"])
    wanted = {"spine": [0.0, 0.0, 12.5], "left_hand": [25.0, -10.0, 0.0]}
    assert case["saved"] == {"version": 2, "corrections": wanted}
    assert case["loaded"] == wanted
    assert case["found_anew"] == []
    assert case["same_headless"]
    assert case["limb_deg"] < 0.05  # what is turned on purpose is no deviation
    assert "three angles" in case["refused"]


def test_the_report_says_how_sure_the_bones_are(cases: dict[str, Any]) -> None:
    case = cases["confidence"]
    found = case["found"]
    assert not found["given"] and found["doubtful"] == [] and found["left_out"] == {} and found["overruled"] == []
    assert len(found["confidence"]) >= 20 and all(0.5 <= value <= 1 for value in found["confidence"].values())
    assert found["confidence"][found["least_sure_bone"]] == min(found["confidence"].values())
    assert (found["root_motion"], found["root_bone"]) == ("pelvis", "mixamorig:Hips")
    assert case["in_place"] is None and "no bone above its pelvis" in case["no_root"]
    doubtful = case["doubtful"]
    assert doubtful["given"] and doubtful["doubtful"] == ["mixamorig:Head"]
    assert doubtful["least_sure_bone"] == "mixamorig:Head"
    assert "Bones that are not certain were used: 'mixamorig:Head' (30 %)." in case["notes"]
    assert case["overruled"] == ["mixamorig:LeftArm"]
    left_out, notes = case["left_out"]
    assert left_out["left_out"] == {"mixamorig:LeftToeBase": pytest.approx(0.2)}
    assert "mixamorig:LeftToeBase" not in left_out["confidence"]
    assert any("Left out because not certain: left_toe" in note for note in notes)


def test_the_panel_says_how_sure_the_bones_are(cases: dict[str, Any]) -> None:
    case = cases["confidence"]
    keyed, least = len(case["found"]["confidence"]), 100 * min(case["found"]["confidence"].values())
    assert case["automatic"] == case["listed"] == f"{keyed} keyed, {least:.0f} % sure"
    assert case["confirmed"] == f"{keyed} keyed"
    assert "%" not in case["new"]


def test_a_network_can_be_registered_and_chosen_inside_blender(cases: dict[str, Any]) -> None:
    case = cases["models"]
    assert case["default"] == DEFAULT and next(iter(case["before"])) == DEFAULT and "person" not in case["before"]
    assert "hashes differ" in case["other_hash"] and "existing .onnx file" in case["no_file"]
    assert "cannot name a model" in case["taken_name"] and case["unchanged"]
    assert case["after"] == {**case["before"], "person": "A person who stands (experimental)"}
    assert case["chosen"] == case["asked_for"] == "person"
    assert "yolox-nano" in case["no_detector"] and "Choose another one" in case["no_detector"]
    assert case["back"] == [DEFAULT, ""]
    chosen, label, refused = case["elsewhere"]
    assert (chosen, label) == ("elsewhere", "elsewhere (unknown)") and "no model 'elsewhere'" in refused


def test_a_chosen_network_goes_all_the_way_to_keys(cases: dict[str, Any], request: pytest.FixtureRequest) -> None:
    if "run" not in cases["models"]:
        assert RUNS_THE_NETWORK not in request.node.name
        return
    run = cases["models"]["run"]
    assert run["keypoints"] == 17 and run["finite"]
    assert run["keyed"] > 60 and run["frames"] > 10
    assert ["Model", "person"] in run["rows"]
