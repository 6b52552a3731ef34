"""Joint rotations from joint positions: swing from the bone directions, twist from hinges, feet and face.

Positions alone leave the twist of a limb open. An elbow or knee that is bent shows it by the plane it bends in;
as it straightens the evidence fades, so the twist is smoothed over time with the bend as its weight.
"""

from __future__ import annotations

import numpy as np

from pose_core.maths.rotations import best_rotation, rotation_vector_to_matrix, swing_between, unit
from pose_core.skeletons import CANONICAL, REST_DIRECTIONS
from pose_core.solve.start.smoothing import smooth
from pose_core.types import FloatArray

# Axis about which elbow and knee bend in the rest pose: a left forearm comes forward about -Z, shanks go back about +X.
_HINGES = {"left_elbow": (0.0, 0.0, -1.0), "right_elbow": (0.0, 0.0, 1.0), "knee": (1.0, 0.0, 0.0)}

# Twist that a limb is pulled to when nothing shows it, against the square of the sine of the bend.
_TWIST_PRIOR = 0.02
_TWIST_CUTOFF_HZ = 2.0


def rotations_from_joints(joints_m: FloatArray, time_s: FloatArray) -> FloatArray:
    """World rotation of every joint's frame.

    Args:
        joints_m: (T, J, 3) canonical joints in the world (Z up, any translation), finite.
        time_s: (T,) strictly increasing.
    Returns:
        (T, J, 3, 3) `R_world`; `R_world[parent] @ rest_direction[j]` points from parent to `j` for every limb, and in
        the best common way for pelvis and chest, which carry several children.
    """
    J = CANONICAL
    R = np.broadcast_to(np.eye(3), (*joints_m.shape[:2], 3, 3)).copy()

    def direction(joint: str) -> FloatArray:
        j = J.index(joint)
        return unit(joints_m[:, j] - joints_m[:, J.parents[j]], REST_DIRECTIONS[j])

    def rest(joint: str) -> FloatArray:
        return np.asarray(REST_DIRECTIONS[J.index(joint)])

    def from_several(joints: tuple[str, ...], weights: tuple[float, ...]) -> FloatArray:
        observed = np.stack([direction(name) for name in joints], axis=1)
        return best_rotation(np.stack([rest(name) for name in joints]), observed, np.array(weights))

    R[:, 0] = from_several(("left_hip", "right_hip", "spine"), (1.0, 1.0, 1.0))
    chest = from_several(("neck", "left_shoulder", "right_shoulder"), (1.0, 1.0, 1.0))
    R[:, J.index("chest")] = chest
    R[:, J.index("spine")] = _swing_onto(_halfway(R[:, 0], chest), rest("chest"), direction("chest"))
    neck = _swing_onto(chest, rest("head"), direction("head"))
    R[:, J.index("neck")] = neck
    R[:, J.index("head")] = _head_rotation(direction("head"), direction("nose"))
    for side in ("left", "right"):
        arm = _limb(chest, direction(f"{side}_elbow"), direction(f"{side}_wrist"), rest(f"{side}_elbow"),
                    np.array(_HINGES[f"{side}_elbow"]), time_s)  # fmt: skip
        R[:, J.index(f"{side}_shoulder")] = arm
        forearm = _swing_onto(arm, rest(f"{side}_wrist"), direction(f"{side}_wrist"))
        R[:, J.index(f"{side}_elbow")] = forearm
        hand = _swing_onto(forearm, rest(f"{side}_hand"), direction(f"{side}_hand"))
        R[:, J.indices(f"{side}_wrist", f"{side}_hand")] = hand[:, None]
        leg = _limb(R[:, 0], direction(f"{side}_knee"), direction(f"{side}_ankle"), rest(f"{side}_knee"),
                    np.array(_HINGES["knee"]), time_s, direction(f"{side}_toe"))  # fmt: skip
        R[:, J.index(f"{side}_hip")] = leg
        R[:, J.index(f"{side}_knee")] = _swing_onto(leg, rest(f"{side}_ankle"), direction(f"{side}_ankle"))
        foot = from_several((f"{side}_toe", f"{side}_heel"), (1.0, 0.5))
        ankle, knee = J.index(f"{side}_ankle"), J.index(f"{side}_knee")
        R[:, ankle] = _limit_roll(foot, R[:, knee], direction(f"{side}_toe"), rest(f"{side}_toe"))
        R[:, J.indices(f"{side}_heel", f"{side}_toe")] = R[:, ankle][:, None]
    R[:, J.index("nose")] = R[:, J.index("head")]
    return R


def local_rotations(R_world: FloatArray) -> FloatArray:
    """Local rotations from world rotations of the canonical skeleton: (T, J, 3, 3) to (T, J, 3, 3)."""
    R = R_world.copy()
    for j, p in enumerate(CANONICAL.parents):
        if p >= 0:
            R[:, j] = np.swapaxes(R_world[:, p], -1, -2) @ R_world[:, j]
    return R


def _swing_onto(R_start: FloatArray, rest: FloatArray, wanted: FloatArray) -> FloatArray:
    """Turn a starting rotation by the smallest swing that brings `rest` onto `wanted`."""
    return np.asarray(swing_between(R_start @ rest, wanted) @ R_start)


def _halfway(A: FloatArray, B: FloatArray) -> FloatArray:
    return best_rotation(np.eye(3), np.swapaxes(A + B, -1, -2))


def _head_rotation(up: FloatArray, nose: FloatArray) -> FloatArray:
    """Head from the neck-to-head line and the nose; the nose is trusted more, as it says where the face looks."""
    rest = np.stack([REST_DIRECTIONS[CANONICAL.index("head")], REST_DIRECTIONS[CANONICAL.index("nose")]])
    return best_rotation(rest, np.stack([up, nose], axis=1), np.array([0.5, 1.0]))


def _limb(
    R_parent: FloatArray,
    upper: FloatArray,
    lower: FloatArray,
    rest_upper: FloatArray,
    rest_hinge: FloatArray,
    time_s: FloatArray,
    foot: FloatArray | None = None,
) -> FloatArray:
    """Rotation of an upper arm or thigh: swing from its direction, twist from the plane in which the limb bends."""
    swing = _swing_onto(R_parent, rest_upper, upper)
    x_axis: FloatArray = swing @ rest_hinge
    y_axis: FloatArray = np.asarray(np.cross(upper, x_axis), dtype=np.float64)
    normal: FloatArray = np.asarray(np.cross(upper, lower), dtype=np.float64)  # its length is the sine of the bend
    evidence = _as_phasor(normal, x_axis, y_axis)
    weight = np.sum(normal**2, axis=-1)
    phasor = evidence * np.abs(evidence) + _TWIST_PRIOR
    if foot is not None:
        # with the leg straight the foot shows the twist: it points forward, across the hinge
        across: FloatArray = np.asarray(np.cross(foot, upper), dtype=np.float64)
        sideways = _as_phasor(across, x_axis, y_axis)
        phasor = phasor + 0.15 * np.exp(-20 * weight) * sideways
    stacked = np.stack([phasor.real, phasor.imag], axis=1)
    mixed = smooth(stacked, np.ones(len(time_s)), time_s, _TWIST_CUTOFF_HZ)
    angle = np.arctan2(mixed[:, 1], mixed[:, 0])
    return np.asarray(rotation_vector_to_matrix(upper * angle[:, None]) @ swing)


def _as_phasor(vector: FloatArray, x_axis: FloatArray, y_axis: FloatArray) -> np.ndarray:
    return np.asarray(np.sum(vector * x_axis, axis=-1) + 1j * np.sum(vector * y_axis, axis=-1))


def _limit_roll(foot: FloatArray, shank: FloatArray, toe: FloatArray, rest_toe: FloatArray) -> FloatArray:
    """Blend a foot's roll with the shank's: toe and heel lie nearly in line, so they say little about it."""
    plain = _swing_onto(shank, rest_toe, toe)
    return _swing_onto(_halfway(foot, plain), rest_toe, toe)
