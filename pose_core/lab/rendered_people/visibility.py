"""Which joints a camera sees, by casting a ray to each."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from pose_core.lab.rendered_people.figure import Figure
from pose_core.lab.rendered_people.surroundings import ROOM_PREFIX
from pose_core.skeletons.h36m import H36M
from pose_core.types import BoolArray, FloatArray

# What may cover a joint without hiding it, its own flesh: the bones that this flesh follows, and how thick it is.
_TRUNK = ("pelvis", "spine", "chest")
_FLESH: dict[str, tuple[tuple[str, ...], float]] = {
    "pelvis": (("pelvis", "spine", "left_thigh", "right_thigh"), 0.19),
    "spine": (_TRUNK, 0.19),
    "thorax": (("chest", "neck", "head", "left_clavicle", "right_clavicle"), 0.17),
    "neck": (("neck", "head", "chest"), 0.16),
    "head_top": (("head",), 0.17),
    "hip": (("pelvis", "spine", "{side}_thigh"), 0.18),
    "knee": (("{side}_thigh", "{side}_shin"), 0.12),
    "ankle": (("{side}_shin", "{side}_foot", "{side}_toe"), 0.12),
    "shoulder": (("chest", "{side}_clavicle", "{side}_upper_arm"), 0.14),
    "elbow": (("{side}_upper_arm", "{side}_forearm"), 0.10),
    "wrist": (("{side}_forearm", "{side}_hand"), 0.09),
}
_MOST_WALLS = 4


def _flesh_of(joint: str) -> tuple[frozenset[str], float]:
    side, _, rest = joint.partition("_")
    bones, thickness = _FLESH[rest if side in ("left", "right") else joint]
    return frozenset(bone.format(side=side) for bone in bones), thickness


_FLESH_OF_JOINT = tuple(_flesh_of(joint) for joint in H36M.names)


def seen_joints(figure: Figure, joints_m: FloatArray, eye_m: FloatArray, thickness: float) -> BoolArray:
    """(17,) whether nothing but its own flesh lies between a joint and the camera.

    Args:
        figure: the person, posed.
        joints_m: (17, 3) in the world.
        eye_m: (3,) the camera.
        thickness: how thick the person's flesh is, 1 for the modelled body.
    """
    graph = bpy.context.evaluated_depsgraph_get()
    return np.array([
        _is_seen(figure, graph, joint, eye_m, bones, own * thickness)
        for joint, (bones, own) in zip(joints_m, _FLESH_OF_JOINT, strict=True)
    ])  # fmt: skip


def _is_seen(
    figure: Figure, graph: Any, joint_m: FloatArray, eye_m: FloatArray, bones: frozenset[str], own_m: float
) -> bool:
    start, end = Vector(eye_m.tolist()), Vector(joint_m.tolist())
    direction = (end - start).normalized()
    for _ in range(_MOST_WALLS):
        distance = (end - start).length
        hit, place, _, polygon, thing, _ = bpy.context.scene.ray_cast(graph, start, direction, distance=distance)
        if not hit:
            return True
        if not thing.name.startswith(ROOM_PREFIX):
            return figure.bone_at(thing, polygon) in bones and (end - place).length <= own_m
        start = place + direction * 1e-3
    return True
