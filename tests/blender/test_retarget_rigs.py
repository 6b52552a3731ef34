"""Motions on real rigs, as Blender evaluates them: directions, keys, what is left alone, and the trip through FBX."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_core.motion_file import write_motion
from pose_core.skeletons import CANONICAL
from tests.support.blender import run_bpy_script, run_full_blender_script
from tests.support.motions import random_motion
from tests.support.shared import shared_file

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parent / "scripts" / "apply_to_rigs.py"
FILES = ("mixamo_tpose.fbx", "unreal_twist_ik_apose.glb", "mesh2motion_human_male.glb", "cmu_cm_units.fbx",
         "vroid_names_tpose.glb", "daz_names_armsdown.fbx", "scaled_rotated_rolls.blend", "mannequiny.glb",
         "kaykit_knight.glb", "generic_names_tpose.glb")  # fmt: skip
REFUSED = ("dog_quadruped.glb", "tentacle_chain.glb")
MADE = ("new", "metarig")
MOTION = random_motion(40)
SAMPLES = (1, 2, 17, 40)

# Blender computes poses in single precision: 1e-6 of the figure's height over a chain of bones.
LIMB_DEG = 0.01
SHARE_OF_HEIGHT = 1e-5
FBX_M = 1e-4
LIMBS = {
    f"{s}_{part}": (f"{s}_{child}", f"{s}_{a}", f"{s}_{b}")
    for s in ("left", "right")
    for part, child, a, b in (("upper_arm", "forearm", "shoulder", "elbow"), ("forearm", "hand", "elbow", "wrist"),
                              ("thigh", "shin", "hip", "knee"), ("shin", "foot", "knee", "ankle"))
}  # fmt: skip


@pytest.fixture(scope="module", params=["4.2.23", "4.5.15", "5.0.1", "full"])
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("rigs")
    write_motion(folder / "clip.motion.npz", MOTION)
    paths = [shared_file(f"rigs/{name}") for name in (*FILES, *REFUSED)]
    if request.param == "full":
        copies = [folder / path.name for path in paths]  # inside the other root only this folder is visible
        for path, copy in zip(paths, copies, strict=True):
            copy.write_bytes(path.read_bytes())
        args = [folder / "clip.motion.npz", folder, *MADE, *copies]
        return run_full_blender_script(SCRIPT, args, share=folder).result
    args = [folder / "clip.motion.npz", folder, *MADE, *paths]
    return run_bpy_script(request.param, SCRIPT, args, home=folder).result


def expected(name: str) -> dict[str, Any]:
    table = json.loads(shared_file("rigs/expected_bone_maps.json").read_text())["rigs"]
    return table["rigify_metarig" if name == "metarig" else name]


def carried(outcome: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, outcome[name]) for name in (*MADE, *FILES)]


def test_bones_are_found(outcome: dict[str, Any]) -> None:
    for name in ("metarig", *FILES):
        found, right = outcome[name]["report"]["bone_map"], expected(name)
        for part, bone in right["map"].items():
            assert found[part] == bone or found[part] in right.get("also_accept", {}).get(part, []), (name, part)


def test_limbs_point_where_the_motion_points(outcome: dict[str, Any]) -> None:
    joints = MOTION.joints_world_m[[frame - 1 for frame in SAMPLES]]
    for name, result in carried(outcome):
        bones = result["report"]["bone_map"]
        for limb, (child, start, end) in LIMBS.items():
            of_rig = np.subtract(result["heads"][bones[child]], result["heads"][bones[limb]])
            of_motion = joints[:, CANONICAL.index(end)] - joints[:, CANONICAL.index(start)]
            angle = np.arctan2(
                np.linalg.norm(np.cross(of_rig, of_motion), axis=-1), np.sum(of_rig * of_motion, axis=-1)
            )
            assert np.degrees(angle.max()) < LIMB_DEG, (name, limb)


def test_blender_poses_the_rig_as_computed(outcome: dict[str, Any]) -> None:
    for name, result in carried(outcome):
        height = float(np.ptp(np.array(list(result["rest"].values()))[:, 2]))
        assert result["report"]["verify"]["max_joint_deviation_m"] < SHARE_OF_HEIGHT * height, name
        assert result["report"]["verify"]["max_rotation_deviation_deg"] < LIMB_DEG, name
        assert result["report"]["verify"]["max_limb_direction_deg"] < LIMB_DEG, name


def test_hips_follow_the_path_in_the_size_of_the_legs(outcome: dict[str, Any]) -> None:
    path = MOTION.root_translation_m[[frame - 1 for frame in SAMPLES]]
    for name, result in carried(outcome):
        bones, ratio = result["report"]["bone_map"], result["report"]["leg_ratio"]
        hips = 0.5 * np.add(result["heads"][bones["left_thigh"]], result["heads"][bones["right_thigh"]])
        assert np.abs(hips[:, :2] - ratio * path[:, :2]).max() < 1e-4 * ratio, name
        assert np.abs(np.diff(hips[:, 2] - ratio * path[:, 2])).max() < 1e-4 * ratio, name


def test_the_built_in_armature_is_the_motion(outcome: dict[str, Any]) -> None:
    joints = MOTION.joints_world_m[[frame - 1 for frame in SAMPLES]]
    heads = outcome["new"]["heads"]
    for bone, joint in (
        ("pelvis", "pelvis"),
        ("head", "head"),
        ("left_hand", "left_wrist"),
        ("right_toe", "right_toe"),
    ):
        assert np.abs(heads[bone] - joints[:, CANONICAL.index(joint)]).max() < 1e-5, bone


def test_only_mapped_bones_have_keys_and_each_has_one_a_frame(outcome: dict[str, Any]) -> None:
    for name, result in carried(outcome):
        mapped = {b for v in result["report"]["bone_map"].values() for b in (v if isinstance(v, list) else [v]) if b}
        keyed = {path.split('"')[1] for path, _, _ in result["curves"]}
        assert keyed == mapped, name
        assert all(frames == list(range(1, 41)) for *_, frames in result["curves"]), name
        expected_curves = 3 + sum(4 if result["modes"][b] in ("QUATERNION", "AXIS_ANGLE") else 3 for b in mapped)
        assert len(result["curves"]) == expected_curves, name
        assert result["report"]["keys"] == 40 * expected_curves
        assert result["interpolations"] == ["LINEAR"]


def test_keys_are_in_the_form_that_the_bone_wants(outcome: dict[str, Any]) -> None:
    result = outcome["scaled_rotated_rolls.blend"]
    assert len(set(result["modes"].values())) >= 4
    for path, _, _ in result["curves"]:
        bone, channel = path.split('"')[1], path.rpartition(".")[2]
        mode = result["modes"][bone]
        form = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(mode, "rotation_euler")
        assert channel in (form, "location"), (bone, mode)


def test_the_users_rig_is_left_alone(outcome: dict[str, Any]) -> None:
    for name, result in carried(outcome):
        assert result["altered"] == [], name
        assert result["selection_kept"], name


def test_actions_that_were_there_stay_as_they_were(outcome: dict[str, Any]) -> None:
    assert len(outcome["mannequiny.glb"]["actions_before"]) == 10
    for name, result in carried(outcome):
        for action, (_, content) in result["actions_before"].items():
            assert result["actions_after"][action][1] == content, (name, action)
            # without a user of any kind it would be gone on the next save
        assert len(result["actions_after"]) == len(result["actions_before"])


def test_rigs_that_cannot_be_used_are_refused_and_untouched(outcome: dict[str, Any]) -> None:
    for name in REFUSED:
        assert outcome[name]["untouched"], name
    assert "no humanoid" in outcome["dog_quadruped.glb"]["refused"]
    assert "no humanoid" in outcome["tentacle_chain.glb"]["refused"]


def test_fbx_comes_back_the_same(outcome: dict[str, Any]) -> None:
    for name, result in carried(outcome):
        fbx, ratio = result["fbx"], result["report"]["leg_ratio"]
        assert fbx["armatures"] == 1 and fbx["names_equal"], name  # neither leaf bones nor lost ones
        assert fbx["error_m"] < FBX_M * max(ratio, 1.0), (name, fbx["error_m"])
        assert fbx["fps"] == pytest.approx(30)
        assert fbx["range"] == pytest.approx([1, 40], abs=1e-3), name
        assert fbx["actions"] == 1, name
        assert fbx["leftovers"] == [], name
