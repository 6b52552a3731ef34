"""Cloth that hangs round both legs: the skirt of a coat, a dress, the tail of a long shirt.

Such cloth is stretched over the legs as a rubber band is: each of its rings is the convex hull of both legs' sections
at one length down from the hips, and never smaller than the garment's own cut. It follows legs that walk, sit or
kneel, hides the crotch, and lags a little behind fast steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.rotations import unit
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray

LEVELS, AROUND = 26, 56
_START_M = -0.10
"""The first ring lies so far above the hips, under the upper part of the garment."""
_LAG_S = 0.05
_LEG_M = ((0.0, 0.098), (0.35, 0.092), (0.5, 0.070), (0.75, 0.066), (1.0, 0.056))
"""Radius of a clothed leg at shares of its length."""


@dataclass(frozen=True)
class HangingCut:
    """The cut of cloth that hangs, on the modelled body."""

    end_share: float
    """Where it ends, from the hips (0) to the ankles (1)."""
    half_width_m: float
    """Of the ring at the hips, to the side."""
    half_depth_m: float
    flare_m: float
    """How much wider it is at the ankles."""
    folds_m: float = 0.008
    """Depth of its folds at the ankles."""


def hanging_rings(joints_m: FloatArray, time_s: FloatArray, cut: HangingCut, size: float, girth: float) -> FloatArray:
    """Vertices of the cloth in every frame.

    Args:
        joints_m: (T, 24, 3) canonical joints of the body.
        time_s: (T,).
        cut: of the garment.
        size: of the body, 1 for the modelled one.
        girth: of the body, 1 for the modelled one.
    Returns:
        (T, LEVELS * AROUND, 3) in the world, metres; ring by ring, the first at the hips.
    """
    legs = [joints_m[:, CANONICAL.indices(*(f"{s}_{n}" for n in ("hip", "knee", "ankle")))] for s in ("left", "right")]
    up = unit(joints_m[:, CANONICAL.index("spine")] - joints_m[:, CANONICAL.index("pelvis")])
    length = float(np.mean([np.median(np.linalg.norm(np.diff(leg, axis=1), axis=-1).sum(axis=1)) for leg in legs]))
    start = _START_M * size
    stations = np.linspace(start, cut.end_share * length, LEVELS)
    middle_of = [_along(leg, up, stations) for leg in legs]
    centre = (middle_of[0] + middle_of[1]) / 2
    down = unit(np.gradient(centre, axis=1))
    # Cloth is stiff: it does not bend at the knee as sharply as the leg does.
    down = unit(_blurred(down, 2.0))
    across = unit(legs[0][:, :1, :] - legs[1][:, :1, :])
    across = unit(across - down * np.sum(across * down, axis=-1, keepdims=True))
    back = np.cross(across, down)
    angle = np.arange(AROUND) * 2 * np.pi / AROUND
    share = np.clip(stations / length, 0.0, 1.0)
    support = np.zeros((len(joints_m), LEVELS, AROUND))
    leg_radius = np.interp(share, *np.array(_LEG_M).T) * size * girth + 0.012
    for leg in middle_of:
        offset = leg - centre
        x, y = np.sum(offset * across, axis=-1), np.sum(offset * back, axis=-1)
        hull = x[..., None] * np.cos(angle) + y[..., None] * np.sin(angle) + leg_radius[:, None]
        support = np.maximum(support, hull)
    wide = (cut.half_width_m + cut.flare_m * share)[:, None] * size * girth
    deep = (cut.half_depth_m + cut.flare_m * share)[:, None] * size * girth
    support = np.maximum(support, np.hypot(wide * np.cos(angle), deep * np.sin(angle)))
    support = _lagged(support, time_s)
    ends = np.concatenate([support[..., -1:], support, support[..., :1]], axis=-1)
    slope = np.gradient(ends, angle[1], axis=-1)[..., 1:-1]
    radius = support + cut.folds_m * share[:, None] * np.cos(9 * angle + 4 * np.sin(2 * angle))
    x = radius * np.cos(angle) - slope * np.sin(angle)
    y = radius * np.sin(angle) + slope * np.cos(angle)
    rings = centre[:, :, None] + x[..., None] * across[:, :, None] + y[..., None] * back[:, :, None]
    return np.asarray(rings.reshape(len(joints_m), -1, 3))


def _along(leg_m: FloatArray, up: FloatArray, stations: FloatArray) -> FloatArray:
    """(T, L, 3) points at lengths down a leg (T, 3, 3); above the hip they go up the trunk."""
    hip, knee, ankle = leg_m[:, 0], leg_m[:, 1], leg_m[:, 2]
    thigh = float(np.median(np.linalg.norm(knee - hip, axis=-1)))
    points = []
    for s in stations:
        if s <= 0:
            points.append(hip - s * up)
        elif s <= thigh:
            points.append(hip + (knee - hip) * (s / thigh))
        else:
            points.append(knee + unit(ankle - knee) * (s - thigh))
    return np.stack(points, axis=1)


def _blurred(rows: FloatArray, sigma: float) -> FloatArray:
    """Gaussian smoothing along the second axis, ends held."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(rows, [(0, 0), (reach, reach), (0, 0)], mode="edge")
    return np.asarray(sum(k * padded[:, i : i + rows.shape[1]] for i, k in enumerate(kernel / kernel.sum())))


def _lagged(support: FloatArray, time_s: FloatArray) -> FloatArray:
    """Cloth gives way at once where a leg pushes, and falls back later."""
    out = support.copy()
    for k in range(1, len(out)):
        keep = float(np.exp(-(time_s[k] - time_s[k - 1]) / _LAG_S))
        out[k] = np.maximum(support[k], keep * out[k - 1] + (1 - keep) * support[k])
    return out
