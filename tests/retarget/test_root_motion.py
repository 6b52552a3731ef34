"""The path on the pelvis, on a root bone, or nowhere."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.errors import ConfigError, RigError
from pose_core.maths.rotations import twist_about
from pose_core.retarget import KeysConfig, RigDescription, RigMotion, map_bones, pose_bones, transfer, with_root_motion
from pose_core.retarget.keys.root_motion import find_root_bone
from pose_core.types import FloatArray
from tests.support.motions import random_motion, sample_motion
from tests.support.rigs import RigShape, make_rig

SHAPES = (RigShape(), RigShape(rolls=5, scale=0.01, turn=(0.0, 0.0, 1.2), data_turn=(1.5, 0.0, 0.0), move=(3, 1, 0)))


def with_root(shape: RigShape) -> RigDescription:
    """A rig whose pelvis hangs below a bone on the floor."""
    rig = make_rig(shape)
    matrices = np.concatenate([rig.rest_matrices[:1], rig.rest_matrices])
    matrices[0, :3, 3] = rig.to_armature(np.array([*rig.to_world(rig.heads[:1])[0][:2], 0.0]))
    return replace(
        rig,
        bone_names=("root", *rig.bone_names),
        parents=(-1, *(p + 1 for p in rig.parents)),
        rest_matrices=matrices,
        rotation_modes=("QUATERNION", *rig.rotation_modes),
        **{
            name: np.concatenate([getattr(rig, name)[:1], getattr(rig, name)])
            for name in ("lengths", "inherit_rotation", "local_location", "inherit_full_scale", "connected", "deform",
                         "constrained")
        },
    )  # fmt: skip


def world(rig: RigDescription, motion: RigMotion) -> tuple[FloatArray, FloatArray]:
    heads, R = pose_bones(rig, motion)
    return rig.to_world(heads), rig.R_world_armature @ R


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("heading", [True, False])
@pytest.mark.parametrize("smoothing_s", [0.0, 0.3])
def test_the_body_does_not_move_when_the_root_bone_takes_the_path(
    shape: RigShape, heading: bool, smoothing_s: float
) -> None:
    rig = with_root(shape)
    bone_map = map_bones(rig)
    motion = transfer(random_motion(60), rig, bone_map)
    config = KeysConfig(root_motion="root_bone", root_heading=heading, root_smoothing_s=smoothing_s)
    moved = with_root_motion(rig, bone_map, motion, config)
    (before, R_before), (after, R_after) = world(rig, motion), world(rig, moved)
    mapped = [rig.index(name) for name in motion.bone_names]
    assert after[:, mapped] == pytest.approx(before[:, mapped], abs=1e-9)
    assert R_after[:, mapped] == pytest.approx(R_before[:, mapped], abs=1e-9)
    root = rig.index("root")
    assert np.ptp(after[:, root, 2]) < 1e-9
    turned = twist_about(R_after[:, root] @ rig.rest_rotations[root].T @ rig.R_world_armature.T, np.array([0, 0, 1.0]))
    assert (np.ptp(np.unwrap(turned)) > 0.1) == heading
    if smoothing_s == 0 and not heading:
        pelvis = rig.index(motion.root_bone)
        offset = (after[:, root] - after[:, pelvis])[:, :2]
        assert np.ptp(offset, axis=0).max() < 1e-9


def test_in_place_keeps_height_and_shape() -> None:
    for shape in SHAPES:
        rig = make_rig(shape)
        bone_map = map_bones(rig)
        motion = transfer(sample_motion(60), rig, bone_map)
        moved = with_root_motion(rig, bone_map, motion, KeysConfig(root_motion="in_place"))
        before, after = world(rig, motion)[0], world(rig, moved)[0]
        pelvis = rig.index(motion.root_bone)
        assert np.ptp(after[:, pelvis, :2], axis=0).max() < 1e-9
        assert after[:, :, 2] == pytest.approx(before[:, :, 2], abs=1e-9)
        mapped = [rig.index(name) for name in motion.bone_names]
        relative = [x[:, mapped] - x[:, pelvis, None] for x in (before, after)]
        assert relative[1] == pytest.approx(relative[0], abs=1e-9)


def test_frames_without_a_pose_stay_without() -> None:
    rig = with_root(RigShape())
    bone_map = map_bones(rig)
    valid = np.ones(30, dtype=np.bool_)
    valid[[0, 11, 12]] = False
    motion = transfer(random_motion(30, valid=valid), rig, bone_map)
    for mode in ("root_bone", "in_place"):
        moved = with_root_motion(rig, bone_map, motion, KeysConfig(root_motion=mode))
        assert np.array_equal(moved.valid, valid)
        assert np.all(np.isnan(moved.root_location[~valid]))


def test_a_root_bone_must_be_there_and_above_the_pelvis() -> None:
    rig = make_rig()
    with pytest.raises(RigError, match="no bone above its pelvis"):
        find_root_bone(rig, map_bones(rig))
    rig = with_root(RigShape())
    assert find_root_bone(rig, map_bones(rig)) == "root"
    with pytest.raises(RigError, match="not above the pelvis"):
        find_root_bone(rig, map_bones(rig), "head")
    with pytest.raises(RigError, match="no bone 'gone'"):
        find_root_bone(rig, map_bones(rig), "gone")


@pytest.mark.parametrize(
    "wrong", [{"root_motion": "x"}, {"rotation_mode": "XYX"}, {"root_smoothing_s": -1.0}, {"root_smoothing_s": np.nan}]
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        KeysConfig(**wrong)  # type: ignore[arg-type]
