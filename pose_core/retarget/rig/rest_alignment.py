"""Turn a rig's rest pose, whatever it is, into the T pose that motions start from.

For each part of the body a rotation `S` in world axes brings the rig's rest bone into the canonical rest pose: the
trunk as a whole, limbs by the smallest swing that lines up their direction. Directions come from joint positions,
never from bone axes, so rolls and tails do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pose_core.errors import RigError
from pose_core.maths.axes import FORWARD_REST, LEFT_REST, UP_WORLD
from pose_core.maths.rotations import rotation_vector_to_matrix, swing_between, unit
from pose_core.retarget.rig.bone_map import SIDES, BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.types import FloatArray

# A rig whose trunk leans less than this at rest counts as standing: then the floor, not the lean, says what is up.
_STANDING_RAD = np.radians(15.0)
# Bends of an elbow or knee at rest between these angles are trusted more and more as the plane of the hinge.
_HINGE_TRUST_RAD = np.radians([8.0, 20.0])
# A hinge at rest that is further off than this is a misplaced bone, not a twist.
_HINGE_LIMIT_RAD = np.radians(100.0)

_FINGERS = (("index",), ("middle", "mid"), ("ring",), ("pinky", "little"))
_PALM_WORDS = ("palm", "carpal", "meta")

HINGE_AXES = {
    "left_upper_arm": -UP_WORLD,
    "right_upper_arm": UP_WORLD,
    "left_thigh": LEFT_REST,
    "right_thigh": LEFT_REST,
}
"""Axis about which a bent limb of the canonical rest pose turns its lower half."""


@dataclass(frozen=True, eq=False)
class RestAlignment:
    """How a rig's rest pose becomes the canonical one."""

    S: dict[str, FloatArray]
    """Part to (3, 3) rotation in world axes; chains share one."""
    directions: dict[str, FloatArray]
    """Limb part to (3,) unit direction at rest in world axes."""
    standing: bool
    """Whether the rest pose stands upright on the world's floor."""


def align_rest_pose(
    rig: RigDescription,
    bone_map: BoneMap,
    source_directions: dict[str, FloatArray],
    corrections: Mapping[str, FloatArray] | None = None,
) -> RestAlignment:
    """Find the rotation of every part from the rig's rest pose to the canonical one.

    Args:
        rig: the rig.
        bone_map: its mapped bones, checked.
        source_directions: limb part to (3,) unit direction in the motion's rest pose.
        corrections: part to (3, 3) turn that a user adds to the canonical pose of it, about the figure's own axes
            (left, back, up).
    Returns:
        The alignment.
    Raises:
        RigError: joints of a limb or of the trunk coincide.
    """
    head = _mapped_heads(rig, bone_map)
    directions = _limb_directions(rig, bone_map, head)
    left, up, standing = _figure_axes(head, rig.name)
    trunk = _frame(LEFT_REST, UP_WORLD) @ _frame(left, up).T
    S = dict.fromkeys(("pelvis", "spine", "neck", "head", "left_clavicle", "right_clavicle"), trunk)
    feet = trunk if standing else _frame(LEFT_REST, UP_WORLD) @ _frame(left, _leg_up(head)).T
    for side in SIDES:
        for upper, lower in (("upper_arm", "forearm"), ("thigh", "shin")):
            a, b = f"{side}_{upper}", f"{side}_{lower}"
            S[a] = _swing(trunk, directions[a], source_directions[a])
            S[a] = _twist_to_hinge(S[a], a, directions[a], directions.get(b)) @ S[a]
            S[b] = _swing(S[a], directions[b], source_directions[b]) if b in directions else S[a]
        S[f"{side}_hand"] = _hand(rig, bone_map, side, S[f"{side}_forearm"], source_directions)
        S[f"{side}_foot"] = _foot(feet, directions.get(f"{side}_foot"), source_directions[f"{side}_foot"])
        S[f"{side}_toe"] = S[f"{side}_foot"]
    for part, R in (corrections or {}).items():
        S[part] = R @ S[part]
    return RestAlignment(S, directions, standing)


def _mapped_heads(rig: RigDescription, bone_map: BoneMap) -> dict[str, FloatArray]:
    """World head of the (first) bone of each part."""
    world = rig.to_world(rig.heads)
    return {part: world[rig.index(names[0])] for part, names in bone_map.bones.items()}


def _limb_directions(rig: RigDescription, bone_map: BoneMap, head: dict[str, FloatArray]) -> dict[str, FloatArray]:
    out: dict[str, FloatArray] = {}
    for side in SIDES:
        for part, child in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"),
                            ("foot", "toe")):  # fmt: skip
            a, b = f"{side}_{part}", f"{side}_{child}"
            if b in head:
                vector = head[b] - head[a]
            elif part == "forearm":
                bone = rig.index(bone_map.bones[a][0])  # a rig without hands: the tail is all there is
                vector = rig.R_world_armature @ (rig.tails[bone] - rig.heads[bone])
            else:
                continue
            if np.linalg.norm(vector) < 1e-6 * max(float(np.linalg.norm(head["head"] - head["pelvis"])), 1e-12):
                raise RigError(
                    f"In '{rig.name}' the bones of {a} and {b} start at the same point"
                    f" ('{bone_map.bone(a)}', '{bone_map.bone(b)}').",
                    "Correct the rig or the bone map.",
                )
            out[a] = unit(vector)
    return out


def _figure_axes(head: dict[str, FloatArray], rig_name: str) -> tuple[FloatArray, FloatArray, bool]:
    """Left and up of the figure at rest, and whether it stands on the world's floor."""
    hips, shoulders = ((head[f"left_{part}"], head[f"right_{part}"]) for part in ("thigh", "upper_arm"))
    left = unit(unit(hips[0] - hips[1]) + unit(shoulders[0] - shoulders[1]))
    up = unit(shoulders[0] + shoulders[1] - hips[0] - hips[1])
    if np.linalg.norm(left) < 0.5 or np.linalg.norm(up) < 0.5 or abs(float(np.dot(left, up))) > 0.8:
        raise RigError(f"Hips and shoulders of '{rig_name}' do not span a trunk.", "Check the bone map.")
    standing = bool(np.arccos(np.clip(np.dot(up, UP_WORLD), -1, 1)) < _STANDING_RAD)
    return left, (UP_WORLD if standing else up), standing


def _leg_up(head: dict[str, FloatArray]) -> FloatArray:
    """Up of the figure as its legs see it: a foot that is flat at rest is flat across straight legs."""
    return unit(np.sum([head[f"{s}_thigh"] - head[f"{s}_foot"] for s in SIDES], axis=0))


def _frame(left: FloatArray, up: FloatArray) -> FloatArray:
    """(3, 3) with columns left, forward, up: `up` exactly, `left` as near as can be."""
    forward = unit(np.asarray(np.cross(left, up), dtype=np.float64))
    return np.stack([np.cross(up, forward), forward, up], axis=1)


def _swing(S: FloatArray, rest: FloatArray, wanted: FloatArray) -> FloatArray:
    return np.asarray(swing_between(S @ rest, wanted) @ S)


def _twist_to_hinge(S: FloatArray, part: str, upper: FloatArray, lower: FloatArray | None) -> FloatArray:
    """Twist about an aligned upper limb that brings the plane in which it is bent at rest into the canonical one."""
    if lower is None:
        return np.eye(3)
    normal = S @ np.cross(upper, lower)
    bend = float(np.arctan2(np.linalg.norm(normal), np.dot(upper, lower)))
    low, high = _HINGE_TRUST_RAD
    trust = float(np.clip((bend - low) / (high - low), 0.0, 1.0))
    if trust == 0.0:
        return np.eye(3)
    axis, wanted = S @ upper, HINGE_AXES[part]
    angle = float(np.arctan2(np.dot(axis, np.cross(normal, wanted)), np.dot(normal, wanted)))
    if abs(angle) > _HINGE_LIMIT_RAD:
        return np.eye(3)
    return rotation_vector_to_matrix(axis * angle * trust)


def _foot(S_figure: FloatArray, rest: FloatArray | None, source: FloatArray) -> FloatArray:
    """A foot flat at rest stays flat; only its heading is lined up, as ankles differ in height between rigs."""
    if rest is None:
        return S_figure
    a, b = S_figure @ rest, source
    if min(np.hypot(a[0], a[1]), np.hypot(b[0], b[1])) < 0.2:
        return S_figure
    yaw = np.arctan2(b[1], b[0]) - np.arctan2(a[1], a[0])
    return rotation_vector_to_matrix(UP_WORLD * yaw) @ S_figure


def _hand(
    rig: RigDescription, bone_map: BoneMap, side: str, S_forearm: FloatArray, source: dict[str, FloatArray]
) -> FloatArray:
    """Line up the hand by its knuckles: their middle says where it points, their row where the palm faces."""
    name = bone_map.bone(f"{side}_hand")
    if name is None:
        return S_forearm
    bases = finger_bases(rig, rig.index(name))
    if not bases:
        return S_forearm
    world = rig.to_world(rig.heads)
    knuckles = [world[b] for b in bases.values()]
    direction = unit(np.mean(knuckles, axis=0) - world[rig.index(name)])
    wanted = source[f"{side}_hand"]
    others = [world[bases[f]] for f in ("pinky", "ring") if f in bases]
    if "index" not in bases or not others:
        return _swing(S_forearm, direction, wanted)
    row = world[bases["index"]] - others[0]
    # palms of the canonical rest pose face down: the index finger lies in front
    palm_up = np.asarray(np.cross(direction, row), dtype=np.float64)
    wanted_up = np.asarray(np.cross(wanted, FORWARD_REST), dtype=np.float64)
    return _frame(wanted, unit(wanted_up)) @ _frame(direction, unit(palm_up)).T


def finger_bases(rig: RigDescription, hand: int) -> dict[str, int]:
    """First bone of each finger (not the thumb) below a hand, by name.

    Args:
        rig: the rig.
        hand: index of the hand's bone.
    Returns:
        Finger (`index`, `middle`, `ring`, `pinky`) to bone index; absent fingers are left out.
    """
    out: dict[str, int] = {}
    level = list(rig.children[hand])
    while level and len(out) < len(_FINGERS):
        for b in level:
            name = rig.bone_names[b].casefold()
            if any(word in name for word in _PALM_WORDS) or "thumb" in name:
                continue
            for words in _FINGERS:
                if any(word in name for word in words):
                    out.setdefault(words[0], b)
        level = [c for b in level for c in rig.children[b]]
    return out
