"""Reading keypoints out of heatmaps, finer than their cells."""

from __future__ import annotations

import numpy as np

from pose_core.types import FloatArray

METHODS = ("quarter", "parabola", "dark")
_LEAST = 1e-6


def decode_heatmaps(heatmaps: FloatArray, method: str = "dark") -> tuple[FloatArray, FloatArray]:
    """Keypoints of one person.

    Args:
        heatmaps: (K, H, W), one map a keypoint.
        method: `quarter` (a quarter of a cell towards the higher neighbour), `parabola` (through the logarithm of the
            maximum and its neighbours, exact for Gaussians) or `dark` (the same after blurring, in both axes at once).
    Returns:
        (K, 2) x, y in cells, integers at cell centres, and (K,) values at the maxima.
    Source: Zhang et al., Distribution-aware coordinate representation for human pose estimation (2020), for `dark`.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got '{method}'")
    maps = np.asarray(heatmaps, dtype=np.float64)
    count, _, width = maps.shape
    flat = maps.reshape(count, -1).argmax(axis=1)
    row, column = flat // width, flat % width
    value = maps.reshape(count, -1)[np.arange(count), flat]
    if method == "dark":
        offset = _newton_step(_log(_blur(maps)), row, column)
    else:
        offset = _axis_offsets(maps if method == "quarter" else _log(maps), row, column, method)
    return np.stack([column, row], axis=1) + offset, value


def _log(maps: FloatArray) -> FloatArray:
    return np.asarray(np.log(np.maximum(maps, _LEAST)))


def _blur(maps: FloatArray) -> FloatArray:
    """Smooth a little, so that one noisy cell does not decide, and bring the maxima back to what they were."""
    import cv2

    blurred = np.stack([cv2.GaussianBlur(m, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE) for m in maps])
    peak = blurred.max(axis=(1, 2), keepdims=True)
    return np.asarray(blurred * maps.max(axis=(1, 2), keepdims=True) / np.maximum(peak, _LEAST))


def _neighbours(maps: FloatArray, row: FloatArray, column: FloatArray, dy: int, dx: int) -> FloatArray:
    """(K,) values beside the maxima; maxima at the border are moved inwards for it by the caller."""
    return np.asarray(maps[np.arange(len(maps)), row + dy, column + dx])


def _axis_offsets(maps: FloatArray, row: FloatArray, column: FloatArray, method: str) -> FloatArray:
    """(K, 2) offsets in cells, each axis by itself; 0 along an axis on whose border the maximum lies."""
    offsets = np.zeros((len(maps), 2))
    size = (maps.shape[2], maps.shape[1])
    for axis, at in enumerate((column, row)):
        inner = (at > 0) & (at < size[axis] - 1)
        dy, dx = (0, 1) if axis == 0 else (1, 0)
        use = np.flatnonzero(inner)
        part, r, c = maps[use], row[use], column[use]
        middle = _neighbours(part, r, c, 0, 0)
        before, after = _neighbours(part, r, c, -dy, -dx), _neighbours(part, r, c, dy, dx)
        if method == "quarter":
            offsets[use, axis] = 0.25 * np.sign(after - before)
        else:
            offsets[use, axis] = parabola_offset(before, middle, after)
    return offsets


def parabola_offset(before: FloatArray, middle: FloatArray, after: FloatArray) -> FloatArray:
    """Where the parabola through three equally spaced values has its maximum.

    Args:
        before, middle, after: (...) values; `middle` is the largest.
    Returns:
        (...) offset from the middle in steps, within [-0.5, 0.5]; 0 where the values are flat.
    """
    bend = before - 2.0 * middle + after
    safe = np.where(bend < -1e-12, bend, -1.0)
    return np.asarray(np.where(bend < -1e-12, np.clip(0.5 * (before - after) / safe, -0.5, 0.5), 0.0))


def _newton_step(maps: FloatArray, row: FloatArray, column: FloatArray) -> FloatArray:
    """(K, 2) offset to the maximum of the second-order Taylor expansion; 0 at the border or where it is no maximum."""
    height, width = maps.shape[1:]
    inner = (row > 0) & (row < height - 1) & (column > 0) & (column < width - 1)
    r, c = np.clip(row, 1, height - 2), np.clip(column, 1, width - 2)

    def at(dy: int, dx: int) -> FloatArray:
        return _neighbours(maps, r, c, dy, dx)

    gx, gy = (at(0, 1) - at(0, -1)) / 2, (at(1, 0) - at(-1, 0)) / 2
    hxx, hyy = at(0, 1) - 2 * at(0, 0) + at(0, -1), at(1, 0) - 2 * at(0, 0) + at(-1, 0)
    hxy = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
    determinant = hxx * hyy - hxy**2
    is_peak = inner & (hxx < 0) & (determinant > 1e-12)
    safe = np.where(is_peak, determinant, 1.0)
    step = np.stack([-(hyy * gx - hxy * gy) / safe, -(hxx * gy - hxy * gx) / safe], axis=1)
    return np.where(is_peak[:, None], np.clip(step, -1.0, 1.0), 0.0)
