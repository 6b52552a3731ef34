"""Reading keypoints out of SimCC outputs: one distribution over x and one over y for each keypoint.

Source: Li et al., SimCC (2022); Jiang et al., RTMPose (2023): two bins a pixel.
"""

from __future__ import annotations

import numpy as np

from pose_core.errors import ModelError
from pose_core.keypoints.heatmap import parabola_offset
from pose_core.types import FloatArray

SPLIT_RATIO = 2.0
"""Bins a pixel of the network's input."""


def decode_simcc(
    simcc_x: FloatArray, simcc_y: FloatArray, split_ratio: float = SPLIT_RATIO, *, refine: bool = True
) -> tuple[FloatArray, FloatArray]:
    """Keypoints of one person.

    Args:
        simcc_x: (K, W * split_ratio) one row a keypoint.
        simcc_y: (K, H * split_ratio).
        split_ratio: bins a pixel.
        refine: go between the bins by a parabola; without it, a large person moves in steps of several pixels.
    Returns:
        (K, 2) x, y in input pixels, integers at pixel centres, and (K,) the smaller of the two maxima, at least 0.
    Raises:
        ModelError: shapes that do not belong together.
    """
    if simcc_x.ndim != 2 or simcc_y.ndim != 2 or len(simcc_x) != len(simcc_y):
        raise ModelError(f"SimCC outputs (K, X) and (K, Y) were expected, got {simcc_x.shape} and {simcc_y.shape}.")
    positions, values = [], []
    for bins in (np.asarray(simcc_x, dtype=np.float64), np.asarray(simcc_y, dtype=np.float64)):
        row = np.arange(len(bins))
        at = bins.argmax(axis=1)
        values.append(bins[row, at])
        offset = np.zeros(len(bins))
        if refine:
            inner = (at > 0) & (at < bins.shape[1] - 1)
            middle = np.clip(at, 1, bins.shape[1] - 2)
            fit = parabola_offset(bins[row, middle - 1], bins[row, middle], bins[row, middle + 1])
            offset = np.where(inner, fit, 0.0)
        positions.append((at + offset) / split_ratio)
    return np.stack(positions, axis=1), np.maximum(np.minimum(values[0], values[1]), 0.0)
