"""Rotation channels in the way a bone wants them: quaternion, Euler angles in any order, axis and angle."""

from __future__ import annotations

import numpy as np

from pose_core.errors import ConfigError
from pose_core.maths.rotations import quaternion_to_matrix, rotation_vector_to_matrix, unit
from pose_core.retarget.rig.description import ROTATION_MODES
from pose_core.types import BoolArray, FloatArray

_EULER_ORDERS = tuple(mode for mode in ROTATION_MODES if len(mode) == 3)
# Within this of straight up or down the first and last angle of an Euler triple turn about the same axis.
_GIMBAL_COSINE = 1e-6
# Vector part of a quaternion below which a rotation has no axis.
_NO_AXIS = 1e-9
# Sum of the steps of three angles above which two rotations that are close have no close angles.
_NEAR_RAD = 0.3


def rotation_channels(quaternions: FloatArray, mode: str) -> FloatArray:
    """Channel values over time, free of jumps.

    Args:
        quaternions: (T, ..., 4) wxyz, finite, T >= 1.
        mode: one of ROTATION_MODES.
    Returns:
        (T, ..., 4) for `QUATERNION` (wxyz) and `AXIS_ANGLE` (angle, x, y, z), (T, ..., 3) radians in the order
        x, y, z else.
    Raises:
        ConfigError: no such mode.
    """
    if mode == "QUATERNION":
        return same_side(quaternions)
    if mode == "AXIS_ANGLE":
        return axis_angles(quaternions)
    if mode in _EULER_ORDERS:
        return euler_angles(quaternions, mode)
    raise ConfigError(f"Unknown rotation mode '{mode}'.", f"Known: {', '.join(ROTATION_MODES)}.")


def same_side(quaternions: FloatArray) -> FloatArray:
    """Choose signs so that every quaternion is on the same side as the one before.

    Args:
        quaternions: (T, ..., 4), finite.
    Returns:
        The same rotations; the first row unchanged.
    """
    flips = np.einsum("...i,...i->...", quaternions[1:], quaternions[:-1]) < 0
    return np.asarray(quaternions * _sign_after(flips)[..., None]) if np.any(flips) else quaternions


def euler_angles(quaternions: FloatArray, order: str) -> FloatArray:
    """Euler angles nearest to those of the frame before.

    Args:
        quaternions: (T, ..., 4) wxyz.
        order: for example `XYZ`: turn about X first, then Y, then Z, about fixed axes.
    Returns:
        (T, ..., 3) radians about x, y, z (in this order whatever `order` is).
    """
    angles, other = _euler_forms(quaternions, order)
    # From one frame to the next either both keep the form or both change it: the distances are the same both ways.
    staying, changing = (_turned(form[1:] - angles[:-1]) for form in (angles, other))
    use_other = _sign_after(changing < staying) < 0
    return np.asarray(np.unwrap(np.where(use_other[..., None], other, angles), axis=0))


def _euler_forms(quaternions: FloatArray, order: str) -> tuple[FloatArray, FloatArray]:
    """The two triples of Euler angles of each rotation, (T, ..., 3) each."""
    i, j, k = ("XYZ".index(letter) for letter in order)
    odd = 1.0 if (i, j, k) in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -1.0
    M = quaternion_to_matrix(quaternions)
    cosine = np.hypot(M[..., i, i], M[..., j, i])
    regular = cosine > _GIMBAL_COSINE
    angles = np.empty((*M.shape[:-2], 3))
    angles[..., i] = np.where(
        regular,
        np.arctan2(odd * M[..., k, j], M[..., k, k]),
        np.arctan2(-odd * M[..., j, k], M[..., j, j]),
    )
    angles[..., j] = np.arctan2(-odd * M[..., k, i], cosine)
    angles[..., k] = np.where(regular, np.arctan2(odd * M[..., j, i], M[..., i, i]), 0.0)
    # the same rotation with the middle angle beyond a right angle
    other = angles + np.pi
    other[..., j] = np.pi - angles[..., j]
    return angles, other


def axis_angles(quaternions: FloatArray) -> FloatArray:
    """Axis and angle without flips of the axis.

    Args:
        quaternions: (T, ..., 4) wxyz.
    Returns:
        (T, ..., 4) angle in radians, then the unit axis.
    """
    q = same_side(quaternions)
    length = np.linalg.norm(q[..., 1:], axis=-1)
    has_axis = length > _NO_AXIS
    axis = q[..., 1:] / np.where(has_axis, length, 1.0)[..., None]
    axis = _carried_over(np.where(has_axis[..., None], axis, [0.0, 1.0, 0.0]), has_axis)
    sign = _sign_after(np.sum(axis[1:] * axis[:-1], axis=-1) < 0)
    angle = np.unwrap(sign * 2 * np.arctan2(length, q[..., 0]), axis=0)
    return np.concatenate([angle[..., None], sign[..., None] * axis], axis=-1)


def near_channels(quaternions: FloatArray, mode: str, reference: FloatArray) -> FloatArray:
    """Channel values of rotations that are close to those of other channel values, without a jump against these.

    Args:
        quaternions: (T, 4) wxyz.
        mode: `QUATERNION` or an order of Euler angles.
        reference: (T, 4) or (T, 3) channel values of nearly the same rotations.
    Returns:
        Values like `reference`, and `reference` itself where Euler angles have no close values (at gimbal lock).
    """
    if mode == "QUATERNION":
        flip = np.sum(quaternions * reference, axis=-1, keepdims=True) < 0
        return np.where(flip, -quaternions, quaternions)
    forms = _euler_forms(quaternions, mode)
    steps = [(form - reference + np.pi) % (2 * np.pi) - np.pi for form in forms]
    step = np.where(_turned(steps[0])[:, None] <= _turned(steps[1])[:, None], steps[0], steps[1])
    return np.asarray(np.where(_turned(step)[:, None] < _NEAR_RAD, reference + step, reference))


def channel_rotations(channels: FloatArray, mode: str) -> FloatArray:
    """Rotation matrices of channel values, as Blender reads them; quaternions and axes need not be normalised.

    Args:
        channels: (..., 4) or (..., 3) as `rotation_channels` gives them.
        mode: one of ROTATION_MODES.
    Returns:
        (..., 3, 3).
    """
    if mode == "QUATERNION":
        return quaternion_to_matrix(channels)
    if mode == "AXIS_ANGLE":
        return rotation_vector_to_matrix(channels[..., :1] * unit(channels[..., 1:]))
    first, second, third = (_about_axis(channels[..., "XYZ".index(letter)], letter) for letter in mode)
    return np.asarray(third @ second @ first)


def _about_axis(angle: FloatArray, letter: str) -> FloatArray:
    k = "XYZ".index(letter)
    i, j = (k + 1) % 3, (k + 2) % 3
    R = np.zeros((*angle.shape, 3, 3))
    cosine, sine = np.cos(angle), np.sin(angle)
    R[..., k, k] = 1.0
    R[..., i, i] = R[..., j, j] = cosine
    R[..., i, j], R[..., j, i] = -sine, sine
    return R


def _sign_after(flips: BoolArray) -> FloatArray:
    """(T, ...) +1 or -1: starts at +1 and changes with every one of the (T - 1, ...) flips."""
    signs = np.where(flips, -1.0, 1.0)
    return np.concatenate([np.ones((1, *signs.shape[1:])), np.cumprod(signs, axis=0)])


def _turned(difference: FloatArray) -> FloatArray:
    """Sum of absolute angles, each taken the short way round."""
    return np.asarray(np.sum(np.abs((difference + np.pi) % (2 * np.pi) - np.pi), axis=-1))


def _carried_over(values: FloatArray, known: BoolArray) -> FloatArray:
    """Fill (T, ..., 3) values that are not known with the last known ones; before the first, with the first."""
    T = len(values)
    ramp = np.arange(T).reshape(-1, *([1] * (known.ndim - 1)))
    last = np.maximum.accumulate(np.where(known, ramp, -1), axis=0)
    first = np.argmax(known, axis=0)
    index = np.where(last < 0, first, last)
    return np.take_along_axis(values, index[..., None], axis=0)
