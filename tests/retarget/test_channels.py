"""Rotation channels: the same rotation in every form, and no jumps."""

import numpy as np
import pytest

from pose_core.errors import ConfigError
from pose_core.maths.rotations import matrix_to_quaternion, quaternion_to_matrix, rotation_vector_to_matrix
from pose_core.retarget import rotation_channels
from pose_core.retarget.rig.description import ROTATION_MODES
from pose_core.types import FloatArray

EULER = [mode for mode in ROTATION_MODES if len(mode) == 3]


def smooth_quaternions(frames: int = 400, seed: int = 0, reach: float = 2.5) -> FloatArray:
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, frames)[:, None]
    vectors = reach * np.sin(2 * np.pi * rng.uniform(0.5, 2, 3) * t + rng.uniform(0, 6, 3))
    q = matrix_to_quaternion(rotation_vector_to_matrix(vectors))
    return q * rng.choice([-1.0, 1.0], (frames, 1))  # signs as a matrix conversion may give them


def matrix_of(channels: FloatArray, mode: str) -> FloatArray:
    if mode == "QUATERNION":
        return quaternion_to_matrix(channels)
    if mode == "AXIS_ANGLE":
        return rotation_vector_to_matrix(channels[:, :1] * channels[:, 1:])
    out = np.broadcast_to(np.eye(3), (len(channels), 3, 3))
    for letter in mode:
        axis = np.eye(3)["XYZ".index(letter)]
        out = rotation_vector_to_matrix(channels[:, "XYZ".index(letter), None] * axis) @ out
    return out


@pytest.mark.parametrize("mode", ROTATION_MODES)
@pytest.mark.parametrize("seed", range(3))
def test_every_form_is_the_same_rotation(mode: str, seed: int) -> None:
    q = smooth_quaternions(seed=seed)
    assert np.abs(matrix_of(rotation_channels(q, mode), mode) - quaternion_to_matrix(q)).max() < 1e-9


@pytest.mark.parametrize("mode", EULER)
def test_euler_angles_do_not_jump(mode: str) -> None:
    # turns about one axis through several revolutions, with a wobble: no gimbal lock on the way
    t = np.linspace(0, 12, 500)
    for axis in np.eye(3)[["XYZ".index(mode[0]), "XYZ".index(mode[2])]]:
        wobble = 0.2 * np.sin(np.outer(t, [1.0, 2.0, 3.0]))
        R = rotation_vector_to_matrix(np.outer(t, axis)) @ rotation_vector_to_matrix(wobble)
        angles = rotation_channels(matrix_to_quaternion(R), mode)
        assert np.abs(np.diff(angles, axis=0)).max() < 0.2
        assert np.ptp(angles @ axis) > 11


@pytest.mark.parametrize("mode", EULER)
def test_euler_angles_pass_over_the_top_without_turning_round(mode: str) -> None:
    # the middle angle goes through a right angle and on: the outer ones must stay where they are
    truth = np.empty((200, 3))
    for letter, angles in zip(mode, (0.3, np.linspace(0.1, 6.0, 200), -0.5), strict=True):
        truth[:, "XYZ".index(letter)] = angles
    q = matrix_to_quaternion(matrix_of(truth, mode))
    assert rotation_channels(q, mode) == pytest.approx(truth, abs=1e-6)


@pytest.mark.parametrize("mode", EULER)
def test_euler_angles_at_gimbal_lock_are_finite_and_right(mode: str) -> None:
    axis = np.eye(3)["XYZ".index(mode[1])]
    for sign in (1, -1):
        turn = rotation_vector_to_matrix(np.outer(np.full(4, sign * np.pi / 2), axis))
        about = rotation_vector_to_matrix(np.outer([0.0, 0.3, 1.0, -2.0], np.eye(3)["XYZ".index(mode[0])]))
        R = turn @ about
        angles = rotation_channels(matrix_to_quaternion(R), mode)
        assert np.abs(matrix_of(angles, mode) - R).max() < 1e-6


def test_axis_angles_pass_through_zero_and_beyond_half_a_turn_smoothly() -> None:
    angle = np.concatenate([np.linspace(-1, 5, 200), np.linspace(5, -1, 200)])
    q = matrix_to_quaternion(rotation_vector_to_matrix(np.outer(angle, [0.6, 0.0, 0.8])))
    out = rotation_channels(q, "AXIS_ANGLE")
    assert np.abs(np.diff(out, axis=0)).max() < 0.1
    assert np.linalg.norm(out[:, 1:], axis=1) == pytest.approx(1.0)


def test_identity_stays_put() -> None:
    q = np.tile([1.0, 0.0, 0.0, 0.0], (5, 1))
    for mode in ROTATION_MODES:
        assert np.abs(np.diff(rotation_channels(q, mode), axis=0)).max() == 0


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match="XYX"):
        rotation_channels(smooth_quaternions(), "XYX")
