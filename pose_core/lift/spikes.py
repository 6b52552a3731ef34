"""Keypoints that jump away for a frame or two and come back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.types import BoolArray, FloatArray

_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class SpikeTuning:
    """When a keypoint counts as a spike, in body sizes (about 1.7 m)."""

    reach: int = 3
    """Frames to each side that are compared: with 3, a window of 7."""
    longest_window_s: float = 0.5
    """Frames further apart say nothing of each other: at low rates nothing is called a spike."""
    sigmas: float = 4.0
    """Robust standard deviations from the window's median."""
    least: float = 0.035
    """Smaller jumps are left to the lifter."""


def find_spikes(
    xy_px: FloatArray, confidence: FloatArray, time_s: FloatArray, size_px: FloatArray, model: SpikeTuning
) -> BoolArray:
    """Hampel's rule on the way of each keypoint, after the line through its neighbours has been taken off.

    Args:
        xy_px: (T, K, 2).
        confidence: (T, K); 0 = not seen.
        time_s: (T,).
        size_px: (T,) size of the body in the picture.
        model: when to call it a spike.
    Returns:
        (T, K) which keypoints are spikes.
    Source: Hampel 1974 (median and median absolute deviation in a sliding window).
    """
    frames, reach = len(time_s), model.reach
    out = np.zeros(confidence.shape, dtype=bool)
    if frames < 2 * reach + 1:
        return out
    xy = np.where((confidence > 0)[..., None], xy_px, np.nan) / size_px[:, None, None]
    window = np.lib.stride_tricks.sliding_window_view
    near = np.moveaxis(window(xy, 2 * reach + 1, axis=0), -1, 0)  # (W, T', K, 2)
    times = window(time_s, 2 * reach + 1).T[..., None, None]  # (W, T', 1, 1)
    times = times - times[reach]
    ahead, behind = near[reach + 1 :], near[:reach][::-1]
    # what a limb does anyhow: a slope from opposite neighbours, the median of which no single blunder moves
    slopes = (ahead - behind) / (times[reach + 1 :] - times[:reach][::-1])
    enough = (np.sum(np.isfinite(near[..., 0]), axis=0) >= 5) & np.any(np.isfinite(slopes[..., 0]), axis=0)
    enough &= (times[-1] - times[0])[..., 0] <= model.longest_window_s
    slope = _median(slopes, enough)
    level = near - slope * times
    middle = _median(level, enough)
    away = np.linalg.norm(level[reach] - middle, axis=-1)
    sigma = _MAD_TO_SIGMA * _median(np.linalg.norm(level - middle, axis=-1), enough)
    with np.errstate(invalid="ignore"):
        out[reach : frames - reach] = enough & (away > np.maximum(model.sigmas * sigma, model.least))
    return out


def _median(values: FloatArray, enough: BoolArray) -> FloatArray:
    """Median over the first axis where there is enough to take it of, else NaN."""
    shaped = enough if values.ndim == 3 else enough[..., None]
    filled = np.where(shaped, values, 0.0)
    return np.asarray(np.where(shaped, np.nanmedian(filled, axis=0), np.nan))
