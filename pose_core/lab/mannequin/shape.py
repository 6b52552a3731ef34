"""Other bodies than the one that is modelled: proportions, girth, belly, chest, head."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from pose_core.lab.mannequin.body import Part
from pose_core.lab.mannequin.skeleton import BONE_NAMES, BONES, POINTS, Points, bone_heads_m
from pose_core.types import FloatArray

_CARRIED_BY_PARENT = {"clavicle": "chest", "thigh": "pelvis"}
_SOLE_Z_M = 0.0


@dataclass(frozen=True)
class Shape:
    """Factors on the modelled body, 1 everywhere; bulges in metres."""

    size: float = 1.0
    trunk: float = 1.0
    legs: float = 1.0
    arms: float = 1.0
    shoulders: float = 1.0
    """Width of the shoulders and the chest."""
    hips: float = 1.0
    feet: float = 1.0
    head: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Width, depth, height."""
    torso_girth: float = 1.0
    limb_girth: float = 1.0
    belly_m: float = 0.0
    breast_m: float = 0.0


AVERAGE = Shape()


def draw_shape(rng: np.random.Generator) -> Shape:
    """A random body, from a child of ten to a tall adult."""

    def around(spread: float, middle: float = 1.0) -> float:
        return float(middle * np.exp(np.clip(rng.normal(), -2.2, 2.2) * spread))

    female = rng.random() < 0.5
    child = rng.random() < 0.08
    fat = float(np.clip(rng.normal(0.1, 0.5), -0.7, 1.6))
    size = around(0.045, 0.955 if female else 1.0) * (float(rng.uniform(0.76, 0.88)) if child else 1.0)
    head = around(0.03, 1.12 if child else 1.0)
    return Shape(
        size=size,
        trunk=around(0.03),
        legs=around(0.04, 0.95 if child else 1.0),
        arms=around(0.035),
        shoulders=around(0.035, 0.92 if female or child else 1.02),
        hips=around(0.035, 1.04 if female else 0.98),
        feet=around(0.05, 0.93 if female else 1.0),
        head=(head * around(0.035), head * around(0.035), head * around(0.03)),
        torso_girth=around(0.03, 1.0 + 0.14 * fat),
        limb_girth=around(0.04, (0.93 if female or child else 1.03) + 0.12 * fat),
        belly_m=max(0.0, 0.055 * fat + 0.01 * float(rng.normal())),
        breast_m=float(rng.uniform(0.0, 0.035)) if female and not child else 0.0,
    )


def _kind(bone: str) -> str:
    return bone.removeprefix("left_").removeprefix("right_")


def _bone_scale(bone: str, shape: Shape) -> FloatArray:
    """(3,) factors of a bone's surroundings along X, Y, Z, without girth."""
    match _kind(bone):
        case "pelvis":
            factors = (shape.hips, 1.0, shape.trunk)
        case "spine":
            factors = ((shape.hips + shape.shoulders) / 2, 1.0, shape.trunk)
        case "chest" | "clavicle":
            factors = (shape.shoulders, 1.0, shape.trunk)
        case "neck":
            factors = (1.0, 1.0, shape.trunk)
        case "head":
            factors = shape.head
        case "upper_arm" | "forearm" | "hand":
            factors = (shape.arms, 1.0, 1.0)
        case "thigh" | "shin":
            factors = (1.0, 1.0, shape.legs)
        case _:
            factors = (1.0, shape.feet, 1.0)
    return np.array(factors) * shape.size


def _girth(bone: str, shape: Shape) -> FloatArray:
    """(3,) further factors of the flesh around a bone."""
    torso, limb = shape.torso_girth, shape.limb_girth
    match _kind(bone):
        case "pelvis" | "spine" | "chest":
            return np.array([torso, torso, 1.0])
        case "clavicle":
            return np.array([1.0, limb, 1.0])
        case "neck":
            return np.array([limb, limb, 1.0])
        case "upper_arm" | "forearm":
            return np.array([1.0, limb, limb])
        case "thigh" | "shin":
            return np.array([limb, limb, 1.0])
        case _:
            return np.ones(3)


def shaped_points(shape: Shape) -> Points:
    """The named points of the rest pose for a body, the soles at Z = 0."""
    points: Points = {"pelvis": POINTS["pelvis"] * shape.size}
    for bone in BONES:
        carrier = _carrier(bone.name)
        if bone.head not in points:
            points[bone.head] = _carried(bone.head, carrier, points, shape)
        points[bone.tail] = _carried(bone.tail, bone.name, points, shape)
    for side in ("left", "right"):
        points[f"{side}_fingertip"] = _carried(f"{side}_fingertip", f"{side}_hand", points, shape)
        points[f"{side}_heel"] = _carried(f"{side}_heel", f"{side}_foot", points, shape)
    for name in ("head", "nose"):
        points[name] = _carried(name, "head", points, shape)
    down = points["left_ankle"][2] - shape.size * (POINTS["left_ankle"][2] - _SOLE_Z_M)
    return {name: point - [0.0, 0.0, down] for name, point in points.items()}


def _carrier(bone: str) -> str:
    """The bone that the head of a bone moves with."""
    side, _, _ = bone.partition("_")
    parent = BONES[BONE_NAMES.index(bone)].parent
    return _CARRIED_BY_PARENT.get(_kind(bone), parent) if side in ("left", "right") else parent


def _carried(point: str, bone: str, points: Points, shape: Shape) -> FloatArray:
    head = BONES[BONE_NAMES.index(bone)].head
    return points[head] + _bone_scale(bone, shape) * (POINTS[point] - POINTS[head])


def shaped_part(part: Part, weights: FloatArray, shape: Shape, points: Points) -> Part:
    """A part of the modelled body on another body.

    Args:
        part: V vertices in the modelled rest pose.
        weights: (V, B) how much each vertex follows each bone.
        shape: the body.
        points: its rest pose, from `shaped_points`.
    """
    rest, now = bone_heads_m(), bone_heads_m(points)
    scale = np.array([_bone_scale(bone.name, shape) * _girth(bone.name, shape) for bone in BONES])
    vertices = part.mesh.vertices
    if not part.rigid_bone and part.name not in ("shoes", "soles"):
        vertices = vertices + _bulges(vertices, weights, shape)
    shift = now - scale * rest
    moved = vertices * (weights @ scale) + weights @ shift
    return dataclasses.replace(part, mesh=dataclasses.replace(part.mesh, vertices=moved))


def _bulges(vertices: FloatArray, weights: FloatArray, shape: Shape) -> FloatArray:
    trunk = weights[:, [BONE_NAMES.index(b) for b in ("pelvis", "spine", "chest")]].sum(axis=1)
    x, y, z = vertices.T
    front = np.clip(-(y - 0.02) / 0.08, 0.0, 1.0) * trunk
    sides = np.clip(np.abs(x) / 0.15, 0.0, 1.0) * trunk
    belly = np.exp(-(((z - 1.06) / 0.115) ** 2)) * shape.belly_m
    out = np.zeros_like(vertices)
    out[:, 1] -= belly * front * np.exp(-((x / 0.17) ** 2))
    out[:, 0] += 0.55 * belly * sides * np.sign(x)
    breast = sum(np.exp(-(((x - s * 0.078) / 0.055) ** 2) - ((z - 1.300) / 0.055) ** 2) for s in (-1.0, 1.0))
    out[:, 1] -= shape.breast_m * breast * front
    return out
