"""Two opinions on the same joints made one, each with the weight of its certainty."""

from __future__ import annotations

import numpy as np

from pose_core.skeletons import CANONICAL
from pose_core.skeletons.canonical import SIZE_JOINTS
from pose_core.types import FloatArray, LiftedTrack

_SIZE_INDICES = CANONICAL.indices(*SIZE_JOINTS)


def fuse_lifts(first: LiftedTrack, second: LiftedTrack) -> LiftedTrack:
    """Combine two lifts of the same frames.

    The second is brought to the size of the first, as lifts of one view are free in scale. Joints are averaged by their
    precision; where only one lift knows a joint, it is taken as it is. The result is no surer than the surer of the
    two: both look at the same pixels, so their errors are alike.

    Args:
        first: leads; its contacts are kept.
        second: the other opinion.
    Returns:
        One lift; its diagnostics name the shares.
    """
    scale = _size(first.joints_m) / _size(second.joints_m)
    other = second.joints_m * (scale if np.isfinite(scale) else 1.0)
    weights = [_precision(lift) for lift in (first, second)]
    total = weights[0] + weights[1]
    mixed = weights[0][..., None] * np.nan_to_num(first.joints_m) + weights[1][..., None] * np.nan_to_num(other)
    with np.errstate(divide="ignore", invalid="ignore"):
        joints = np.where(total[..., None] > 0, mixed / total[..., None], np.nan)
    sigma = np.fmin(first.sigma_m, second.sigma_m)
    share = float(np.sum(weights[0]) / max(float(np.sum(total)), 1e-12))
    diagnostics = {"first": first.method, "second": second.method, "share_of_first": round(share, 3)}
    return LiftedTrack(
        joints,
        sigma,
        f"{first.method}+{second.method}",
        first.contact_probability,
        {**first.diagnostics, **diagnostics},
        first.height_m,
        first.covariance_m2,
    )


def _precision(lift: LiftedTrack) -> FloatArray:
    """(T, J) inverse variance; 0 where unknown."""
    known = np.isfinite(lift.joints_m[..., 0]) & np.isfinite(lift.sigma_m) & (lift.sigma_m > 0)
    return np.asarray(np.where(known, 1.0 / np.where(known, lift.sigma_m, 1.0) ** 2, 0.0))


def _size(joints_m: FloatArray) -> float:
    """Sum of the median limb lengths."""
    parents = np.array(CANONICAL.parents)
    lengths = np.linalg.norm(joints_m[:, _SIZE_INDICES] - joints_m[:, parents[_SIZE_INDICES]], axis=-1)
    if not np.any(np.isfinite(lengths)):
        return float("nan")
    return float(np.nansum(np.nanmedian(lengths, axis=0)))
