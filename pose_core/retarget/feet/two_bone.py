"""Bend and swing a limb of two bones so that its end reaches a place, changing its pose as little as can be."""

from __future__ import annotations

import numpy as np

from pose_core.maths.rotations import swing_between, unit
from pose_core.types import FloatArray

# Share of a limb's length up to which its reach is exact; beyond, it nears full length but never gets there.
_EXACT_REACH = 0.9985
_FULL_REACH = 0.99995
# Hand or foot come no nearer to the root of the limb than the difference of its bones and this share of its length.
_LEAST_REACH = 0.05
# Limbs straighter than this count as if they bent on at the same rate: near zero the true rate has no bound.
_STRAIGHT_RAD = 0.25
# How gently a free limb comes to a stop before it is straight.
_SOFT_RAD = 0.1
# A limb bent less than this (as a sine) takes the plane of its bend more and more from the hinge.
_PLANE_SINE = 0.1


def soft_reach(distance: FloatArray, length: float) -> FloatArray:
    """Distance that a limb of some length really reaches: as wanted, but smoothly held below full length.

    A hard stop would make elbow or knee snap straight; the speed of their angle grows without bound near it.
    """
    exact, rest = _EXACT_REACH * length, (_FULL_REACH - _EXACT_REACH) * length
    over = np.maximum(distance - exact, 0.0)
    return np.asarray(np.minimum(distance, exact) + rest * (1.0 - np.exp(-over / rest)))


def bend_for_distance(distance: FloatArray, upper: float, lower: float) -> FloatArray:
    """Angle of elbow or knee, radians, 0 = straight, at which the ends of a limb are some distance apart."""
    cosine = (np.asarray(distance) ** 2 - upper**2 - lower**2) / (2 * upper * lower)
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def steady_bend(
    distance: FloatArray, upper: float, lower: float, straight_rad: float = _STRAIGHT_RAD
) -> tuple[FloatArray, FloatArray]:
    """Bend whose rate stays bounded: exact while the limb is bent, going on straight, below 0 in the end, beyond.

    Args:
        distance: (T,)
        upper: length of the upper bone.
        lower: length of the lower bone.
        straight_rad: bend from which on it goes on straight.
    Returns:
        The bend, radians, and its derivative by the distance.
    """
    last = float(np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(straight_rad)))
    inside = np.minimum(distance, last)
    bend = bend_for_distance(inside, upper, lower)
    slope = -inside / (upper * lower * np.sin(np.maximum(bend, 1e-3)))
    return np.asarray(bend + slope * (distance - inside)), np.asarray(slope)


def reach(
    D_upper: FloatArray,
    D_lower: FloatArray,
    upper: FloatArray,
    lower: FloatArray,
    hinge: FloatArray,
    target: FloatArray,
    exact: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Rotations that bring the end of a limb to a target.

    The lower bone bends in the plane in which it is bent already, and the whole limb then takes the smallest swing: the
    plane of knee or elbow and all twists stay.

    Args:
        D_upper: (T, 3, 3) rotations of the upper bone, relative to rest, world axes.
        D_lower: (T, 3, 3) the same of the lower bone.
        upper: (3,) from the root of the limb to elbow or knee at rest.
        lower: (3,) from there to hand or foot at rest.
        hinge: (T, 3) axis in the world about which a bend is positive; used where the limb is straight.
        target: (T, 3) wanted place of the end relative to the root of the limb.
        exact: (T,) 1 where the target must be met if it can be, 0 where it gives way before the limb is straight.
    Returns:
        The new (T, 3, 3) rotations; a target out of reach is neared as far as `soft_reach` goes.
    """
    a, b = float(np.linalg.norm(upper)), float(np.linalg.norm(lower))
    v, w = D_upper @ (upper / a), D_lower @ (lower / b)
    along = np.sum(hinge * v, axis=-1, keepdims=True) * v
    normal = unit(np.cross(v, w) + _PLANE_SINE * unit(hinge - along))
    distance = np.linalg.norm(target, axis=-1)
    least = abs(a - b) + _LEAST_REACH * (a + b)
    steady, _ = steady_bend(np.maximum(distance, least), a, b)
    soft = 0.5 * (steady + np.sqrt(steady**2 + _SOFT_RAD**2))
    met = bend_for_distance(np.maximum(soft_reach(distance, a + b), least), a, b)
    bend = (exact * met + (1.0 - exact) * soft)[:, None]
    w_bent = np.cos(bend) * v + np.sin(bend) * np.cross(normal, v)
    end = a * v + b * w_bent
    swing = swing_between(unit(end), unit(target, fallback=np.array([0.0, 0.0, -1.0])))
    return np.asarray(swing @ D_upper), np.asarray(swing @ swing_between(w, w_bent) @ D_lower)
