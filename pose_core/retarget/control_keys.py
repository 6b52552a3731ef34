"""Channels of IK controls: where hands, feet, elbows and knees are to be, in the terms of the controls."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pose_core.retarget.bone_map import LIMB_PARTS, BoneMap, IkControl
from pose_core.retarget.kinematics import location_axes
from pose_core.retarget.rig import RigDescription
from pose_core.rotations import unit
from pose_core.types import FloatArray

# A limb bent less than this (as a sine) takes the direction of its pole more and more from its rest pose.
_PLANE_SINE = 0.1


@dataclass(eq=False)
class ControlGoals:
    """What IK controls must do, in armature space."""

    D: dict[int, FloatArray] = field(default_factory=dict)
    """Bone index to (T, 3, 3) rotation relative to rest."""
    heads: dict[int, FloatArray] = field(default_factory=dict)
    """Bone index to (T, 3)."""
    driven: set[str] = field(default_factory=set)
    """Mapped bones that follow through the rig's IK."""


def ik_goals(
    rig: RigDescription, bone_map: BoneMap, limbs: list[str], D: dict[int, FloatArray], heads: dict[int, FloatArray]
) -> ControlGoals:
    """Goals of the IK controls of some limbs.

    Args:
        rig: the rig.
        bone_map: its bones and IK controls.
        limbs: limbs to pose through IK.
        D: bone index to (T, 3, 3) wanted rotations relative to rest, armature axes.
        heads: bone index to (T, 3) wanted heads, armature space.
    """
    goals = ControlGoals()
    for limb in limbs:
        control = bone_map.ik[limb]
        upper, lower, end = (bone_map.bone(part) for part in LIMB_PARTS[limb])
        if upper is None or lower is None or end is None:
            continue
        u, w, e = (rig.index(name) for name in (upper, lower, end))
        target = rig.index(control.target)
        goals.heads[target] = heads[e] + D[e] @ (rig.heads[target] - rig.heads[e])
        goals.driven |= {upper, lower}
        if control.turns_end:
            goals.D[target] = D[e]
            goals.driven.add(end)
        if control.pole is not None:
            goals.heads[rig.index(control.pole)] = _pole(rig, control, (u, w, e), D, heads)
    return goals


def _pole(
    rig: RigDescription,
    control: IkControl,
    bones: tuple[int, int, int],
    D: dict[int, FloatArray],
    heads: dict[int, FloatArray],
) -> FloatArray:
    """(T, 3) place of a pole: in the plane of the bent limb, as far from elbow or knee as at rest."""
    u, w, e = bones
    pole = rig.heads[rig.index(str(control.pole))]
    reach = float(np.linalg.norm(pole - rig.heads[w]))
    line = unit(heads[e] - heads[u])
    bent = heads[w] - heads[u]
    bent = bent - np.sum(bent * line, axis=-1, keepdims=True) * line
    length = float(np.linalg.norm(rig.heads[w] - rig.heads[u]))
    # straight limbs: to the side where the pole is at rest, carried along by the upper bone
    aside = D[u] @ (pole - rig.heads[w])
    aside = aside - np.sum(aside * line, axis=-1, keepdims=True) * line
    return np.asarray(heads[w] + reach * unit(bent / length + _PLANE_SINE * unit(aside)))


def location_channel(rig: RigDescription, bone: int, above: FloatArray, from_m: FloatArray, to: FloatArray
                     ) -> FloatArray:  # fmt: skip
    """(T, 3) location channel that moves a head from one place to another.

    Args:
        rig: the rig.
        bone: index.
        above: (T, 3, 3) inherited rotation relative to rest.
        from_m: (T, 3) head while the channel is zero, armature space.
        to: (T, 3) wanted head.
    """
    return np.asarray(np.einsum("tji,tj->ti", location_axes(rig, bone, above), to - from_m))
