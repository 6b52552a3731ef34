"""One constant length per bone, left and right alike."""

from __future__ import annotations

import numpy as np

from pose_core.errors import InsufficientDataError
from pose_core.skeletons import CANONICAL
from pose_core.skeletons.canonical import stature_lengths
from pose_core.types import FloatArray

# How far adults' proportions scatter about the average, and how far a clip's estimate scatters about the truth,
# both as standard deviations of log length.
_PRIOR_SIGMA = 0.07
_MEASURED_SIGMA = 0.07

# Bones that together tell a person's size: long, and seen by every keypoint set.
_SIZE_BONES = tuple(
    CANONICAL.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle", "elbow", "wrist")
)


def fit_bone_lengths(joints_m: FloatArray, confidence: FloatArray, height_m: float) -> FloatArray:
    """Estimate one length per bone for a person of known height.

    Median over frames, weighted by confidence; left and right tied; maximum a posteriori with the proportions of
    average adults, so that a bone seldom seen falls back to them.

    Args:
        joints_m: (T, J, 3) joints of the canonical skeleton at any common scale; NaN where unknown.
        confidence: (T, J) in [0, 1].
        height_m: the person's height, metres: sets the scale of the result.
    Returns:
        (J,) lengths in metres, > 0 but for the pelvis, which is 0.
    Raises:
        InsufficientDataError: no limb is seen in any frame.
    Source: FIELD notes on MAP estimates of log length; proportions after Drillis & Contini 1966.
    """
    parents = np.array(CANONICAL.parents)
    bones = np.flatnonzero(parents >= 0)
    vectors = joints_m[:, bones] - joints_m[:, parents[bones]]
    length = np.linalg.norm(vectors, axis=-1)
    weight = np.minimum(confidence[:, bones], confidence[:, parents[bones]])
    weight = np.where(np.isfinite(length), weight, 0.0)
    measured, evidence = np.full(len(parents), np.nan), np.zeros(len(parents))
    for column, bone in enumerate(bones):
        evidence[bone] = np.sum(weight[:, column])
        if evidence[bone] > 0:
            measured[bone] = _weighted_median(length[:, column], weight[:, column])
    mirror = CANONICAL.mirror
    total = evidence + evidence[mirror]
    both = np.nan_to_num(measured) * evidence + np.nan_to_num(measured[mirror]) * evidence[mirror]
    measured = np.where(total > 0, both / np.maximum(total, 1e-12), np.nan)

    prior = stature_lengths(height_m)
    limbs = [b for b in _SIZE_BONES if np.isfinite(measured[b]) and measured[b] > 0]
    if not limbs:
        raise InsufficientDataError(
            "No arm or leg is seen well enough in any frame to measure the body.",
            "Use a clip in which the person is visible from head to foot for a while.",
        )
    scale = float(np.sum(prior[limbs]) / np.sum(measured[limbs]))
    # evidence counts as a full measurement from a dozen good frames on; frames of one clip err together
    trust = np.minimum(total / 12.0, 1.0) / _MEASURED_SIGMA**2
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.log(measured * scale / prior)
    deviation = np.where(np.isfinite(deviation), deviation, 0.0)
    posterior = deviation * trust / (trust + _PRIOR_SIGMA**-2)
    lengths = prior * np.exp(np.clip(posterior, -0.4, 0.4))
    lengths[0] = 0.0
    return np.asarray(lengths)


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(np.where(weights > 0, values, np.inf))
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, 0.5 * cumulative[-1])])
