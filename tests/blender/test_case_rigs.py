"""Rigs on which retargeting once failed: what each stands for works, or is said in one sentence."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pose_core.motion_file import write_motion
from tests.support.blender import run_bpy_script, run_full_blender_script
from tests.support.motions import sample_motion
from tests.support.shared import shared_file

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "case_rigs.py"
RIGS = ("feet_under_root", "biped_arms_on_neck", "connected_hips", "mmd_tools_import", "unreal_root_is_object")
# Blender computes poses in single precision.
EXACT_M = 1e-4
# A planted foot may move this much a frame, as on any other rig.
SLIP_MM = 0.5
LARGEST_ERROR_M = 5e-3


@pytest.fixture(scope="module", params=["5.0.1", "full"])  # the files are those of Blender 5.0
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("cases")
    write_motion(folder / "walk.motion.npz", sample_motion(80))
    names = ["rigs/mixamo_tpose.fbx", "cases/fbx_with_light.fbx", *(f"cases/{name}.blend" for name in RIGS)]
    copies = [shutil.copy(shared_file(name), folder) for name in names]  # the other root sees this folder only
    args = [folder / "walk.motion.npz", folder, *copies]
    if request.param == "full":
        return run_full_blender_script(SCRIPT, args, share=folder).result
    return run_bpy_script(request.param, SCRIPT, args, home=folder).result


@pytest.mark.parametrize("name", RIGS)
def test_every_joint_goes_where_the_motion_wants_it(name: str, cases: dict[str, Any]) -> None:
    case = cases[name]
    assert "refused" not in case, case
    assert case["verify"]["max_joint_deviation_m"] < EXACT_M and case["failures"] == []
    assert case["verify"]["slip"]["pairs"] > 5 and case["verify"]["slip"]["max_mm"] < SLIP_MM
    assert 1.6 < case["verify"]["height_m"] < 1.8
    assert cases["by_hand"].get(name, 0.0) < EXACT_M


@pytest.mark.parametrize("name", RIGS[:3])
def test_fewer_keys_keep_their_promise_on_them(name: str, cases: dict[str, Any]) -> None:
    off_m, share = cases["fewer_keys"][name]
    assert off_m < LARGEST_ERROR_M and share < 0.7


def test_each_is_mapped_as_its_names_say(cases: dict[str, Any]) -> None:
    feet, biped, mmd = (
        cases[name]["bone_map"] for name in ("feet_under_root", "biped_arms_on_neck", "mmd_tools_import")
    )
    assert feet["left_foot"] == "foot.L" and feet["pelvis"] == "hips"
    assert biped["spine"] == [f"Bip01 Spine{n}" for n in ("", "1", "2")] and biped["neck"] == ["Bip01 Neck"]
    assert mmd["left_toe"] == "つま先.L" and mmd["left_shin"] == "ひざ.L"
    assert any("IK of left leg, right leg is switched off" in note for note in cases["mmd_tools_import"]["notes"])


def test_a_connected_pelvis_is_carried_by_the_root_bone(cases: dict[str, Any]) -> None:
    assert cases["on_root"] == {"off_m": pytest.approx(0, abs=EXACT_M), "moving": ["root"], "root": "root"}
    assert any("'root' carries the path" in note for note in cases["connected_hips"]["notes"])


def test_parents_are_followed_or_said(cases: dict[str, Any]) -> None:
    case = cases["parents"]
    for name in ("scaled", "still"):
        assert case[name]["verify"]["max_joint_deviation_m"] < 3 * EXACT_M and case[name]["failures"] == []
        assert not any("itself moves" in note for note in case[name]["notes"])
    assert "scaled differently along its axes" in case["uneven"]["refused"]
    assert "by a parent" in case["uneven"]["refused"]
    (told,) = [note for note in case["moving"]["notes"] if "itself moves" in note]
    assert "its parent 'Cart' is animated" in told
    assert 0.5 < case["moving"]["verify"]["object_moves_m"] < 2.01


def test_an_fbx_file_with_a_light_is_read(cases: dict[str, Any]) -> None:
    assert "refused" not in cases["fbx_with_light"], cases["fbx_with_light"]
    assert cases["fbx_with_light"]["verify"]["max_joint_deviation_m"] < EXACT_M
    assert cases["light"] == {"armature": "Mannequin", "objects": 3, "meshes": 1, "armatures": 1, "lights": 1}


def test_why_a_file_could_not_be_imported_is_one_line_that_says_something(cases: dict[str, Any]) -> None:
    for name in ("text.fbx", "half.fbx", "text.glb", "text.blend"):
        told = cases["reasons"][name]
        assert "could not import" in told and "Location" not in told and "Traceback" not in told, told
        assert "\n" not in told and "no reason given" not in told, told
        assert cases["reasons"][f"{name} leaves"] == 0, name
    assert cases["reasons"]["trace"] == "AttributeError: no such thing"
