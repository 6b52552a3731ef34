import numpy as np
import pytest

from pose_core.maths.rotations import matrix_to_rotation_vector, rotation_vector_to_matrix
from pose_core.skeletons import CANONICAL, rest_offsets_from_lengths
from pose_core.skeletons.canonical import stature_lengths
from pose_core.solve import local_rotations, rotations_from_joints
from tests.support.synthetic import walking_rotations


def _joints(R_local):
    return CANONICAL.forward_kinematics(
        R_local, rest_offsets_from_lengths(stature_lengths(1.7)), np.zeros((len(R_local), 3))
    )


def test_rest_pose_gives_identity():
    joints, _ = _joints(np.broadcast_to(np.eye(3), (5, 24, 3, 3)))
    assert np.allclose(rotations_from_joints(joints, np.arange(5) / 30), np.eye(3), atol=1e-6)


def test_positions_come_back_through_forward_kinematics():
    joints, _ = _joints(walking_rotations(60))
    local = local_rotations(rotations_from_joints(joints, np.arange(60) / 30))
    back, _ = _joints(local)
    assert np.max(np.abs(back - joints)) < 1e-3


def test_bent_limbs_show_their_twist():
    R = walking_rotations(60)
    joints, truth = _joints(R)
    found = rotations_from_joints(joints, np.arange(60) / 30)
    # knees are bent by 3 to 37 degrees and elbows by 17 to 40; the twist prior pulls a little where the bend is small
    for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder", "left_elbow", "right_knee"):
        j = CANONICAL.index(name)
        error = np.swapaxes(truth[:, j], -1, -2) @ found[:, j]
        angle = np.degrees(np.linalg.norm(matrix_to_rotation_vector(error), axis=-1))
        assert np.max(angle) < 15, name


def test_turning_the_world_turns_every_rotation():
    joints, _ = _joints(walking_rotations(40))
    turn = rotation_vector_to_matrix(np.array([0.4, -0.3, 2.0]))
    time_s = np.arange(40) / 30
    assert np.allclose(
        rotations_from_joints(joints @ turn.T, time_s), turn @ rotations_from_joints(joints, time_s), atol=1e-6
    )


def test_mirrored_motion_gives_mirrored_rotations():
    joints, _ = _joints(walking_rotations(40))
    time_s = np.arange(40) / 30
    flip = np.diag([-1.0, 1.0, 1.0])
    mirrored = (joints @ flip)[:, CANONICAL.mirror]
    expected = flip @ rotations_from_joints(joints, time_s)[:, CANONICAL.mirror] @ flip
    assert np.allclose(rotations_from_joints(mirrored, time_s), expected, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2])
def test_one_or_two_frames(frames):
    joints, _ = _joints(walking_rotations(frames))
    assert np.all(np.isfinite(rotations_from_joints(joints, np.arange(frames) / 30)))


def test_collapsed_bones_give_rotations_all_the_same():
    R = rotations_from_joints(np.zeros((3, 24, 3)), np.arange(3) / 30)
    assert np.allclose(R @ np.swapaxes(R, -1, -2), np.eye(3), atol=1e-6)
