"""Zero-phase smoothing of time series with true time steps, gaps and outliers.

Minimises  sum w |x - y|^2 dt  +  lambda * integral |x''|^2 dt,  a smoothing spline on the frames themselves
(Whittaker 1923; Eilers 2003). It has no phase shift, fills gaps as it goes, and its strength is a cut-off frequency
that does not depend on the frame rate.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.linalg import solveh_banded

from pose_core.maths.frame_times import frame_spans, second_difference
from pose_core.types import FloatArray


def smooth(values: FloatArray, weights: FloatArray, time_s: FloatArray, cutoff_hz: float) -> FloatArray:
    """Smooth one or more series that share weights.

    Args:
        values: (T, D); entries with weight 0 may be NaN and are filled.
        weights: (T,) >= 0; 1 is an ordinary measurement.
        time_s: (T,) strictly increasing.
        cutoff_hz: frequency at which a full-weight signal is halved; infinity = no smoothing, only gap filling.
    Returns:
        (T, D); NaN if every weight is 0.
    """
    count = len(time_s)
    known = weights > 0
    if not np.any(known):
        return np.full(values.shape, np.nan)
    filled = np.where(known[:, None], values, 0.0)
    if np.sum(known) == 1 or count < 3:
        return _nearest_fill(filled, known, time_s)
    spans = frame_spans(time_s)
    if np.isinf(cutoff_hz):
        out = np.stack([np.interp(time_s, time_s[known], filled[known, d]) for d in range(values.shape[1])], axis=1)
        return np.asarray(np.where(known[:, None], filled, out))
    penalty = (2 * np.pi * cutoff_hz) ** -4
    coefficients, accel_spans = second_difference(time_s)
    band = np.zeros((3, count))  # lower form: band[k, i] = A[i + k, i]
    data_weight = weights * spans
    band[0] = data_weight
    scaled = coefficients * (penalty * accel_spans)[:, None]
    for a in range(3):
        for b in range(a, 3):
            band[b - a, a : a + count - 2] += scaled[:, a] * coefficients[:, b]
    # a vanishing pull towards the weighted mean keeps long empty ends from running away numerically
    mean = np.average(filled, axis=0, weights=data_weight)
    band[0] += 1e-9 * float(np.max(data_weight))
    solution = solveh_banded(band, data_weight[:, None] * (filled - mean), lower=True)
    return np.asarray(solution + mean)


def smooth_robust(
    values: FloatArray,
    weights: FloatArray,
    time_s: FloatArray,
    cutoff_hz: float,
    scale: float,
    iterations: int = 4,
) -> FloatArray:
    """Smooth while outliers lose their say.

    Args:
        values: (T, D), one point a frame: its D coordinates stand or fall together.
        weights: (T,) >= 0.
        time_s: (T,) strictly increasing.
        cutoff_hz: see `smooth`.
        scale: residual length at which a measurement has lost three quarters of its weight, in the unit of `values`.
        iterations: rounds of reweighting.
    Returns:
        (T, D).
    Source: Geman & McClure 1987 weights by iteratively reweighted least squares.
    """
    result = smooth(values, weights, time_s, min(cutoff_hz, 1e6) if np.isfinite(cutoff_hz) else cutoff_hz)
    if not np.isfinite(cutoff_hz):
        return result
    for _ in range(iterations):
        residual = np.linalg.norm(np.where(weights[:, None] > 0, values - result, 0.0), axis=1)
        robust = 1.0 / (1.0 + (residual / scale) ** 2) ** 2
        result = smooth(values, weights * robust, time_s, cutoff_hz)
    return result


def _nearest_fill(values: FloatArray, known: np.ndarray, time_s: FloatArray) -> FloatArray:
    sources = np.flatnonzero(known)
    nearest = sources[np.argmin(np.abs(time_s[:, None] - time_s[sources][None]), axis=1)]
    return np.asarray(values[nearest])


def fill_spans(seen: np.ndarray, time_s: FloatArray, max_gap_s: float) -> np.ndarray:
    """Frames that are seen or lie in a gap short enough to fill; nothing is filled before the first or after the last.

    Args:
        seen: (T,) bool.
        time_s: (T,) seconds.
        max_gap_s: longest time between two seen frames to bridge.
    Returns:
        (T,) bool.
    """
    out = np.array(seen, dtype=bool)
    frames = np.flatnonzero(seen)
    for before, after in itertools.pairwise(frames):
        if after - before > 1 and time_s[after] - time_s[before] <= max_gap_s:
            out[before:after] = True
    return out
