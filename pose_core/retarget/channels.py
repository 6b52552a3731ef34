"""Rotation channels in the way a bone wants them: quaternion, Euler angles in any order, axis and angle."""

from __future__ import annotations

import numpy as np

from pose_core.errors import ConfigError
from pose_core.retarget.rig import ROTATION_MODES
from pose_core.rotations import continuous_quaternions, quaternion_to_matrix
from pose_core.types import FloatArray

_EULER_ORDERS = tuple(mode for mode in ROTATION_MODES if len(mode) == 3)
# Within this of straight up or down the first and last angle of an Euler triple turn about the same axis.
_GIMBAL_COSINE = 1e-6


def rotation_channels(quaternions: FloatArray, mode: str) -> FloatArray:
    """Channel values of one bone over time, free of jumps.

    Args:
        quaternions: (T, 4) wxyz, finite, T >= 1.
        mode: one of ROTATION_MODES.
    Returns:
        (T, 4) for `QUATERNION` (wxyz) and `AXIS_ANGLE` (angle, x, y, z), (T, 3) radians in the order x, y, z else.
    Raises:
        ConfigError: no such mode.
    """
    if mode == "QUATERNION":
        return continuous_quaternions(quaternions)
    if mode == "AXIS_ANGLE":
        return axis_angles(quaternions)
    if mode in _EULER_ORDERS:
        return euler_angles(quaternions, mode)
    raise ConfigError(f"Unknown rotation mode '{mode}'.", f"Known: {', '.join(ROTATION_MODES)}.")


def euler_angles(quaternions: FloatArray, order: str) -> FloatArray:
    """Euler angles nearest to those of the frame before.

    Args:
        quaternions: (T, 4) wxyz.
        order: for example `XYZ`: turn about X first, then Y, then Z, about fixed axes.
    Returns:
        (T, 3) radians about x, y, z (in this order whatever `order` is).
    """
    i, j, k = ("XYZ".index(letter) for letter in order)
    odd = 1.0 if (i, j, k) in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -1.0
    M = quaternion_to_matrix(quaternions)
    cosine = np.hypot(M[:, i, i], M[:, j, i])
    regular = cosine > _GIMBAL_COSINE
    middle = np.arctan2(-odd * M[:, k, i], cosine)
    first = np.where(regular, np.arctan2(odd * M[:, k, j], M[:, k, k]), np.arctan2(-odd * M[:, j, k], M[:, j, j]))
    last = np.where(regular, np.arctan2(odd * M[:, j, i], M[:, i, i]), 0.0)
    angles = np.empty((len(M), 3))
    angles[:, i], angles[:, j], angles[:, k] = first, middle, last
    # the same rotation with the middle angle beyond a right angle
    other = angles + np.pi
    other[:, j] = np.pi - angles[:, j]
    for t in range(1, len(angles)):
        candidates = [a + 2 * np.pi * np.round((angles[t - 1] - a) / (2 * np.pi)) for a in (angles[t], other[t])]
        angles[t] = min(candidates, key=lambda a: float(np.sum(np.abs(a - angles[t - 1]))))
    return angles


def axis_angles(quaternions: FloatArray) -> FloatArray:
    """Axis and angle without flips of the axis.

    Args:
        quaternions: (T, 4) wxyz.
    Returns:
        (T, 4) angle in radians, then the unit axis.
    """
    q = continuous_quaternions(quaternions)
    length = np.linalg.norm(q[:, 1:], axis=1)
    out = np.empty((len(q), 4))
    axis = np.array([0.0, 1.0, 0.0])
    previous = 0.0
    for t in range(len(q)):
        candidate = q[t, 1:] / length[t] if length[t] > 1e-9 else axis
        angle = 2 * np.arctan2(length[t], q[t, 0])
        if t and float(np.dot(candidate, axis)) < 0:
            candidate, angle = -candidate, -angle
        angle += 2 * np.pi * np.round((previous - angle) / (2 * np.pi)) if t else 0.0
        out[t, 0], out[t, 1:] = angle, candidate
        axis, previous = candidate, angle
    return out
