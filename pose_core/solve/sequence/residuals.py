"""The residuals of the sequence solver, one pure function each.

Every function returns residuals divided by their standard deviation, with the derivative by what they depend on, so
that the energy is half the sum of their squares. Robust ones return the weight of each residual as well
(Geman & McClure 1987: rho = s^2 r^2 / (s^2 + r^2), weight s^4 / (s^2 + r^2)^2).
"""

from __future__ import annotations

import numpy as np

from pose_core.maths.frame_times import second_difference
from pose_core.maths.rotations import matrix_to_rotation_vector
from pose_core.types import FloatArray

_NEAR_M = 0.1  # points nearer to the camera than this are projected as if they were this far


def geman_mcclure(squared: FloatArray, scale: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Robust cost and weight of squared residual lengths.

    Args:
        squared: (...) squared lengths, in standard deviations.
        scale: residual length at which a residual has lost three quarters of its weight.
    Returns:
        rho (...) and weight (...), both as for r^2 where r is small.
    """
    s2 = np.square(scale)
    return np.asarray(s2 * squared / (s2 + squared)), np.asarray((s2 / (s2 + squared)) ** 2)


def reprojection(points_camera_m: FloatArray, xy_px: FloatArray, K: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Projected minus observed pixels.

    Args:
        points_camera_m: (..., 3) camera axes.
        xy_px: (..., 2).
        K: (3, 3).
    Returns:
        residual (..., 2) in pixels; derivative (..., 2, 3) by the point.
    """
    x, y, depth = np.moveaxis(points_camera_m, -1, 0)
    z = np.maximum(depth, _NEAR_M)
    fx, fy = K[0, 0], K[1, 1]
    projected = np.stack([fx * x / z + K[0, 2], fy * y / z + K[1, 2]], axis=-1)
    J = np.zeros((*z.shape, 2, 3))
    J[..., 0, 0], J[..., 1, 1] = fx / z, fy / z
    free = depth > _NEAR_M
    J[..., 0, 2] = np.where(free, -fx * x / z**2, 0.0)
    J[..., 1, 2] = np.where(free, -fy * y / z**2, 0.0)
    return projected - xy_px, J


def focal_derivative(points_camera_m: FloatArray, K: FloatArray) -> FloatArray:
    """Derivative of projected pixels by the logarithm of the focal length: (..., 3) to (..., 2)."""
    z = np.maximum(points_camera_m[..., 2:], _NEAR_M)
    return np.asarray(points_camera_m[..., :2] / z * np.array([K[0, 0], K[1, 1]]))


def angular_velocity(R: FloatArray, time_s: FloatArray) -> FloatArray:
    """Angular velocity between neighbouring frames in the joint's own axes: (T, B, 3, 3) to (T-1, B, 3) rad/s."""
    relative = np.swapaxes(R[:-1], -1, -2) @ R[1:]
    return np.asarray(matrix_to_rotation_vector(relative) / np.diff(time_s)[:, None, None])


def acceleration(values: FloatArray, time_s: FloatArray) -> FloatArray:
    """Second derivative by time at inner frames: (T, D) to (T-2, D), per s^2."""
    coefficients, _ = second_difference(time_s)
    c = coefficients[:, :, None]
    return np.asarray(c[:, 0] * values[:-2] + c[:, 1] * values[1:-1] + c[:, 2] * values[2:])


def angular_acceleration(R: FloatArray, time_s: FloatArray) -> FloatArray:
    """Change of angular velocity at inner frames: (T, B, 3, 3) to (T-2, B, 3) rad/s^2.

    To first order in the turn from frame to frame its derivative by steps that act on the right is that of
    `acceleration`.
    """
    _, spans = second_difference(time_s)
    return np.asarray(np.diff(angular_velocity(R, time_s), axis=0) / spans[:, None, None])


def beyond_limits(values: FloatArray, limits: FloatArray) -> FloatArray:
    """How far values lie outside an interval, with sign; 0 inside.

    Args:
        values: (..., N).
        limits: (N, 2) lowest and highest.
    """
    low, high = limits[:, 0], limits[:, 1]
    return np.asarray(np.minimum(values - low, 0.0) + np.maximum(values - high, 0.0))


def below_ground(heights_m: FloatArray) -> FloatArray:
    """Depth below the ground as a negative number, 0 above it."""
    return np.asarray(np.minimum(heights_m, 0.0))
