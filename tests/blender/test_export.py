"""Exports read back: joints, frames, rate and bones; several clips; the scene untouched; clear refusals."""

from pathlib import Path
from typing import Any

import pytest

from tests.blender.test_keys import run_with_rigs, write_motions

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "export_cases.py"
RIGS = ("mixamo_tpose.fbx", "unreal_twist_ik_apose.glb")
FBX_M = BVH_M = 1e-4
# glTF has metres in single precision; a rig in centimetres goes through a factor of 100.
GLB_M = {"mixamo_tpose": 3e-5, "unreal_twist_ik_apose": 1e-5}


@pytest.fixture(scope="module", params=["4.2.23", "4.5.15", "5.0.1", "full"])
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("export")
    write_motions(folder)
    return run_with_rigs(request.param, SCRIPT, folder, RIGS)


def test_joints_frames_and_rate_come_back(cases: dict[str, Any]) -> None:
    for name, case in cases["formats"].items():
        rig, _, preset = name.partition(" ")
        bound = GLB_M[rig] if preset == "glb" else FBX_M if preset.startswith("fbx") else BVH_M
        assert case["error_m"] < bound, name
        assert case["range"] == pytest.approx(case["frames"], abs=1e-3), name
        assert case["fps"] == pytest.approx(30, rel=2e-5), name  # BVH rounds the time of a frame to a microsecond


def test_no_bones_are_lost_or_added(cases: dict[str, Any]) -> None:
    for name, case in cases["formats"].items():
        assert case["missing"] == [] and case["more"] == [], name


def test_unreal_gets_the_name_it_skips(cases: dict[str, Any]) -> None:
    assert cases["formats"]["unreal_twist_ik_apose fbx-unreal"]["name"] == "Armature"
    assert cases["formats"]["unreal_twist_ik_apose fbx"]["name"] != "Armature"


def test_the_scene_is_as_before_and_no_half_files_are_left(cases: dict[str, Any]) -> None:
    for name, case in cases["formats"].items():
        assert case["touched"] == [] and case["left"] == [], name
    for name, case in cases["takes"].items():
        assert case["touched"] == [], name
    assert cases["files"]["touched"] == []


def test_several_clips_in_one_file(cases: dict[str, Any]) -> None:
    for name, case in cases["takes"].items():
        assert sorted(case["names"]) == ["walk", "wave"]
        assert set(case["found"]) == {"walk", "wave"} and len(case["actions"]) == 2, name
        for clip, found in case["found"].items():
            lengths = [frames[-1] - frames[0] for frames in (found["frames"], found["wanted"])]
            assert lengths[0] == lengths[1], (name, clip)
            assert found["error_m"] < FBX_M, (name, clip)


def test_several_clips_to_a_file_each(cases: dict[str, Any]) -> None:
    case = cases["files"]
    for suffix in ("fbx", "glb", "bvh"):
        assert case[suffix] == [f"walk.{suffix}", f"wave.{suffix}"]
    assert case["error_m"] < FBX_M
    assert case["range"][1] - case["range"][0] == pytest.approx(case["wanted"][-1] - case["wanted"][0], abs=1e-3)


def test_empty_frames_at_the_beginning_keep_their_time(cases: dict[str, Any]) -> None:
    for name, (first, late) in cases["lead"].items():
        assert first == 0.0 and late == pytest.approx(0.0, abs=1e-3), name


def test_what_is_in_the_nla_is_exported(cases: dict[str, Any]) -> None:
    assert cases["nla"]["error_m"] < FBX_M and cases["nla"]["glb_error_m"] < FBX_M
    assert min(cases["nla"][suffix] for suffix in ("fbx", "glb", "bvh")) > 10_000


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("no action", "has no action to export"),
        ("unwritable", "directory"),
        ("folder in the way", "folder of this name"),
        ("preset", "no export preset 'dae'"),
        ("no such action", "no action 'nothing'"),
        ("two in bvh", "one clip only"),
        ("not in the layer", "not in the view layer"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_untouched(cases: dict[str, Any], case: str, words: str) -> None:
    assert words in cases["refusals"][case]["message"]
    assert cases["refusals"][case]["untouched"]
    assert cases["refusals"]["written"]["untouched"]
