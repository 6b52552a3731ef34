"""Which keys are written, as Blender plays them: the bound of fewer keys, other forms, root motion, NLA."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_core.motion_file import write_motion
from pose_core.retarget.keys.decimate import PLANTED_MM
from tests.support.blender import run_bpy_script, run_full_blender_script
from tests.support.motions import random_motion, sample_motion
from tests.support.shared import shared_file

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "keys_cases.py"
RIGS = ("mixamo_tpose.fbx", "unreal_twist_ik_apose.glb", "scaled_rotated_rolls.blend")
MISSING = (0, 20, 21, 22, 23, 59)
# Single precision of Blender, metres.
EXACT_M = 2e-5


def write_motions(folder: Path) -> None:
    valid = np.ones(60, dtype=np.bool_)
    valid[list(MISSING)] = False
    write_motion(folder / "walk.motion.npz", sample_motion())
    write_motion(folder / "gaps.motion.npz", random_motion(60, valid=valid))
    write_motion(folder / "ntsc.motion.npz", replace(random_motion(60), timestamps_s=1 + np.arange(60) * 1.001 / 60))


def run_with_rigs(version: str, script: Path, folder: Path, rigs: tuple[str, ...]) -> dict[str, Any]:
    paths = [shared_file(f"rigs/{name}") for name in rigs]
    if version != "full":
        return run_bpy_script(version, script, [folder, *paths], home=folder).result
    copies = [folder / path.name for path in paths]  # inside the other root only this folder is visible
    for path, copy in zip(paths, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    return run_full_blender_script(script, [folder, *copies], share=folder).result


@pytest.fixture(scope="module", params=["4.2.23", "4.5.15", "5.0.1", "full"])
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("keys")
    write_motions(folder)
    return run_with_rigs(request.param, SCRIPT, folder, RIGS)


def test_no_joint_is_off_by_more_than_asked_in_blenders_own_evaluation(cases: dict[str, Any]) -> None:
    for rig, case in cases["bounds"].items():
        for mm in ("1.0", "2.0"):
            assert 0.2 * float(mm) < case[mm]["largest_mm"] <= float(mm), (rig, mm)


def test_planted_feet_stay(cases: dict[str, Any]) -> None:
    for case in cases["bounds"].values():
        assert min(case["planted_frames"]) > 50
        assert case["1.0"]["planted_mm"] <= PLANTED_MM and case["2.0"]["planted_mm"] <= PLANTED_MM


def test_few_keys_are_left(cases: dict[str, Any]) -> None:
    found = cases["bounds"]["mixamo_tpose.fbx"]
    assert found["2.0"]["ratio"] > 5.0
    assert found["1.0"]["ratio"] > 3.5
    assert found["2.0"]["of_every_frame"] == found["dense_keys"]
    # all forms of rotation, axes and angles among them, still get by with much fewer
    assert cases["bounds"]["scaled_rotated_rolls.blend"]["2.0"]["ratio"] > 3.0


def test_channels_of_a_bone_are_keyed_together_at_frames_of_the_motion(cases: dict[str, Any]) -> None:
    for case in cases["bounds"].values():
        for mm in ("1.0", "2.0"):
            assert case[mm]["together"] and case[mm]["on_frames"] and case[mm]["groups"]
            assert case[mm]["handles"] < 1e-3  # of a frame, or a value


def test_between_frames_the_curves_do_not_swing(cases: dict[str, Any]) -> None:
    # dense straight keys cut corners by half a centimetre themselves
    assert cases["bounds"]["mixamo_tpose.fbx"]["2.0"]["halfway_mm"] < 20.0


def test_gaps_stay_open_with_few_keys(cases: dict[str, Any]) -> None:
    case = cases["gaps"]
    assert case["largest_mm"] <= 2.0
    assert set(case["seen"]) <= set(case["frames"])
    assert {2.0, 20.0, 25.0, 59.0} <= set(case["seen"])  # the ends of both runs


def test_few_keys_after_resampling_are_on_whole_frames(cases: dict[str, Any]) -> None:
    case = cases["resampled"]
    assert all(frame == round(frame) for frame in case["frames"])
    assert case["verify_mm"] <= 2.0 and case["keys"] < case["every"]


def test_a_pushed_action_plays_the_same_and_takes_do_not_cover_each_other(cases: dict[str, Any]) -> None:
    case = cases["nla"]
    assert case["track"] == "pushed" and case["active"] is None and case["kept"]
    assert case["error_m"] < EXACT_M and case["first_still_m"] < EXACT_M
    assert [name for name, _ in case["tracks"]] == ["pushed", "second"]
    assert case["tracks"][0][1][0][1:] == [5.0, 240.0]


def test_an_earlier_action_is_replaced_only_when_asked_and_unused(cases: dict[str, Any]) -> None:
    case = cases["replaced"]
    assert case["beside"]["name"] == "take.001" and case["beside"]["all"] == ["take", "take.001"]
    assert case["instead"]["name"] == "take" and case["instead"]["all"] == ["take", "take.001"]
    assert case["pushed instead"]["all"] == case["pushed"]["all"] and case["pushed instead"]["tracks"] == ["other"]
    assert case["used"]["kept"] and case["used"]["name"] != "take"
    assert any("uses the action 'take'" in note for note in case["used"]["notes"])


def test_rotations_in_a_chosen_form_are_the_same_without_flips(cases: dict[str, Any]) -> None:
    for mode, case in cases["modes"].items():
        assert case["verify_mm"] < 1000 * EXACT_M, mode
        assert case["modes"] == [mode] and case["told"]
        assert case["largest_step"] < 1.0, mode


def test_the_root_bone_travels_and_the_body_stays_where_it_was(cases: dict[str, Any]) -> None:
    for name in ("root", "turned_root"):
        case = cases[name]
        assert case["extra_bones"] == ["root"]
        assert case["body_error_m"] < EXACT_M
        assert case["few_error_mm"] <= 2.0
        assert case["root_height"] < EXACT_M
        assert case["root_from_hips_m"] < 0.12
        assert case["root_travels_m"] > 0.8 * case["hips_travel_m"] > 0.5


def test_in_place_takes_the_horizontal_path_alone(cases: dict[str, Any]) -> None:
    for name in ("root", "turned_root"):
        case = cases[name]
        assert max(case["in_place_xy_m"], case["in_place_z_m"], case["in_place_shape_m"]) < EXACT_M


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("zero", "must be 0.1 to 100 mm"),
        ("negative", "must be 0.1 to 100 mm"),
        ("nan", "must be 0.1 to 100 mm"),
        ("mode", "rotation_mode must be"),
        ("root motion", "root_motion must be"),
        ("no root", "has no bone above its pelvis"),
        ("wrong root", "is not above the pelvis"),
        ("absent root", "has no bone 'nothing'"),
    ],
)
def test_what_cannot_be_keyed_is_refused_and_untouched(cases: dict[str, Any], case: str, words: str) -> None:
    assert words in cases["refusals"][case]["message"]
    assert cases["refusals"][case]["untouched"]


def test_the_same_motion_gives_the_same_bytes_whatever_ran_before(cases: dict[str, Any]) -> None:
    assert cases["again"] == {"same": True, "different": True, "fresh": True}
