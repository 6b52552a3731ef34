"""Keypoints at the network's rate, and its answers back at the times of the video."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from pose_core.lift.features import FRAMES_PER_S
from pose_core.types import BoolArray, FloatArray, IntArray

LONGEST_STEP_S = 1.5
"""Frames further apart than this have nothing to do with each other."""

# How far a frame reaches on the grid where the video is faster than the grid, in steps of the grid.
_KERNEL_STEPS = 0.75


@dataclass(frozen=True, eq=False)
class Stretch:
    """Consecutive frames of a clip, and the grid laid over them."""

    frames: slice
    grid_s: FloatArray
    """(G,) times of the grid; the first is that of the first frame, the last not before the last frame's."""


def stretches(time_s: FloatArray) -> list[Stretch]:
    """Cut a clip where two frames lie far apart, and lay a grid over every piece.

    Args:
        time_s: (T,) increasing.
    """
    cuts = [0, *(np.flatnonzero(np.diff(time_s) > LONGEST_STEP_S) + 1).tolist(), len(time_s)]
    found = []
    for first, last in itertools.pairwise(cuts):
        if last > first:
            span = float(time_s[last - 1] - time_s[first])
            steps = int(np.ceil(span * FRAMES_PER_S - 1e-6)) + 1
            found.append(Stretch(slice(first, last), time_s[first] + np.arange(steps) / FRAMES_PER_S))
    return found


def to_grid(
    values: FloatArray, confidence: FloatArray, time_s: FloatArray, grid_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Points at the times of a grid.

    Where frames come slower than the grid, neighbours are joined by straight lines; where they come faster, they are
    averaged by confidence, which also takes away some of their noise.

    Args:
        values: (T, I, 2), anything where confidence is 0.
        confidence: (T, I) in [0, 1].
        time_s: (T,) increasing.
        grid_s: (G,) equally spaced.
    Returns:
        values (G, I, 2), 0 where confidence is 0, and confidence (G, I).
    """
    safe = np.where(confidence[..., None] > 0, values, 0.0)
    if len(time_s) > 1 and float(np.median(np.diff(time_s))) < 0.8 / FRAMES_PER_S:
        return _average(safe, confidence, time_s, grid_s)
    return _interpolate(safe, confidence, time_s, grid_s)


def from_grid(values: FloatArray, grid_s: FloatArray, time_s: FloatArray) -> FloatArray:
    """Values (G, ...) at the times (T,) of the video, by cubic interpolation: (T, ...).

    Source: Catmull & Rom 1974.
    """
    if len(grid_s) == 1:
        return np.repeat(values[:1], len(time_s), axis=0)
    step = grid_s[1] - grid_s[0]
    at = np.clip((time_s - grid_s[0]) / step, 0.0, len(grid_s) - 1.0)
    low = np.minimum(at.astype(np.int64), len(grid_s) - 2)
    u = (at - low).reshape(-1, *[1] * (values.ndim - 1))

    def point(k: IntArray) -> FloatArray:
        inside = values[np.clip(k, 0, len(grid_s) - 1)]
        # beyond the ends the curve goes on straight
        before, after = 2 * values[0] - values[1], 2 * values[-1] - values[-2]
        shape = (-1, *[1] * (values.ndim - 1))
        inside = np.where((k < 0).reshape(shape), before, inside)
        return np.where((k >= len(grid_s)).reshape(shape), after, inside)

    p0, p1, p2, p3 = (point(low + k) for k in (-1, 0, 1, 2))
    return np.asarray(
        0.5 * (2 * p1 + (p2 - p0) * u + (2 * p0 - 5 * p1 + 4 * p2 - p3) * u**2 + (3 * (p1 - p2) + p3 - p0) * u**3)
    )


def seconds_from_seen(seen: BoolArray, time_s: FloatArray) -> FloatArray:
    """(T,) time to the nearest frame that is seen; infinite if none is."""
    at = time_s[seen]
    if not len(at):
        return np.full(len(time_s), np.inf)
    after = np.clip(np.searchsorted(at, time_s), 0, len(at) - 1)
    before = np.clip(after - 1, 0, len(at) - 1)
    return np.asarray(np.minimum(np.abs(at[after] - time_s), np.abs(at[before] - time_s)))


def _average(
    values: FloatArray, confidence: FloatArray, time_s: FloatArray, grid_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    place = (time_s - grid_s[0]) * FRAMES_PER_S
    low = np.floor(place).astype(np.int64)
    share = np.zeros(len(grid_s))
    weight = np.zeros((len(grid_s), confidence.shape[1]))
    total = np.zeros((len(grid_s), *values.shape[1:]))
    for k in (low, low + 1):
        w = np.where((k >= 0) & (k < len(grid_s)), np.maximum(1 - np.abs(place - k) / _KERNEL_STEPS, 0.0), 0.0)
        at = np.clip(k, 0, len(grid_s) - 1)
        np.add.at(share, at, w)
        np.add.at(weight, at, w[:, None] * confidence)
        np.add.at(total, at, (w[:, None] * confidence)[..., None] * values)
    mean = weight / np.maximum(share, 1e-9)[:, None]
    known = mean > 1e-3
    out = np.where(known[..., None], total / np.maximum(weight, 1e-12)[..., None], 0.0)
    return out, np.where(known, np.minimum(mean, 1.0), 0.0)


def _interpolate(
    values: FloatArray, confidence: FloatArray, time_s: FloatArray, grid_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    if len(time_s) == 1:
        return np.repeat(values, len(grid_s), axis=0), np.repeat(confidence, len(grid_s), axis=0)
    after = np.clip(np.searchsorted(time_s, grid_s), 1, len(time_s) - 1)
    before = after - 1
    u = np.clip((grid_s - time_s[before]) / (time_s[after] - time_s[before]), 0.0, 1.0)[:, None]
    a, b = confidence[before], confidence[after]
    line = values[before] * (1 - u[..., None]) + values[after] * u[..., None]
    # where only one neighbour has the point, it holds as far as the middle between them
    near_a, near_b = (a > 0) & (b <= 0) & (u < 0.5), (b > 0) & (a <= 0) & (u > 0.5)
    out = np.where(near_a[..., None], values[before], np.where(near_b[..., None], values[after], line))
    both = (a > 0) & (b > 0)
    sure = np.where(both, a * (1 - u) + b * u, np.where(near_a, a, np.where(near_b, b, 0.0)))
    # exactly at a frame its own point counts, whatever the other neighbour has
    return np.where(sure[..., None] > 0, out, 0.0), sure
