"""Which way is up, from the places where feet were planted: they lie in about one level.

Balance says up to a few degrees; a person who walks a few metres leaves footprints that say it better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.frame_times import runs
from pose_core.maths.rotations import unit
from pose_core.types import FloatArray


@dataclass(frozen=True)
class LevelConfig:
    """How sure each look is; chosen on recorded motion of other people than those measured on."""

    first_deg: float = 4.0
    """Standard deviation of the direction to start from."""
    height_m: float = 0.04
    """Of a footprint's height: errors of the motion, low steps and slopes."""
    gate_m: float = 0.12
    """A footprint this far off the level has lost three quarters of its weight: it is on something else."""
    apart_m: float = 0.35
    """Footprints nearer to each other than this count as one."""
    settled_s: float = 0.3
    """A contact this long counts in full."""
    rounds: int = 8


def up_from_footprints(
    feet_m: FloatArray,
    contacts: FloatArray,
    time_s: FloatArray,
    first_up: FloatArray,
    config: LevelConfig | None = None,
) -> FloatArray:
    """Refine the direction of up so that footprints lie level.

    Args:
        feet_m: (T, C, 3) heels and toes in a frame that stands still.
        contacts: (T, C) 1 where planted.
        time_s: (T,) strictly increasing.
        first_up: (3,) unit vector, about up.
        config: how sure each look is.
    Returns:
        (3,) unit vector.
    """
    c = config or LevelConfig()
    place, weight = _footprints(feet_m, contacts, time_s, c.settled_s)
    if len(place) < 2:
        return first_up
    # the body errs alike wherever it stands, so that treading on the spot says no more the longer it lasts
    near = np.linalg.norm(place[:, None] - place, axis=-1) < c.apart_m
    weight = weight / np.maximum(near @ weight, 1.0)
    up = first_up
    stiff = np.radians(c.first_deg) ** -2
    for _ in range(c.rounds):
        # the level's own height is whatever fits best
        trust = weight / c.height_m**2
        off = place @ up
        for _ in range(3):
            middle = np.sum(trust * off) / np.sum(trust)
            trust = weight / c.height_m**2 / (1.0 + ((off - middle) / c.gate_m) ** 2) ** 2
        about = place - np.sum(trust[:, None] * place, axis=0) / np.sum(trust)
        matrix = np.einsum("n,ni,nj->ij", trust, about, about) + stiff * np.eye(3)
        # tilts alone: up stays a unit vector
        basis = _across(up)
        pull = basis.T @ (np.einsum("n,ni,n->i", trust, about, about @ up) + stiff * (up - first_up))
        up = unit(up - basis @ np.linalg.solve(basis.T @ matrix @ basis, pull), up)
    return up


def _footprints(
    feet_m: FloatArray, contacts: FloatArray, time_s: FloatArray, settled_s: float
) -> tuple[FloatArray, FloatArray]:
    """(N, 3) mean places of contacts, and (N,) how much each counts."""
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    places, weights = [], []
    for point in range(feet_m.shape[1]):
        for first, last in runs(contacts[:, point] > 0.5):
            places.append(np.mean(feet_m[first:last, point], axis=0))
            weights.append(min((time_s[last - 1] - time_s[first] + step) / settled_s, 1.0))
    return np.array(places).reshape(-1, 3), np.array(weights)


def _across(up: FloatArray) -> FloatArray:
    """(3, 2) orthonormal directions across a unit vector."""
    aside = np.eye(3)[np.argmin(np.abs(up))]
    first = unit(np.cross(up, aside), aside)
    return np.stack([first, np.cross(up, first)], axis=1)
