"""Channels of IK controls: where hands, feet, elbows and knees are to be, in the terms of the controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pose_core.maths.rotations import swing_between, unit
from pose_core.retarget.rig.bone_map import LIMB_PARTS, BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.retarget.rig.kinematics import location_axes
from pose_core.types import FloatArray

# A limb bent less than this (as a sine) takes the direction of its pole more and more from its rest pose.
_PLANE_SINE = 0.01


@dataclass(frozen=True)
class KeyedBones:
    """Which bones get keys while some limbs are posed through IK."""

    copies: Mapping[str, str]
    """IK control that turns to the mapped bone whose rotation it takes."""
    targets: Mapping[str, str]
    """Limb to the control that its end follows in place."""
    poles: Mapping[str, str]
    """Limb to its pole."""
    driven: frozenset[str]
    """Mapped bones that follow through the rig's IK and get no keys."""
    turning: tuple[str, ...]
    """All bones with rotation keys."""
    moving: tuple[str, ...]
    """All bones with location keys."""


def keyed_bones(rig: RigDescription, bone_map: BoneMap, limbs: Sequence[str]) -> KeyedBones:
    """Decide which bones get keys.

    Args:
        rig: the rig.
        bone_map: its bones and IK controls.
        limbs: limbs to pose through IK; those that lack a hand or foot are left to FK.
    """
    copies: dict[str, str] = {}
    targets: dict[str, str] = {}
    poles: dict[str, str] = {}
    driven: set[str] = set()
    for limb in limbs:
        control = bone_map.ik[limb]
        upper, lower, end = (bone_map.bone(part) for part in LIMB_PARTS[limb])
        if upper is None or lower is None or end is None:
            continue
        targets[limb] = control.target
        driven |= {upper, lower}
        if control.turns_end:
            copies[control.target] = end
            driven.add(end)
            # toes may have a control of their own for IK, such as Rigify's `toe_ik.L` beside `toe_fk.L`
            toe = bone_map.bone(limb.replace("leg", "toe"))
            twin = toe.replace("_fk", "_ik") if toe is not None else ""
            if toe is not None and twin != toe and twin in rig.bone_names:
                copies[twin] = toe
                driven.add(toe)
        if control.pole is not None:
            poles[limb] = control.pole
    turning = (*(name for _, _, name in bone_map if name not in driven), *copies)
    moving = (bone_map.bones["pelvis"][0], *targets.values(), *poles.values())
    return KeyedBones(copies, targets, poles, frozenset(driven), turning, moving)


def control_goals(
    rig: RigDescription,
    bone_map: BoneMap,
    keyed: KeyedBones,
    D: Mapping[int, FloatArray],
    heads: Mapping[int, FloatArray],
) -> tuple[dict[int, FloatArray], dict[int, FloatArray]]:
    """What the IK controls must do, in armature space.

    Args:
        rig: the rig.
        bone_map: its bones.
        keyed: from `keyed_bones`.
        D: bone index to (T, 3, 3) wanted rotation relative to rest, of the mapped bones.
        heads: bone index to (T, 3) wanted head, of the same.
    Returns:
        Bone index to (T, 3, 3) rotation relative to rest, and to (T, 3) head.
    """
    turns = {rig.index(control): D[rig.index(bone)] for control, bone in keyed.copies.items()}
    places: dict[int, FloatArray] = {}
    for limb, target in keyed.targets.items():
        u, w, e = (rig.index(bone_map.bones[part][0]) for part in LIMB_PARTS[limb])
        t = rig.index(target)
        places[t] = heads[e] + D[e] @ (rig.heads[t] - rig.heads[e])
        if limb in keyed.poles:
            pole = rig.index(keyed.poles[limb])
            places[pole] = _pole(rig, pole, (u, w, e), D, heads)
    return turns, places


def hinged(
    rig: RigDescription, bone_map: BoneMap, keyed: KeyedBones, D: Mapping[int, FloatArray]
) -> dict[int, FloatArray]:
    """Forearms and shins as IK turns them: bent from the bone above, without a twist of their own.

    Args:
        rig, bone_map, keyed, D: see `control_goals`.
    Returns:
        Index of the lower bone of each limb with a target to (T, 3, 3) rotation relative to rest.
    """
    out = {}
    for limb in keyed.targets:
        u, w, e = (rig.index(bone_map.bones[part][0]) for part in LIMB_PARTS[limb])
        along = unit(rig.heads[e] - rig.heads[w])
        out[w] = swing_between(D[u] @ along, D[w] @ along) @ D[u]
    return out


def _pole(
    rig: RigDescription,
    pole_bone: int,
    bones: tuple[int, int, int],
    D: Mapping[int, FloatArray],
    heads: Mapping[int, FloatArray],
) -> FloatArray:
    """(T, 3) place of a pole: in the plane of the bent limb, as far from elbow or knee as at rest."""
    u, w, e = bones
    pole = rig.heads[pole_bone]
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
