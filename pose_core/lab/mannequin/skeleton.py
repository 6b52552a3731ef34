"""The mannequin's bones and rest pose: a T pose that looks along -Y, Z up, the left arm along +X, metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray

_Point = tuple[float, float, float]

# Points of the body in the middle, and of the left side; the right side is mirrored at X = 0.
_MIDDLE_POINTS: dict[str, _Point] = {
    "pelvis": (0.0, 0.0, 0.925),
    "spine": (0.0, 0.004, 1.105),
    "chest": (0.0, 0.008, 1.270),
    "neck": (0.0, 0.018, 1.480),
    "skull_base": (0.0, 0.000, 1.575),
    "head": (0.0, -0.012, 1.635),
    "nose": (0.0, -0.127, 1.615),
    "head_top": (0.0, 0.000, 1.765),
}
_LEFT_POINTS: dict[str, _Point] = {
    "hip": (0.088, 0.0, 0.925),
    "knee": (0.103, -0.006, 0.503),
    "ankle": (0.114, 0.010, 0.090),
    "heel": (0.114, 0.062, 0.024),
    "toe": (0.120, -0.110, 0.030),
    "toe_tip": (0.122, -0.172, 0.026),
    "clavicle": (0.020, -0.010, 1.430),
    "shoulder": (0.176, 0.014, 1.402),
    "elbow": (0.460, 0.020, 1.402),
    "wrist": (0.714, 0.012, 1.402),
    "hand": (0.796, 0.010, 1.398),
    "fingertip": (0.886, 0.008, 1.386),
}

Points = dict[str, FloatArray]

POINTS: Points = {name: np.array(p) for name, p in _MIDDLE_POINTS.items()}
for _name, (_x, _y, _z) in _LEFT_POINTS.items():
    POINTS[f"left_{_name}"] = np.array([_x, _y, _z])
    POINTS[f"right_{_name}"] = np.array([-_x, _y, _z])
"""Named points of the rest pose, (3,) each."""


@dataclass(frozen=True)
class Bone:
    """A bone of the armature between two named points of the rest pose."""

    name: str
    parent: str
    head: str
    tail: str
    roll_axis: _Point
    """Where the bone's Z axis should point at rest."""


def _side_bones(side: str) -> tuple[Bone, ...]:
    front, up = (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)
    chains = (
        ("clavicle", "chest", "clavicle", "shoulder", up),
        ("upper_arm", "clavicle", "shoulder", "elbow", up),
        ("forearm", "upper_arm", "elbow", "wrist", up),
        ("hand", "forearm", "wrist", "hand", up),
        ("thigh", "pelvis", "hip", "knee", front),
        ("shin", "thigh", "knee", "ankle", front),
        ("foot", "shin", "ankle", "toe", up),
        ("toe", "foot", "toe", "toe_tip", up),
    )
    middle = {"chest", "pelvis"}
    return tuple(
        Bone(f"{side}_{name}", parent if parent in middle else f"{side}_{parent}", f"{side}_{a}", f"{side}_{b}", axis)
        for name, parent, a, b, axis in chains
    )


BONES: tuple[Bone, ...] = (
    Bone("pelvis", "", "pelvis", "spine", (0.0, -1.0, 0.0)),
    Bone("spine", "pelvis", "spine", "chest", (0.0, -1.0, 0.0)),
    Bone("chest", "spine", "chest", "neck", (0.0, -1.0, 0.0)),
    Bone("neck", "chest", "neck", "skull_base", (0.0, -1.0, 0.0)),
    Bone("head", "neck", "skull_base", "head_top", (0.0, -1.0, 0.0)),
    *_side_bones("left"),
    *_side_bones("right"),
)
"""Every parent comes before its children."""

BONE_NAMES: tuple[str, ...] = tuple(bone.name for bone in BONES)
BONE_PARENTS: tuple[int, ...] = tuple(BONE_NAMES.index(b.parent) if b.parent else -1 for b in BONES)
HEIGHT_M = 1.775
"""From the soles to the top of the hair."""


def _bone_of_joint(joint: str) -> str:
    side, _, rest = joint.partition("_")
    if side not in ("left", "right"):
        return {"nose": "head"}.get(joint, joint)
    renamed = {
        "hip": "thigh", "knee": "shin", "ankle": "foot", "heel": "foot", "toe": "foot",
        "shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hand": "hand",
    }  # fmt: skip
    return f"{side}_{renamed[rest]}"


JOINT_BONES: tuple[str, ...] = tuple(_bone_of_joint(joint) for joint in CANONICAL.names)
"""The bone that carries each canonical joint."""

JOINT_REST_M: FloatArray = np.array([POINTS[joint] for joint in CANONICAL.names])
"""(24, 3) canonical joints in the rest pose, metres."""


def bone_heads_m(points: Points = POINTS) -> FloatArray:
    """(B, 3) heads of the bones in the rest pose, metres."""
    return np.array([points[bone.head] for bone in BONES])
