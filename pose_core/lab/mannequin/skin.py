"""Which bones move which vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lab.mannequin.body import Part
from pose_core.lab.mannequin.sdf import neighbour_mean
from pose_core.lab.mannequin.skeleton import BONE_NAMES, BONES, POINTS
from pose_core.types import FloatArray

_MAX_INFLUENCES = 4
_BLEND_M = 0.020

# Radius of the flesh around each bone: what is not nearer to a bone than its neighbour's flesh does not follow it.
_RADII_M: dict[str, float] = {
    "pelvis": 0.120, "spine": 0.115, "chest": 0.125, "neck": 0.058, "head": 0.085, "clavicle": 0.050,
    "upper_arm": 0.050, "forearm": 0.040, "hand": 0.032, "thigh": 0.085, "shin": 0.055, "foot": 0.038, "toe": 0.038,
}  # fmt: skip

_MIDDLE = ("pelvis", "spine", "chest", "neck", "head")
_ARM = ("clavicle", "upper_arm", "forearm", "hand")
_LEG = ("thigh", "shin", "foot", "toe")
_BONES_OF_PART: dict[str, tuple[str, ...]] = {
    "arms": ("upper_arm", "forearm", "hand"),
    "cuffs": ("upper_arm", "forearm", "hand"),
    "sleeves": ("clavicle", "upper_arm", "forearm", "hand"),
    "shirt": ("pelvis", "spine", "chest", "neck", "clavicle", "upper_arm", "thigh"),
    "trousers": ("pelvis", "spine", "thigh", "shin"),
    "skirt": ("pelvis", "spine", "thigh"),
    "coat": ("pelvis", "spine", "chest", "neck", "clavicle", "upper_arm", "forearm"),
    "strap": ("pelvis", "spine", "chest", "clavicle"),
    "wide_trousers": ("pelvis", "spine", "thigh", "shin"),
    "legs": ("pelvis", "thigh", "shin", "foot"),
    "shoes": ("foot", "toe"),
    "soles": ("foot", "toe"),
    "head": ("chest", "neck", "head"),
}
_CROTCH_Z_M = 0.85


@dataclass(frozen=True, eq=False)
class _Capsule:
    bone: int
    a: FloatArray
    b: FloatArray
    radius: float
    side: float
    """-1 or +1 for a bone of one side, 0 in the middle."""


def _capsules(kinds: tuple[str, ...]) -> list[_Capsule]:
    found = []
    for i, bone in enumerate(BONES):
        side_word, _, rest = bone.name.partition("_")
        kind = rest if side_word in ("left", "right") else bone.name
        if kind not in kinds:
            continue
        side = {"left": 1.0, "right": -1.0}.get(side_word, 0.0)
        a, b = POINTS[bone.head], POINTS[bone.tail]
        if kind == "pelvis":
            a = a - [0.0, 0.0, 0.02]
        if kind == "hand":
            b = POINTS[f"{side_word}_fingertip"]
        if kind == "foot":
            a = POINTS[f"{side_word}_heel"] * [1.0, 1.0, 0.0] + a * [0.0, 0.0, 0.5]
        found.append(_Capsule(i, a, b, _RADII_M[kind], side))
    return found


def _distance(points: FloatArray, capsule: _Capsule) -> FloatArray:
    axis = capsule.b - capsule.a
    t = np.clip(((points - capsule.a) @ axis) / (axis @ axis), 0.0, 1.0)
    flesh = np.linalg.norm(points - capsule.a - t[:, None] * axis, axis=-1) - capsule.radius
    if capsule.side == 0.0:
        return np.asarray(flesh)
    # Below the crotch, and across the chest, nothing follows the bones of the other side.
    beyond = np.maximum(-capsule.side * points[:, 0], 0.0)
    return np.asarray(flesh + 1.5 * beyond * (1.0 + 20.0 * (np.abs(points[:, 2]) < _CROTCH_Z_M)))


def part_weights(part: Part) -> FloatArray:
    """How much each vertex follows each bone.

    Args:
        part: a part in the rest pose.
    Returns:
        (V, B) weights, rows sum to 1, at most four bones a vertex.
    """
    vertices = part.mesh.vertices
    weights = np.zeros((len(vertices), len(BONE_NAMES)))
    if part.rigid_bone:
        weights[:, BONE_NAMES.index(part.rigid_bone)] = 1.0
        return weights
    capsules = _capsules(_BONES_OF_PART[part.name])
    distances = np.stack([_distance(vertices, c) for c in capsules], axis=-1)
    closeness = np.exp(-(distances - distances.min(axis=-1, keepdims=True)) / _BLEND_M)
    weights[:, [c.bone for c in capsules]] = closeness
    weights /= weights.sum(axis=1, keepdims=True)
    for _ in range(6):
        weights = 0.5 * weights + 0.5 * neighbour_mean(weights, part.mesh.quads)
    return _strongest(weights)


def _strongest(weights: FloatArray) -> FloatArray:
    kept = np.sort(weights, axis=1)[:, -_MAX_INFLUENCES, None]
    weights = np.where((weights >= kept) & (weights > 0.01), weights, 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
