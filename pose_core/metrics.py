"""Accuracy and quality measures of 3D motion, by the definitions of the field."""

from __future__ import annotations

import numpy as np

from pose_core.errors import ShapeError
from pose_core.rotations import best_rotation
from pose_core.types import FloatArray


def _paired(estimate: FloatArray, truth: FloatArray) -> tuple[FloatArray, FloatArray]:
    if estimate.shape != truth.shape or estimate.ndim != 3 or estimate.shape[-1] != 3:
        raise ShapeError(f"Both must have the same shape (T, J, 3), but have {estimate.shape} and {truth.shape}.")
    known = np.all(np.isfinite(estimate) & np.isfinite(truth), axis=-1, keepdims=True)
    return np.where(known, estimate, np.nan), np.where(known, truth, np.nan)


def mpjpe(estimate_m: FloatArray, truth_m: FloatArray, root: int | None = 0) -> float:
    """Mean per-joint position error.

    Args:
        estimate_m: (T, J, 3) metres; NaN where unknown.
        truth_m: (T, J, 3) metres, same axes; NaN where unknown.
        root: joint at which both are put together first; None compares positions as they are.
    Returns:
        Mean distance over joints known in both, metres; NaN if there are none.
    Source: Ionescu et al. 2014, protocol 1.
    """
    estimate, truth = _paired(estimate_m, truth_m)
    if root is not None:
        estimate, truth = estimate - estimate[:, root : root + 1], truth - truth[:, root : root + 1]
    return _mean_distance(estimate, truth)


def pa_mpjpe(estimate_m: FloatArray, truth_m: FloatArray) -> float:
    """Mean per-joint position error after the best similarity transform of every frame.

    Args:
        estimate_m: (T, J, 3) metres; NaN where unknown.
        truth_m: (T, J, 3) metres.
    Returns:
        Metres; NaN if no frame has three joints known in both.
    Source: Ionescu et al. 2014, protocol 2; alignment by Umeyama 1991.
    """
    estimate, truth = _paired(estimate_m, truth_m)
    aligned = np.full_like(estimate, np.nan)
    for t in range(len(estimate)):
        known = np.isfinite(estimate[t, :, 0])
        if np.sum(known) >= 3:
            aligned[t, known] = align_similarity(estimate[t, known], truth[t, known])
    return _mean_distance(aligned, truth)


def align_similarity(source: FloatArray, target: FloatArray) -> FloatArray:
    """Rotate, scale and shift (N, 3) points onto (N, 3) target points in the least-squares sense."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    R = best_rotation(a, b)
    turned = a @ R.T
    scale = np.sum(turned * b) / max(float(np.sum(a**2)), 1e-12)
    return np.asarray(scale * turned + target.mean(axis=0))


def acceleration_error(estimate_m: FloatArray, truth_m: FloatArray, time_s: FloatArray, root: int | None = 0) -> float:
    """Mean length of the difference of accelerations, m/s^2, over equally spaced frames.

    Args:
        estimate_m: (T, J, 3) metres.
        truth_m: (T, J, 3) metres.
        time_s: (T,) seconds.
        root: joint at which both are put together first, or None.
    Source: Kanazawa et al. 2019.
    """
    estimate, truth = _paired(estimate_m, truth_m)
    if root is not None:
        estimate, truth = estimate - estimate[:, root : root + 1], truth - truth[:, root : root + 1]
    if len(time_s) < 3:
        return float("nan")
    step = float(np.median(np.diff(time_s)))
    return _mean_distance(np.diff(estimate, 2, axis=0) / step**2, np.diff(truth, 2, axis=0) / step**2)


def bone_length_variation(joints_m: FloatArray, parents: tuple[int, ...]) -> float:
    """Largest relative standard deviation over time of any bone's length; 0 for a rigid skeleton.

    Args:
        joints_m: (T, J, 3) metres; NaN where unknown.
        parents: (J,) index of the parent, -1 for the root.
    """
    bones = [(j, p) for j, p in enumerate(parents) if p >= 0]
    lengths = np.stack([np.linalg.norm(joints_m[:, j] - joints_m[:, p], axis=-1) for j, p in bones], axis=1)
    mean = np.nanmean(lengths, axis=0)
    return float(np.nanmax(np.nanstd(lengths, axis=0) / np.where(mean > 1e-9, mean, np.nan)))


def foot_skate(points_m: FloatArray, contacts: FloatArray) -> float:
    """Mean slip of planted points from frame to frame, metres.

    Args:
        points_m: (T, C, 3) in the world.
        contacts: (T, C) in [0, 1]; a step counts where both its frames are planted (> 0.5).
    Returns:
        Metres a frame; NaN if nothing is ever planted.
    """
    step = np.linalg.norm(np.diff(points_m, axis=0), axis=-1)
    planted = np.minimum(contacts[1:], contacts[:-1]) > 0.5
    return float(np.mean(step[planted])) if np.any(planted) else float("nan")


def _mean_distance(a: FloatArray, b: FloatArray) -> float:
    distance = np.linalg.norm(a - b, axis=-1)
    known = np.isfinite(distance)
    return float(np.mean(distance[known])) if np.any(known) else float("nan")
