"""Accuracy and quality measures of 3D motion, by the definitions of the field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.errors import ConfigError, ShapeError
from pose_core.maths.rotations import best_rotation
from pose_core.types import BoolArray, FloatArray


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
    return _mean_distance(align_frames(estimate, truth), truth)


def align_frames(estimate_m: FloatArray, truth_m: FloatArray) -> FloatArray:
    """Every frame (T, J, 3) rotated, scaled and shifted onto the truth; NaN where fewer than three joints are known."""
    estimate, truth = _paired(estimate_m, truth_m)
    aligned = np.full_like(estimate, np.nan)
    for t in range(len(estimate)):
        known = np.isfinite(estimate[t, :, 0])
        if np.sum(known) >= 3:
            aligned[t, known] = align_similarity(estimate[t, known], truth[t, known])
    return aligned


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


def n_mpjpe(estimate_m: FloatArray, truth_m: FloatArray, root: int = 0) -> float:
    """Mean per-joint position error after the best scale of every frame, both put together at the root.

    Args:
        estimate_m: (T, J, 3) metres; NaN where unknown.
        truth_m: (T, J, 3) metres, same axes; NaN where unknown.
        root: joint at which both are put together.
    Returns:
        Metres; NaN if no joint is known in both.
    Source: Rhodin et al. 2018, section 5: scale <truth, estimate> / <estimate, estimate>.
    """
    estimate, truth = _paired(estimate_m, truth_m)
    estimate, truth = estimate - estimate[:, root : root + 1], truth - truth[:, root : root + 1]
    product, square = np.nansum(estimate * truth, axis=(1, 2)), np.nansum(estimate**2, axis=(1, 2))
    scale = product / np.maximum(square, 1e-12)
    return _mean_distance(scale[:, None, None] * estimate, truth)


PCK_THRESHOLD_M = 0.15
"""Half a head: the threshold of 3DPCK."""


def pck_3d(
    estimate_m: FloatArray, truth_m: FloatArray, threshold_m: float = PCK_THRESHOLD_M, root: int | None = 0
) -> float:
    """Share of joints within a distance of the truth (3DPCK), in [0, 1].

    Args:
        estimate_m: (T, J, 3) metres. A joint that is NaN here but known in the truth is wrong.
        truth_m: (T, J, 3) metres; NaN where unknown: does not count.
        threshold_m: largest distance that is still right; included.
        root: joint at which both are put together first, or None.
    Returns:
        NaN if no joint of the truth is known.
    Source: Mehta et al. 2017, section 5.
    """
    return float(_shares_within(estimate_m, truth_m, np.array([threshold_m]), root)[0])


def pck_auc(estimate_m: FloatArray, truth_m: FloatArray, root: int | None = 0) -> float:
    """Area under the curve of 3DPCK: its mean over 31 thresholds from 0 to 150 mm.

    Args:
        estimate_m: (T, J, 3) metres.
        truth_m: (T, J, 3) metres.
        root: joint at which both are put together first, or None.
    Source: Mehta et al. 2017; thresholds as in the evaluation program of MPI-INF-3DHP.
    """
    return float(np.mean(_shares_within(estimate_m, truth_m, np.linspace(0.0, PCK_THRESHOLD_M, 31), root)))


def jitter(joints_m: FloatArray, time_s: FloatArray) -> float:
    """Mean length of the jerk of all joints, m/s^3, over equally spaced frames; needs no truth.

    Args:
        joints_m: (T, J, 3) metres; NaN where unknown.
        time_s: (T,) seconds.
    Returns:
        NaN for fewer than four frames.
    Source: Flash & Hogan 1985; as a measure of motion capture Yi et al. 2021.
    """
    if len(time_s) < 4:
        return float("nan")
    step = float(np.median(np.diff(time_s)))
    jerk = np.diff(joints_m, 3, axis=0) / step**3
    return _mean_distance(jerk, np.zeros_like(jerk))


@dataclass(frozen=True)
class ContactScores:
    """How well contacts were told; NaN where undefined (nothing predicted, nothing true)."""

    precision: float
    recall: float
    f1: float


def contact_scores(probability: FloatArray, truth: FloatArray, counted: BoolArray | None = None) -> ContactScores:
    """Precision, recall and F1 of contacts; above 0.5 counts as contact.

    Args:
        probability: (T, C) in [0, 1]; NaN = no contact.
        truth: (T, C) in [0, 1].
        counted: (T, C) or (T, 1) which to look at; None = all.
    Source: van Rijsbergen 1979: F1 = 2 hits / (predicted + true).
    """
    if probability.shape != truth.shape:
        raise ShapeError(f"Both must have the same shape, but have {probability.shape} and {truth.shape}.")
    use = np.ones(truth.shape, dtype=bool) if counted is None else np.broadcast_to(counted, truth.shape)
    predicted, true = (probability > 0.5) & use, (truth > 0.5) & use
    hits, said, there = (float(np.sum(a)) for a in (predicted & true, predicted, true))

    def share(part: float, whole: float) -> float:
        return part / whole if whole else float("nan")

    return ContactScores(share(hits, said), share(hits, there), share(2 * hits, said + there))


def within_sigma(estimate_m: FloatArray, truth_m: FloatArray, sigma_m: FloatArray, root: int | None = 0) -> FloatArray:
    """Share of errors smaller than one predicted standard deviation, axis by axis: 0.683 where sigma is right.

    Args:
        estimate_m: (T, J, 3) metres.
        truth_m: (T, J, 3) metres.
        sigma_m: (T, J) one for all axes, or (T, J, 3); joints without a finite one do not count.
        root: joint at which both are put together first and which then does not count, or None.
    Returns:
        (3,) x, y, z; NaN if nothing is known.
    Source: the 68 % rule of the normal distribution; Kuleshov et al. 2018 for calibration of regression.
    """
    estimate, truth = _paired(estimate_m, truth_m)
    sigma = np.broadcast_to(sigma_m[..., None] if sigma_m.ndim == 2 else sigma_m, estimate.shape)
    counted = np.isfinite(estimate) & np.isfinite(sigma)
    if root is not None:
        estimate, truth = estimate - estimate[:, root : root + 1], truth - truth[:, root : root + 1]
        counted = counted & np.isfinite(estimate)
        counted[:, root] = False
    total = np.sum(counted, axis=(0, 1))
    inside = np.sum(counted & (np.abs(estimate - truth) < sigma), axis=(0, 1))
    return np.asarray(np.where(total > 0, inside / np.maximum(total, 1), np.nan))


def _shares_within(estimate: FloatArray, truth: FloatArray, thresholds: FloatArray, root: int | None) -> FloatArray:
    _paired(estimate, truth)
    if root is not None:
        estimate, truth = estimate - estimate[:, root : root + 1], truth - truth[:, root : root + 1]
    known = np.all(np.isfinite(truth), axis=-1)
    if not np.any(known):
        return np.full(len(thresholds), np.nan)
    distance = np.linalg.norm(estimate - truth, axis=-1)[known]
    distance = np.where(np.isfinite(distance), distance, np.inf)
    return np.asarray(np.mean(distance[:, None] <= thresholds, axis=0))


def _mean_distance(a: FloatArray, b: FloatArray) -> float:
    distance = np.linalg.norm(a - b, axis=-1)
    known = np.isfinite(distance)
    return float(np.mean(distance[known])) if np.any(known) else float("nan")


@dataclass(frozen=True)
class Scores3dhp:
    """What MPI-INF-3DHP's tables report."""

    pck: float
    """Share of joints within 150 mm, in [0, 1]."""
    auc: float
    """Area under the curve of 3DPCK, in [0, 1]."""
    mpjpe_m: float


def scores_3dhp(estimate_m: FloatArray, truth_m: FloatArray, protocol: str, root: int = 0) -> Scores3dhp:
    """3DPCK, AUC and MPJPE by one of the protocols of MPI-INF-3DHP.

    Args:
        estimate_m: (T, J, 3) metres, the frames of one person.
        truth_m: (T, J, 3) metres, same axes.
        protocol: `unscaled`: put together at the root. `glob_scaled`: that, after one scale for all frames, as a
            person's size cannot be told from pictures. `procrustes`: every frame turned, scaled and shifted.
        root: joint at which both are put together.
    Raises:
        ConfigError: there is no such protocol.
    Source: Mehta et al. 2017, section 5; Habibie et al. 2019, table 1.
    """
    estimate, truth = _paired(estimate_m, truth_m)
    match protocol:
        case "unscaled":
            shift: int | None = root
        case "glob_scaled":
            shift = root
            estimate, truth = estimate - estimate[:, root : root + 1], truth - truth[:, root : root + 1]
            estimate = estimate * (np.nansum(estimate * truth) / max(float(np.nansum(estimate**2)), 1e-12))
        case "procrustes":
            shift = None
            estimate = align_frames(estimate, truth)
        case _:
            raise ConfigError(
                f"There is no protocol '{protocol}' of MPI-INF-3DHP.", "Use unscaled, glob_scaled or procrustes."
            )
    return Scores3dhp(
        pck_3d(estimate, truth_m, root=shift), pck_auc(estimate, truth_m, root=shift), mpjpe(estimate, truth_m, shift)
    )
