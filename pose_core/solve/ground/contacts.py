"""Which of heel and toe is planted, from its height and its speed, with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.frame_times import runs
from pose_core.types import BoolArray, FloatArray


@dataclass(frozen=True)
class ContactConfig:
    """Thresholds of a planted foot."""

    speed_on_m_s: float = 0.22
    """A point slower than this begins a contact; 0.15 on clean data, looser here as lifted feet shake."""
    speed_off_m_s: float = 0.42
    """A point faster than this ends it."""
    depth_share: float = 0.2
    """How much speed along the line of sight counts."""
    height_m: float = 0.15
    """A planted point is at most this far above the lowest recent foot; 0.08 on clean data, but where up is a few
    degrees off, the level rises over a few steps."""
    min_duration_s: float = 0.1
    """Shorter contacts are noise (3 frames at 30 fps)."""
    window_s: float = 1.5
    """The lowest foot is looked for within this time on either side, so that steps, beams and boxes count as ground."""


def detect_contacts(
    points_m: FloatArray,
    up: FloatArray,
    time_s: FloatArray,
    config: ContactConfig | None = None,
    sight: FloatArray | None = None,
) -> FloatArray:
    """Find planted points.

    Args:
        points_m: (T, C, 3) heels and toes in a frame that does not move with the body; NaN where unknown.
        up: (3,) unit vector against gravity in that frame.
        time_s: (T,) strictly increasing.
        config: thresholds.
        sight: (3,), or (T, 3) for a moving camera: unit direction in which it looks, in that frame; speed along it
            counts less, as it is hardly seen and mostly noise. None counts all directions alike.
    Returns:
        (T, C) 1 where planted, else 0.
    """
    c = config or ContactConfig()
    frames = len(time_s)
    if frames < 2:
        return np.zeros(points_m.shape[:2])
    velocity = np.gradient(points_m, time_s, axis=0)
    if sight is not None:
        sight = np.broadcast_to(sight, (frames, 3))
        along = np.einsum("tci,ti->tc", velocity, sight)
        velocity = velocity - (1.0 - c.depth_share) * along[..., None] * sight[:, None]
    speed = np.linalg.norm(velocity, axis=-1)
    height = points_m @ up
    lowest = _moving_minimum(np.where(np.isfinite(height), height, np.inf).min(axis=1), time_s, c.window_s)
    low = height - lowest[:, None] < c.height_m
    start, keep = low & (speed < c.speed_on_m_s), low & (speed < c.speed_off_m_s)
    out = np.zeros(points_m.shape[:2])
    for column in range(points_m.shape[1]):
        planted = _hysteresis(start[:, column], keep[:, column])
        out[:, column] = _drop_short(planted, time_s, c.min_duration_s)
    return out


def _hysteresis(start: BoolArray, keep: BoolArray) -> BoolArray:
    """Runs of `keep` that hold at least one `start`."""
    out = np.zeros_like(keep)
    for first, last in runs(keep):
        out[first:last] = np.any(start[first:last])
    return out


def _drop_short(planted: BoolArray, time_s: FloatArray, least_s: float) -> BoolArray:
    out = planted.copy()
    step = float(np.median(np.diff(time_s)))
    for first, last in runs(planted):
        if time_s[last - 1] - time_s[first] + step < least_s - 1e-9:
            out[first:last] = False
    return out


def _moving_minimum(values: FloatArray, time_s: FloatArray, window_s: float) -> FloatArray:
    first = np.searchsorted(time_s, time_s - window_s, side="left")
    last = np.searchsorted(time_s, time_s + window_s, side="right")
    return np.array([np.min(values[a:b]) for a, b in zip(first, last, strict=True)])
