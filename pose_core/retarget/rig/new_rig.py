"""The layout of Pose Core's own armature: the motion's skeleton as bones, in the motion's sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.rotations import unit
from pose_core.motion_file import Motion
from pose_core.retarget.rig.bone_map import SIDES, BoneMap
from pose_core.types import FloatArray


@dataclass(frozen=True, eq=False)
class NewBone:
    """One bone to make; positions in metres, the figure in T pose on the floor, looking along -Y."""

    name: str
    parent: str | None
    head_m: FloatArray
    tail_m: FloatArray


_BONES: tuple[tuple[str, str | None, str, str | None], ...] = (
    # bone, parent, joint at its head, joint at its tail (None: made up)
    ("pelvis", None, "pelvis", "spine"),
    ("spine", "pelvis", "spine", "chest"),
    ("chest", "spine", "chest", "neck"),
    ("neck", "chest", "neck", "head"),
    ("head", "neck", "head", None),
    *(
        bone
        for s in SIDES
        for bone in (
            (f"{s}_clavicle", "chest", "neck", f"{s}_shoulder"),
            (f"{s}_upper_arm", f"{s}_clavicle", f"{s}_shoulder", f"{s}_elbow"),
            (f"{s}_forearm", f"{s}_upper_arm", f"{s}_elbow", f"{s}_wrist"),
            (f"{s}_hand", f"{s}_forearm", f"{s}_wrist", f"{s}_hand"),
            (f"{s}_thigh", "pelvis", f"{s}_hip", f"{s}_knee"),
            (f"{s}_shin", f"{s}_thigh", f"{s}_knee", f"{s}_ankle"),
            (f"{s}_foot", f"{s}_shin", f"{s}_ankle", f"{s}_toe"),
            (f"{s}_toe", f"{s}_foot", f"{s}_toe", None),
        )
    ),
)

# Clavicles start this far from the middle and below the base of the neck, as shares of the shoulder's distance.
_STERNUM_ACROSS, _STERNUM_DOWN = 0.15, 0.2
_TOE_SHARE = 0.45
_CROWN_SHARE = 1.3


def new_rig_layout(motion: Motion) -> tuple[NewBone, ...]:
    """Bones of a new armature that fits a motion exactly.

    Args:
        motion: the motion whose rest pose gives the sizes.
    Returns:
        Bones, parents before children; names as in the `pose_core` preset.
    """
    rest = _rest_joints(motion)
    bones: list[NewBone] = []
    for name, parent, start, end in _BONES:
        head = rest[start]
        if name.endswith("clavicle"):
            head = rest[name] if name in rest else _clavicle_root(rest, end or "neck")
        if end is not None:
            tail = rest[end]
        elif name == "head":
            tail = head + np.array([0.0, 0.0, _CROWN_SHARE * float(np.linalg.norm(head - rest["neck"]))])
        else:
            foot = rest[start] - rest[start.replace("toe", "ankle")]
            tail = head + unit(foot * [1.0, 1.0, 0.0]) * _TOE_SHARE * float(np.linalg.norm(foot))
        bones.append(NewBone(name, parent, head, tail))
    return tuple(bones)


def _clavicle_root(rest: dict[str, FloatArray], shoulder: str) -> FloatArray:
    """Where a collar bone starts in a motion that does not say."""
    reach = float((rest[shoulder] - rest["neck"])[0])
    return np.asarray(rest["neck"] + np.array([_STERNUM_ACROSS * reach, 0.0, -_STERNUM_DOWN * abs(reach)]))


def new_rig_bone_map() -> BoneMap:
    """The bone map of an armature made by `new_rig_layout`."""
    bones: dict[str, tuple[str, ...]] = {name: (name,) for name, *_ in _BONES if name not in ("spine", "chest")}
    return BoneMap({**bones, "spine": ("spine", "chest")}, "pose_core")


def _rest_joints(motion: Motion) -> dict[str, FloatArray]:
    """Rest positions of all joints, the lower of heels and balls of the feet on the floor."""
    positions = np.zeros_like(motion.rest_offsets_m)
    for j, p in enumerate(motion.parents):
        if p >= 0:
            positions[j] = positions[p] + motion.rest_offsets_m[j]
    named = dict(zip(motion.joint_names, positions, strict=True))
    floor = float(np.mean([min(named[f"{s}_heel"][2], named[f"{s}_toe"][2]) for s in SIDES]))
    return {name: position - [0.0, 0.0, floor] for name, position in named.items()}
