"""Overlap of boxes, and one box for each of many that overlap."""

from __future__ import annotations

import numpy as np

from pose_core.types import FloatArray, IntArray


def box_iou(first: FloatArray, second: FloatArray) -> FloatArray:
    """Intersection over union of every pair.

    Args:
        first: (N, 4) x0, y0, x1, y1.
        second: (M, 4).
    Returns:
        (N, M) in [0, 1]; 0 where a box is empty or not finite.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0.0), axis=2)
    area = _area(first)[:, None] + _area(second)[None, :] - common
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = common / area
    return np.where(np.isfinite(iou), iou, 0.0)


def suppress(boxes: FloatArray, scores: FloatArray, most_overlap: float) -> IntArray:
    """Greedy non-maximum suppression.

    Args:
        boxes: (N, 4).
        scores: (N,).
        most_overlap: boxes that overlap a better one by more are dropped.
    Returns:
        Indices of the kept boxes, best first.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[box_iou(boxes[best : best + 1], boxes[rest])[0] <= most_overlap]
    return np.array(kept, dtype=np.int64)


def blend_overlapping(
    boxes: FloatArray, scores: FloatArray, values: FloatArray, most_overlap: float
) -> tuple[FloatArray, FloatArray]:
    """Weighted non-maximum suppression: each group of overlapping boxes becomes their mean, weighted by score.

    Args:
        boxes: (N, 4) that decide on the overlap.
        scores: (N,).
        values: (N, D) to be averaged.
        most_overlap: boxes that overlap a group's best by more belong to it.
    Returns:
        (G, D) averaged values and (G,) best scores, best first.
    """
    order = np.argsort(-scores, kind="stable")
    blended, best_scores = [], []
    while order.size:
        best = order[0]
        together = box_iou(boxes[best : best + 1], boxes[order])[0] > most_overlap
        together[0] = True
        group = order[together]
        blended.append(np.average(values[group], axis=0, weights=scores[group]))
        best_scores.append(float(scores[best]))
        order = order[~together]
    return np.array(blended).reshape(len(blended), values.shape[1]), np.array(best_scores)


def _area(boxes: FloatArray) -> FloatArray:
    return np.asarray(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1))
