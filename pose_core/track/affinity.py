"""How much two observations look like the same person, and the best pairing of many."""

from __future__ import annotations

import numpy as np

from pose_core.keypoints.pose import PoseSample
from pose_core.types import FloatArray

_OKS_SIGMA = 0.08
"""Spread of a keypoint as a share of the body's size, one for all: only relative closeness matters here."""


def keypoint_similarity(first: PoseSample, second: PoseSample) -> float:
    """Object keypoint similarity of two poses in the same frame.

    Args:
        first, second: poses with the same keypoint set.
    Returns:
        In [0, 1]; 1 = the same points. Keypoints that either is unsure of count less.
    Source: COCO keypoint evaluation (OKS), with one sigma for all keypoints.
    """
    weight = np.sqrt(first.confidence * second.confidence)
    if weight.sum() < 1e-6:
        return 0.0
    size = 0.5 * (first.next_region.width + second.next_region.width)
    distance2 = np.sum((first.xy_px - second.xy_px) ** 2, axis=1)
    similarity = np.exp(-distance2 / (2 * (_OKS_SIGMA * size) ** 2))
    return float(np.sum(weight * similarity) / weight.sum())


def best_pairs(affinity: FloatArray, least: float) -> list[tuple[int, int]]:
    """Pairing with the greatest sum of affinities.

    Args:
        affinity: (N, M), larger = better.
        least: pairs below are not made.
    Returns:
        (row, column) of each pair.
    """
    if affinity.size == 0:
        return []
    from scipy.optimize import linear_sum_assignment

    usable = np.where(affinity >= least, affinity, least - 1.0)
    rows, columns = linear_sum_assignment(-usable)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if affinity[r, c] >= least]
