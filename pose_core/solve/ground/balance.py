"""Which way is up, from balance: over time the centre of mass is above the feet that bear it.

Unlike standing upright this holds for leaning, squatting and walking people as well. What a single frame says is poor:
weight may lie anywhere between two feet, people fall into a step. Over a clip it averages out. Feet that stand far
apart at the same time say the rest: they are about level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.rotations import unit
from pose_core.solve.body.body_model import BODY
from pose_core.solve.sequence.problem import CONTACT_POINTS
from pose_core.types import FloatArray

# Masses as shares of the body's, and where they lie between two joints (Winter 2009, table 4.1, rounded).
_SEGMENTS = (
    ("pelvis", "neck", 0.45, 0.497), ("head", "head", 0.0, 0.081),
    *(
        (f"{s}_{a}", f"{s}_{b}", along, mass)
        for s in ("left", "right")
        for a, b, along, mass in (
            ("shoulder", "elbow", 0.44, 0.028), ("elbow", "wrist", 0.7, 0.022), ("hip", "knee", 0.43, 0.100),
            ("knee", "ankle", 0.43, 0.0465), ("ankle", "toe", 0.5, 0.0145),
        )
    ),
)  # fmt: skip


@dataclass(frozen=True)
class BalanceConfig:
    """How sure each look is; chosen on recorded motion."""

    first_deg: float = 7.0
    """Standard deviation of the direction to start from."""
    frame_deg: float = 8.0
    """Of the direction from support to centre of mass in one frame."""
    looks: float = 8.0
    """A clip counts as so many independent frames at most: frames of one clip err together."""
    gate_deg: float = 25.0
    """A frame this far off has lost three quarters of its weight: it is no balance but a fall or a jump."""
    along_feet: float = 0.5
    """Where between two feet the weight lies, as a share of their distance."""
    level_m: float = 0.06
    """Two planted feet differ in height by this much."""
    slow_m_s: float = 0.3
    """Feet faster than this hardly bear weight."""
    low_m: float = 0.08
    """So do feet further above the other."""
    rounds: int = 6


def up_from_balance(
    points_m: FloatArray,
    time_s: FloatArray,
    first_up: FloatArray,
    sight: FloatArray,
    config: BalanceConfig | None = None,
) -> FloatArray:
    """Refine the direction of up from a motion through space.

    Args:
        points_m: (T, N, 3) points of the solver's body in a frame that stands still; finite.
        time_s: (T,) strictly increasing.
        first_up: (3,) unit vector, about up.
        sight: (T, 3) direction in which the camera looks; speed along it is mostly noise and counts a third.
        config: how sure each look is.
    Returns:
        (3,) unit vector.
    """
    c = config or BalanceConfig()
    up = first_up
    if len(time_s) < 3:
        return up
    feet, mass = points_m[:, list(CONTACT_POINTS)], centre_of_mass(points_m)
    velocity = np.gradient(feet, time_s, axis=0)
    velocity = velocity - 0.65 * np.einsum("tci,ti->tc", velocity, sight)[..., None] * sight[:, None]
    slow = np.exp(-((np.linalg.norm(velocity, axis=-1) / c.slow_m_s) ** 2))
    for _ in range(c.rounds):
        matrix, right = _one_round(feet, mass, slow, up, c)
        first = np.radians(c.first_deg) ** -2
        up = unit(np.linalg.solve(matrix + first * np.eye(3), right + first * first_up), up)
    return up


def centre_of_mass(points_m: FloatArray) -> FloatArray:
    """(T, N, 3) points of the body to (T, 3)."""
    at = BODY.tree.index
    total = sum(mass for *_, mass in _SEGMENTS)
    parts = [
        mass / total * (points_m[:, at(a)] + along * (points_m[:, at(b)] - points_m[:, at(a)]))
        for a, b, along, mass in _SEGMENTS
    ]
    return np.asarray(np.sum(parts, axis=0))


def _one_round(
    feet: FloatArray, mass: FloatArray, slow: FloatArray, up: FloatArray, c: BalanceConfig
) -> tuple[FloatArray, FloatArray]:
    """Information on up, (3, 3) and (3,), from all frames seen from a first guess."""
    frames = np.arange(len(feet))
    height = feet @ up
    lowest = feet[frames, np.argmin(height, axis=1)]
    apart = np.linalg.norm(feet - lowest[:, None], axis=-1)
    # up may still be off by ten degrees, which lifts a foot that stands apart
    reach = np.hypot(c.low_m, apart * np.tan(np.radians(10.0)))
    bears = slow * np.exp(-(((height - height.min(axis=1, keepdims=True)) / reach) ** 2))
    side = bears.reshape(-1, 2, 2)
    place = np.sum(side[..., None] * feet.reshape(-1, 2, 2, 3), axis=2)
    total = np.sum(side, axis=2)
    place = place / np.maximum(total, 1e-9)[..., None]
    share = np.minimum(total, 1.0)
    support = np.sum(share[..., None] * place, axis=1) / np.maximum(np.sum(share, axis=1), 1e-9)[:, None]

    lever = mass - support
    length = np.maximum(np.linalg.norm(lever, axis=1), 0.3)
    pointing = lever / length[:, None]
    between = place[:, 0] - place[:, 1]
    flat = between - (between @ up)[:, None] * up
    distance = np.linalg.norm(flat, axis=1)
    line = flat / np.maximum(distance, 1e-6)[:, None]
    both = 2.0 * np.sqrt(share[:, 0] * share[:, 1]) / np.maximum(np.sum(share, axis=1), 1e-9)
    off = np.degrees(np.arccos(np.clip(pointing @ up, -1.0, 1.0)))
    weight = np.max(share, axis=1) / (1.0 + (off / c.gate_deg) ** 2) ** 2
    across = np.radians(c.frame_deg) ** -2
    along = 1.0 / (np.radians(c.frame_deg) ** 2 + (c.along_feet * distance * both / length) ** 2)
    information = across * np.eye(3) - (across - along)[:, None, None] * line[:, :, None] * line[:, None, :]
    information = weight[:, None, None] * information
    # clips in which little weight is borne say little
    scale = c.looks / max(float(np.sum(weight)), 0.25 * len(feet))
    matrix = scale * np.sum(information, axis=0)
    right = scale * np.einsum("tij,tj->i", information, pointing)

    slope = between / np.maximum(distance, 1e-3)[:, None]
    sigma = np.hypot(c.level_m / np.maximum(distance, 1e-3), np.radians(5.0))
    level = np.where(distance > 0.15, share[:, 0] * share[:, 1], 0.0) / sigma**2
    level = level / (1.0 + (slope @ up / sigma / 2.0) ** 2) ** 2
    matrix = matrix + c.looks / len(feet) * np.einsum("t,ti,tj->ij", level, slope, slope)
    return matrix, right
