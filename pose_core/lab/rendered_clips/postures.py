"""Postures that the recordings lack, put under what a performer does with the rest of the body."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pose_core.lab.mannequin.pose import Pose
from pose_core.maths.rotations import rotation_vector_to_matrix, unit
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray

_UP = np.array([0.0, 0.0, 1.0])
_KNEE_FLOOR_M = 0.065
_LYING_M = 0.125
_TURN_RAD_S = np.radians(100.0)


def facing(joints_m: FloatArray) -> FloatArray:
    """(T, 3) level direction in which the pelvis looks."""
    left = joints_m[:, CANONICAL.index("left_hip")] - joints_m[:, CANONICAL.index("right_hip")]
    forward = np.cross(left, _UP)
    forward[:, 2] = 0.0
    return unit(forward)


def _level(joints_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(T, 3) forward and left, steadied over the sequence."""
    forward = unit(np.broadcast_to(facing(joints_m).mean(axis=0), (len(joints_m), 3)))
    return forward, np.cross(_UP, forward)


def _bone(joints_m: FloatArray, a: str, b: str) -> float:
    apart = joints_m[:, CANONICAL.index(a)] - joints_m[:, CANONICAL.index(b)]
    return float(np.median(np.linalg.norm(apart, axis=-1)))


def _legs(joints_m: FloatArray, thigh: FloatArray, shank: FloatArray, foot: FloatArray, outward: float) -> FloatArray:
    """Legs along given directions in terms of (forward, left, up) of the body; `outward` spreads the knees."""
    out = joints_m.copy()
    forward, left = _level(joints_m)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        hip, knee, ankle, heel, toe = CANONICAL.indices(
            *(f"{side}_{n}" for n in ("hip", "knee", "ankle", "heel", "toe"))
        )

        def world(v: FloatArray, spread: float) -> FloatArray:
            return unit(v[0] * forward + spread * left + v[2] * _UP)

        lengths = [_bone(joints_m, f"{side}_{a}", f"{side}_{b}")
                   for a, b in (("hip", "knee"), ("knee", "ankle"), ("ankle", "toe"))]  # fmt: skip
        out[:, knee] = out[:, hip] + lengths[0] * world(thigh, sign * outward)
        out[:, ankle] = out[:, knee] + lengths[1] * world(shank, 0.0)
        out[:, toe] = out[:, ankle] + lengths[2] * world(foot, sign * 0.1)
        out[:, heel] = out[:, ankle] - 0.3 * lengths[2] * world(foot, 0.0)
    return out


def stand(joints_m: FloatArray) -> FloatArray:
    """On level feet: a leg that is spread so wide that its foot hangs in the air is brought closer to the other.

    Some recordings were put on another skeleton by their makers, which left one foot up to 7 cm above the other.
    """
    out = joints_m.copy()
    parts = ("hip", "knee", "ankle", "heel", "toe")
    legs = [CANONICAL.indices(*(f"{side}_{n}" for n in parts)) for side in ("left", "right")]
    reaches = [np.median(joints_m[:, leg[2]] - joints_m[:, leg[0]], axis=0) for leg in legs]
    drop = max(-float(reach[2] + np.median(joints_m[:, leg[0], 2])) for reach, leg in zip(reaches, legs, strict=True))
    for reach, leg in zip(reaches, legs, strict=True):
        length = float(np.linalg.norm(reach))
        wanted = drop + float(np.median(joints_m[:, leg[0], 2]))
        angle = np.arccos(-reach[2] / length) - np.arccos(min(wanted / length, 1.0))
        R = rotation_vector_to_matrix(angle * unit(np.cross(reach, -_UP)))
        hip = joints_m[:, leg[0]][:, None]
        out[:, leg] = hip + (joints_m[:, leg] - hip) @ R.T
    return out


def kneel(joints_m: FloatArray) -> FloatArray:
    """Upright on both knees, shins on the floor."""
    out = _legs(joints_m, np.array([0.12, 0, -1.0]), np.array([-1.0, 0, -0.03]), np.array([-1.0, 0, -0.35]), 0.08)
    knees = out[:, CANONICAL.indices("left_knee", "right_knee"), 2]
    out[..., 2] += _KNEE_FLOOR_M - float(np.median(knees))
    return out


def sit(joints_m: FloatArray) -> FloatArray:
    """On a seat, thighs forward, shins down."""
    out = _legs(joints_m, np.array([1.0, 0, -0.06]), np.array([0.08, 0, -1.0]), np.array([1.0, 0, -0.45]), 0.12)
    ankles = out[:, CANONICAL.indices("left_ankle", "right_ankle"), 2]
    out[..., 2] += 0.09 - float(np.median(ankles))
    return out


def embrace(joints_m: FloatArray) -> FloatArray:
    """On level feet, both arms round somebody who stands before the body."""
    out = stand(joints_m)
    forward, left = _level(joints_m)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder, elbow, wrist, hand = CANONICAL.indices(
            *(f"{side}_{n}" for n in ("shoulder", "elbow", "wrist", "hand"))
        )
        upper, fore, palm = (_bone(joints_m, f"{side}_{a}", f"{side}_{b}")
                             for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand")))  # fmt: skip
        inward = unit(0.75 * forward - sign * 0.6 * left + 0.15 * _UP)
        out[:, elbow] = out[:, shoulder] + upper * unit(0.8 * forward + sign * 0.5 * left - 0.25 * _UP)
        out[:, wrist] = out[:, elbow] + fore * inward
        out[:, hand] = out[:, wrist] + palm * inward
    return out


def lie(pose: Pose) -> Pose:
    """On the back, the head away from where the body looked."""
    tip = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    # the body's front at the start becomes up, whatever heading it has
    first = pose.D[0, 0]
    forward = first @ np.array([0.0, -1.0, 0.0])
    yaw = np.arctan2(forward[0], -forward[1])
    R = tip @ rotation_vector_to_matrix(np.array([0.0, 0.0, -yaw]))
    root = pose.root_m @ R.T
    return Pose(R @ pose.D, root + [0.0, 0.0, _LYING_M - float(np.median(root[:, 2]))])


def turn(pose: Pose, time_s: FloatArray) -> Pose:
    """Round the vertical through the pelvis, steadily."""
    R = rotation_vector_to_matrix(time_s[:, None] * _TURN_RAD_S * _UP)
    return Pose(R[:, None] @ pose.D, pose.root_m)


JOINT_POSTURES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "upright": stand,
    "kneeling": kneel,
    "sitting": sit,
    "embracing": embrace,
    "turning": stand,
}
POSTURES = ("", *JOINT_POSTURES, "lying")
SEAT_BELOW_PELVIS_M = 0.12
"""How far the top of a seat lies below the pelvis of the modelled body."""
