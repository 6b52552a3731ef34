"""Keep the points of a foot that are planted where they are, smoothly and with the least change elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.frame_system import FrameSystem
from pose_core.maths.frame_times import frame_spans, runs
from pose_core.types import BoolArray, FloatArray

# Changes of place fade in and out of a contact within about a second (cut-off 1 Hz).
_SMOOTHNESS = (2 * np.pi * 1.0) ** -4
# Weights beside the pull to no change, which has weight 1 a second.
_LOCK = 1e4
_LEVEL = 1e3
_NO_SINKING = 10.0
_RIGID = 30.0
_SINKING_ROUNDS = 3
# Floors of contacts within this of the ground are the ground.
_SAME_FLOOR_M = 0.06


@dataclass(frozen=True, eq=False)
class FootPath:
    """Where the sole of one foot would be without any change, and what is known of its contacts."""

    points_m: FloatArray
    """(T, 2, 3) heel and ball of the foot at the sole, world."""
    planted: BoolArray
    """(T, 2) whether the motion has each planted."""
    floor_m: FloatArray
    """(T, 2) height that a planted point must have."""
    least_m: FloatArray
    """(T, 2) height below which a point has sunk."""


def contact_floor(height_m: FloatArray, planted: BoolArray) -> FloatArray:
    """Height of the floor under every planted point: one number a contact, 0 where it is near the ground.

    Args:
        height_m: (T, C) heights of the points over the ground.
        planted: (T, C).
    Returns:
        (T, C); 0 where nothing is planted.
    """
    out = np.zeros(height_m.shape)
    for column in range(height_m.shape[1]):
        for first, last in runs(planted[:, column]):
            level = float(np.median(height_m[first:last, column]))
            out[first:last, column] = 0.0 if abs(level) < _SAME_FLOOR_M else level
    return out


def hold_rigid(
    place_m: FloatArray, levers_m: FloatArray, path: FootPath, time_s: FloatArray, follows: BoolArray
) -> FloatArray:
    """Move a foot of known rotation so that its planted points do not slide at all.

    Args:
        place_m: (T, 3) where its ankle is about to be.
        levers_m: (T, 2, 3) from the ankle to its points.
        path: says which points are planted and how high; its points do not matter.
        time_s: (T,) seconds.
        follows: see `hold_planted`.
    Returns:
        (T, 3) the ankle.
    """
    held = _held(path.planted, follows)
    steps = np.diff(place_m[:, None] + levers_m, axis=0)
    out = np.empty(place_m.shape)
    for axes in (slice(0, 2), slice(2, 3)):
        system = FrameSystem(len(time_s), 1, len(range(*axes.indices(3))))
        system.add_value(0, frame_spans(time_s))
        system.add_smoothness(0, time_s, _SMOOTHNESS)
        for point in range(2):
            system.add_step(0, _LOCK * held[:, point], -steps[:, point, axes])
            if axes.start == 2:
                height = place_m[:, 2] + levers_m[:, point, 2]
                wanted = (path.floor_m[:, point] - height)[:, None]
                system.add_value(0, np.where(path.planted[:, point], _LEVEL, 0.0), wanted)
        out[:, axes] = place_m[:, axes] + system.solve()[:, 0]
    return out


def _held(planted: BoolArray, follows: BoolArray) -> FloatArray:
    """(T-1, C) 1 where a point is planted in a frame and in the one right after it."""
    return np.asarray(planted[1:] & planted[:-1] & follows[:, None], dtype=np.float64)


def hold_planted(path: FootPath, time_s: FloatArray, follows: BoolArray) -> FloatArray:
    """How far the points of the sole must move for planted ones to stay put, on their floor, and none to sink.

    Args:
        path: T frames.
        time_s: (T,) seconds.
        follows: (T-1,) whether a frame directly follows the one before; contacts do not reach over gaps.
    Returns:
        (T, 2, 3) offsets, metres.
    """
    spans = frame_spans(time_s)
    held = _held(path.planted, follows)
    steps = np.diff(path.points_m, axis=0)

    def system(axes: slice) -> FrameSystem:
        out = FrameSystem(len(time_s), 2, len(range(*axes.indices(3))))
        for point in range(2):
            out.add_value(point, spans)
            out.add_smoothness(point, time_s, _SMOOTHNESS)
            out.add_step(point, _LOCK * held[:, point], -steps[:, point, axes])
        # where one point must move the other moves along, so that the foot keeps its length and does not tip
        out.add_difference(0, 1, _RIGID * spans)
        return out

    offsets = np.empty(path.points_m.shape)
    offsets[..., :2] = system(slice(0, 2)).solve()
    sunk = np.zeros(path.planted.shape, dtype=np.bool_)
    for _ in range(_SINKING_ROUNDS):
        vertical = system(slice(2, 3))
        for point in range(2):
            height = path.points_m[:, point, 2]
            planted = path.planted[:, point]
            vertical.add_value(point, np.where(planted, _LEVEL, 0.0), (path.floor_m[:, point] - height)[:, None])
            lowest = (path.least_m[:, point] - height)[:, None]
            vertical.add_value(point, np.where(sunk[:, point], _NO_SINKING, 0.0), lowest)
        offsets[..., 2:] = vertical.solve()
        below = (path.points_m[..., 2] + offsets[..., 2] < path.least_m) & ~path.planted
        if np.all(sunk | ~below):
            break
        sunk |= below
    return offsets
