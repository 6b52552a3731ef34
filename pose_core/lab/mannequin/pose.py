"""From canonical joint positions of a performer to rotations of the mannequin's bones, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lab.mannequin.skeleton import BONE_NAMES, BONE_PARENTS, JOINT_BONES, POINTS, Points, bone_heads_m
from pose_core.maths.rotations import matrix_to_rotation_vector, rotation_vector_to_matrix, swing_between, unit
from pose_core.skeletons import CANONICAL
from pose_core.types import BoolArray, FloatArray

_UP = np.array([0.0, 0.0, 1.0])
_FRONT = np.array([0.0, -1.0, 0.0])
_X = np.array([1.0, 0.0, 0.0])
_MAX_WRIST_BEND_RAD = 0.7
_MAX_TOE_BEND_RAD = 0.9
_SHARE_OF_LEG = 0.9985  # a leg is never stretched quite straight, which would let the knee snap


@dataclass(frozen=True, eq=False)
class Pose:
    """Motion of the mannequin: D (T, B, 3, 3) rotations relative to rest, and the pelvis (T, 3) in metres."""

    D: FloatArray
    root_m: FloatArray


def _frames(primary: FloatArray, secondary: FloatArray) -> FloatArray:
    """(..., 3, 3) right-handed axes: the first along `primary`, the second as near to `secondary` as it can be."""
    first = unit(primary)
    second = unit(secondary - first * np.sum(first * secondary, axis=-1, keepdims=True))
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def _turn(rest: tuple[FloatArray, FloatArray], now: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Rotation that takes a rest pair of directions to the present pair."""
    return _frames(*now) @ np.swapaxes(_frames(*rest), -1, -2)


def _apply(R: FloatArray, v: FloatArray) -> FloatArray:
    return np.einsum("...ij,...j->...i", R, v)


def _smooth(values: FloatArray, sigma_frames: float) -> FloatArray:
    """Gaussian smoothing along the first axis, ends held."""
    reach = int(np.ceil(3 * sigma_frames))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_frames) ** 2)
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return np.apply_along_axis(lambda column: np.convolve(column, kernel / kernel.sum(), "valid"), 0, padded)


def _limited(R: FloatArray, most_rad: float) -> FloatArray:
    """Rotations with their angle limited."""
    vector = matrix_to_rotation_vector(R)
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    return rotation_vector_to_matrix(vector * np.minimum(1.0, most_rad / np.maximum(angle, 1e-9)))


class _Performer:
    """Joints of the performer by name, scaled to the mannequin's legs, the floor at Z = 0; and the mannequin's rest."""

    def __init__(self, joints_m: FloatArray, points: Points):
        self.points = points
        legs = [
            np.median(np.linalg.norm(joints_m[:, CANONICAL.index(a)] - joints_m[:, CANONICAL.index(b)], axis=-1))
            for s in ("left", "right")
            for a, b in ((f"{s}_hip", f"{s}_knee"), (f"{s}_knee", f"{s}_ankle"))
        ]
        ours = sum(
            float(np.linalg.norm(points[f"{s}_{a}"] - points[f"{s}_{b}"]))
            for s in ("left", "right")
            for a, b in (("hip", "knee"), ("knee", "ankle"))
        )
        self.joints = joints_m * (ours / float(sum(legs)))

    def __getitem__(self, name: str) -> FloatArray:
        return self.joints[:, CANONICAL.index(name)]

    def to(self, a: str, b: str) -> FloatArray:
        return self[b] - self[a]

    def rest(self, a: str, b: str) -> FloatArray:
        return self.points[b] - self.points[a]


def _trunk(p: _Performer) -> dict[str, FloatArray]:
    hips, shoulders = unit(p.to("right_hip", "left_hip")), unit(p.to("right_shoulder", "left_shoulder"))
    D: dict[str, FloatArray] = {
        "pelvis": _turn((p.rest("pelvis", "spine"), _X), (p.to("pelvis", "spine"), hips)),
        "spine": _turn((p.rest("spine", "chest"), _X), (p.to("spine", "chest"), hips + shoulders)),
        "chest": _turn((p.rest("chest", "neck"), _X), (p.to("chest", "neck"), shoulders)),
    }
    D["head"] = _turn((p.rest("head", "nose"), p.rest("neck", "head")), (p.to("head", "nose"), p.to("neck", "head")))
    halfway = D["chest"] @ _limited_half(np.swapaxes(D["chest"], -1, -2) @ D["head"])
    wanted = p.to("neck", "head") - _apply(D["head"], p.rest("skull_base", "head"))
    D["neck"] = swing_between(_apply(halfway, p.rest("neck", "skull_base")), wanted) @ halfway
    return D


def _limited_half(R: FloatArray) -> FloatArray:
    return rotation_vector_to_matrix(0.5 * matrix_to_rotation_vector(R))


def _arm(p: _Performer, side: str, D_chest: FloatArray) -> dict[str, FloatArray]:
    hinge_rest = np.array([0.0, 0.0, -1.0 if side == "left" else 1.0])
    shoulder_now = p.to("neck", f"{side}_shoulder") - _apply(D_chest, p.rest("neck", f"{side}_clavicle"))
    D: dict[str, FloatArray] = {}
    clavicle_rest = p.rest(f"{side}_clavicle", f"{side}_shoulder")
    # Capture systems disagree about where a shoulder is: its usual place with a hanging arm becomes our rest.
    local = unit(_apply(np.swapaxes(D_chest, -1, -2), shoulder_now))
    hanging = unit(p.to(f"{side}_shoulder", f"{side}_elbow"))[:, 2] < -0.8
    usual = unit(np.median(local[hanging if hanging.any() else slice(None)], axis=0))
    moved = _apply(swing_between(usual, clavicle_rest), local)
    D["clavicle"] = D_chest @ _limited(swing_between(clavicle_rest, moved), 0.6)
    upper, fore = unit(p.to(f"{side}_shoulder", f"{side}_elbow")), unit(p.to(f"{side}_elbow", f"{side}_wrist"))
    upper_rest, fore_rest = p.rest(f"{side}_shoulder", f"{side}_elbow"), p.rest(f"{side}_elbow", f"{side}_wrist")
    # A straight elbow has no hinge of its own: there the arm swings from the T pose without twist.
    untwisted = _apply(swing_between(_apply(D_chest, upper_rest), upper) @ D_chest, hinge_rest)
    hinge = unit(_smooth(np.cross(upper, fore) + 0.25 * untwisted, 2.0))
    D["upper_arm"] = _turn((upper_rest, hinge_rest), (upper, hinge))
    D["forearm"] = _turn((fore_rest, hinge_rest), (fore, hinge))
    palm = _apply(D["forearm"], p.rest(f"{side}_wrist", f"{side}_hand"))
    bend = _limited(swing_between(palm, p.to(f"{side}_wrist", f"{side}_hand")), _MAX_WRIST_BEND_RAD)
    D["hand"] = bend @ D["forearm"]
    return {f"{side}_{name}": R for name, R in D.items()}


def _standing(p: _Performer, side: str) -> BoolArray:
    """(T,) frames in which the foot rests flat on the floor."""
    speed = [np.linalg.norm(np.gradient(p[f"{side}_{j}"], axis=0), axis=-1) * 30 for j in ("ankle", "toe")]
    still = (speed[0] < 0.20) & (speed[1] < 0.15)
    return still if still.any() else np.ones(len(speed[0]), bool)


def _tilt(sole: FloatArray) -> FloatArray:
    """How far soles (..., 3) point downwards, radians."""
    return np.arctan2(-sole[..., 2], np.linalg.norm(sole[..., :2], axis=-1))


def _leg(p: _Performer, side: str, hip: FloatArray, ankle: FloatArray) -> tuple[dict[str, FloatArray], FloatArray]:
    """Rotations of one leg whose ankle should come to `ankle`, and where it comes to."""
    thigh_rest, shin_rest = p.rest(f"{side}_hip", f"{side}_knee"), p.rest(f"{side}_knee", f"{side}_ankle")
    a, b = float(np.linalg.norm(thigh_rest)), float(np.linalg.norm(shin_rest))
    reach = ankle - hip
    span = np.minimum(np.linalg.norm(reach, axis=-1), _SHARE_OF_LEG * (a + b))
    reach = unit(reach)
    thigh, shin = unit(p.to(f"{side}_hip", f"{side}_knee")), unit(p.to(f"{side}_knee", f"{side}_ankle"))
    sole = p.to(f"{side}_ankle", f"{side}_toe")
    hinge = unit(_smooth(3.0 * np.cross(thigh, shin) + np.cross(unit(sole), shin), 2.0))
    forward = unit(np.cross(reach, hinge))  # where the knee points, square to the line from hip to ankle
    along = (a**2 - b**2 + span**2) / (2 * span)
    knee = reach * along[:, None] + forward * np.sqrt(np.maximum(a**2 - along**2, 0.0))[:, None]
    ankle_now = reach * span[:, None]
    D = {
        "thigh": _turn((thigh_rest, _X), (knee, hinge)),
        "shin": _turn((shin_rest, _X), (ankle_now - knee, hinge)),
    }
    sole_rest = p.rest(f"{side}_ankle", f"{side}_toe")
    tilt, tilt_rest = _tilt(sole), float(_tilt(sole_rest))
    offset = tilt_rest - np.median(tilt[_standing(p, side)])
    # Where the foot points straight down it has no heading: there the knee says where its inner side is.
    # And where the leg is raised above the hip, the floor says nothing.
    upright = np.clip(0.5 - shin[:, 2:], 0.0, 1.0)
    across = unit(0.5 * hinge + upright * np.cross(_UP, unit(sole)))
    pointing = _apply(rotation_vector_to_matrix(across * offset), unit(sole))
    D["foot"] = _turn((sole_rest, _X), (pointing, across))
    # The toes stay on the floor while the heel rises.
    pitch = np.clip(tilt + offset - tilt_rest, 0.0, _MAX_TOE_BEND_RAD)
    D["toe"] = rotation_vector_to_matrix(-across * pitch[:, None]) @ D["foot"]
    return {f"{side}_{name}": R for name, R in D.items()}, hip + ankle_now


_SOLE_POINTS = ("heel", "toe", "toe_tip")
_SOLE_BONES = ("foot", "foot", "toe")


def _lowest_sole(p: _Performer, side: str, leg: dict[str, FloatArray], ankle: FloatArray) -> FloatArray:
    """(T,) height of the lowest point of one sole, metres."""
    foot, toe = leg[f"{side}_foot"], leg[f"{side}_toe"]
    ball = ankle + _apply(foot, p.rest(f"{side}_ankle", f"{side}_toe"))
    down = [np.array([*p.points[f"{side}_{n}"][:2], 0.0]) for n in _SOLE_POINTS]
    corners = [
        ankle + _apply(foot, down[0] + [0, 0.010, 0] - p.points[f"{side}_ankle"]),
        ankle + _apply(foot, down[1] - p.points[f"{side}_ankle"]),
        ball + _apply(toe, down[2] - p.points[f"{side}_toe"]),
    ]
    return np.min([c[:, 2] for c in corners], axis=0)


def solve_pose(joints_m: FloatArray, points: Points = POINTS, on_floor: bool = True) -> Pose:
    """Let the mannequin do what a performer does.

    The trunk and the arms take the performer's directions; the ankles go where the performer's ankles are, scaled
    to the mannequin's legs, and are lifted where a sole would sink into the floor.

    Args:
        joints_m: (T, 24, 3) canonical joints, Z up, the floor at 0; heels are not used.
        points: the mannequin's rest pose.
        on_floor: False for a performer who climbs, hangs or lies: the feet are left where they are.
    """
    p = _Performer(joints_m, points)
    D = _trunk(p)
    root = p["pelvis"]
    for side in ("left", "right"):
        D |= _arm(p, side, D["chest"])
        hip = root + _apply(D["pelvis"], p.rest("pelvis", f"{side}_hip"))
        target = p[f"{side}_ankle"].copy()
        if not on_floor:
            leg, _ = _leg(p, side, hip, target)
            D |= leg
            continue
        standing = _standing(p, side)
        target[:, 2] += points[f"{side}_ankle"][2] - np.median(target[standing, 2])
        for _ in range(4):
            leg, reached = _leg(p, side, hip, target)
            sunk = np.maximum(-_lowest_sole(p, side, leg, reached), 0.0)
            if sunk.max() < 5e-4:
                break
            target[:, 2] += np.maximum(_smooth(sunk, 1.5), sunk)
        D |= leg
    return Pose(np.stack([D[name] for name in BONE_NAMES], axis=1), root)


def pose_joints(pose: Pose, points: Points = POINTS) -> FloatArray:
    """(T, 24, 3) canonical joints of a pose of the mannequin, metres."""
    rest = bone_heads_m(points)
    heads = np.empty((len(pose.D), len(rest), 3))
    for i, parent in enumerate(BONE_PARENTS):
        heads[:, i] = (
            pose.root_m if parent < 0 else heads[:, parent] + _apply(pose.D[:, parent], rest[i] - rest[parent])
        )
    carrier = [BONE_NAMES.index(name) for name in JOINT_BONES]
    offsets = np.array([points[name] for name in CANONICAL.names]) - rest[carrier]
    return heads[:, carrier] + _apply(pose.D[:, carrier], offsets)
