"""Series over frames whose times need not be even: differences, spans, runs; numpy only."""

from __future__ import annotations

import numpy as np

from pose_core.types import BoolArray, FloatArray


def second_difference(time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients of the acceleration at each inner frame.

    Args:
        time_s: (T,) strictly increasing times, T >= 3.
    Returns:
        coefficients (T-2, 3): acceleration = sum over the three frames of coefficient times value, 1/s^2;
        spans_s (T-2,): the time each acceleration stands for.
    """
    before, after = np.diff(time_s)[:-1], np.diff(time_s)[1:]
    spans = (before + after) / 2
    coefficients = np.stack([1 / (before * spans), -(1 / before + 1 / after) / spans, 1 / (after * spans)], axis=1)
    return coefficients, spans


def frame_spans(time_s: FloatArray) -> FloatArray:
    """(T,) time each frame stands for, seconds; 1/30 for a single frame."""
    if len(time_s) < 2:
        return np.full(len(time_s), 1 / 30)
    return np.asarray(np.gradient(time_s))


def runs(mask: BoolArray) -> list[tuple[int, int]]:
    """Half-open index ranges of the True runs of a mask (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
