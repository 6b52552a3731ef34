"""Other bodies and other motions out of the recorded ones: proportions, mixing, mirroring. World frame, Z up."""

from __future__ import annotations

import numpy as np

from pose_core.skeletons import CANONICAL
from pose_core.skeletons.canonical import stature_lengths
from pose_core.types import BoolArray, FloatArray

_PARENTS = np.array(CANONICAL.parents)
_SIZE_BONES = np.array(
    CANONICAL.indices(*(f"{s}_{j}" for s in ("left", "right") for j in ("knee", "ankle", "elbow", "wrist")))
)
_UPPER = np.array([j for j, name in enumerate(CANONICAL.names) if name.rpartition("_")[2] in
                   {"spine", "chest", "neck", "head", "nose", "shoulder", "elbow", "wrist", "hand"}])  # fmt: skip
_LEG_BONES = list(CANONICAL.indices(*(f"{s}_{j}" for s in ("left", "right") for j in ("knee", "ankle"))))
_TRUNK_BONES = list(CANONICAL.indices("spine", "chest", "neck"))
_HIPS = CANONICAL.indices("left_hip", "right_hip")
_SHOULDERS = CANONICAL.indices("left_shoulder", "right_shoulder")
_FEET = CANONICAL.indices("left_heel", "left_toe", "right_heel", "right_toe")

_ANKLES = CANONICAL.indices("left_ankle", "right_ankle")
_LEGS = [CANONICAL.indices(*(f"{s}_{j}" for j in ("hip", "knee", "ankle", "heel", "toe"))) for s in ("left", "right")]
_CHEST = CANONICAL.index("chest")
_SUPPORT_JOINTS = CANONICAL.indices("left_hand", "right_hand", "left_knee", "right_knee")
_SUPPORT_HEIGHT_M = (0.09, 0.09, 0.11, 0.11)

CONTACT_SPEED_M_S = 0.15
_CONTACT_HEIGHT_M = np.array([0.13, 0.10, 0.13, 0.10])  # heel and ball centres lie above the floor


def scale_bones(joints_m: FloatArray, factors: FloatArray, width_factors: FloatArray) -> FloatArray:
    """Give bodies other proportions, bone directions kept.

    Args:
        joints_m: (B, T, J, 3).
        factors: (B, J) length factor of the bone that ends in each joint.
        width_factors: (B, 2) factor of the distance between the hips and between the shoulders.
    Returns:
        (B, T, J, 3); pelvis where it was.
    """
    bones = joints_m - joints_m[:, :, np.maximum(_PARENTS, 0)]
    bones = bones * factors[:, None, :, None]
    for pair, factor in ((_HIPS, width_factors[:, 0]), (_SHOULDERS, width_factors[:, 1])):
        across = joints_m[:, :, pair[0]] - joints_m[:, :, pair[1]]
        across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-6)
        for joint in pair:
            along = np.sum(bones[:, :, joint] * across, axis=-1, keepdims=True)
            bones[:, :, joint] += (factor[:, None, None] - 1.0) * along * across
    out = np.empty_like(joints_m)
    out[:, :, 0] = joints_m[:, :, 0]
    for j in range(1, len(_PARENTS)):
        out[:, :, j] = out[:, :, _PARENTS[j]] + bones[:, :, j]
    return out


def draw_proportions(rng: np.random.Generator, count: int) -> tuple[FloatArray, FloatArray]:
    """Random `factors` (B, J), alike on both sides, and `width_factors` (B, 2) for `scale_bones`."""
    factors = np.exp(rng.normal(0.0, 0.06, (count, len(CANONICAL))))
    mirrored = CANONICAL.mirror
    factors = np.where(np.arange(len(CANONICAL)) <= mirrored, factors, factors[:, mirrored])
    # long and short legs, long and short trunks
    factors[:, _LEG_BONES] *= np.exp(rng.normal(0.0, 0.05, (count, 1)))
    factors[:, _TRUNK_BONES] *= np.exp(rng.normal(0.0, 0.05, (count, 1)))
    factors *= np.exp(rng.normal(0.0, 0.07, (count, 1)))
    return np.clip(factors, 0.7, 1.4), np.clip(np.exp(rng.normal(0.0, 0.08, (count, 2))), 0.75, 1.3)


def stature_of(joints_m: FloatArray) -> FloatArray:
    """(B,) body height that the lengths of the long limbs tell, by average proportions; joints (B, T, J, 3)."""
    bones = joints_m[:, :, _SIZE_BONES] - joints_m[:, :, _PARENTS[_SIZE_BONES]]
    length = np.median(np.linalg.norm(bones, axis=-1), axis=1)
    return np.asarray(length.sum(axis=-1) / stature_lengths(1.0)[_SIZE_BONES].sum())


def mix_halves(lower_m: FloatArray, upper_m: FloatArray) -> FloatArray:
    """Legs of one performance under the trunk, head and arms of another.

    Args:
        lower_m, upper_m: (B, T, J, 3).
    Returns:
        (B, T, J, 3); the upper body turned so that both pelvises agree.
    """
    turn = _pelvis_axes(lower_m) @ np.swapaxes(_pelvis_axes(upper_m), -1, -2)
    relative = upper_m[:, :, _UPPER] - upper_m[:, :, :1]
    out = lower_m.copy()
    out[:, :, _UPPER] = lower_m[:, :, :1] + relative @ np.swapaxes(turn, -1, -2)
    return out


def mirror_bodies(joints_m: FloatArray, chosen: BoolArray) -> FloatArray:
    """Mirror the chosen sequences at a vertical plane, left and right exchanged."""
    mirrored = joints_m[:, :, CANONICAL.mirror] * np.array([-1.0, 1.0, 1.0], dtype=joints_m.dtype)
    return np.where(chosen[:, None, None, None], mirrored, joints_m)


def label_contacts(joints_m: FloatArray, floor_m: FloatArray, frame_s: float) -> FloatArray:
    """(B, T, 4) 1 where a heel or ball of the foot rests near the floor, else 0.

    Args:
        joints_m: (B, T, J, 3).
        floor_m: (B,) height of the floor.
        frame_s: seconds from frame to frame.
    """
    feet = joints_m[:, :, _FEET]
    speed = np.linalg.norm(np.gradient(feet, frame_s, axis=1), axis=-1)
    low = feet[..., 2] - floor_m[:, None, None] < _CONTACT_HEIGHT_M
    return np.asarray((low & (speed < CONTACT_SPEED_M_S)).astype(np.float64))


def label_supports(joints_m: FloatArray, floor_m: FloatArray, frame_s: float) -> FloatArray:
    """(B, T, 6) 1 where one of `pose_core.lift.answers.SUPPORTS` rests on something, else 0.

    Hands, knees and back rest on the floor where they are near it and hardly move. A seat may have any height: the
    pelvis hardly moves, lower above the feet than three quarters of a leg's length and not over them.

    Args:
        joints_m: (B, T, J, 3).
        floor_m: (B,) height of the floor.
        frame_s: seconds from frame to frame.
    """
    height = joints_m[..., 2] - floor_m[:, None, None]
    still = np.linalg.norm(np.gradient(joints_m, frame_s, axis=1), axis=-1) < CONTACT_SPEED_M_S
    out = [still[..., j] & (height[..., j] < most) for j, most in zip(_SUPPORT_JOINTS, _SUPPORT_HEIGHT_M, strict=True)]
    hip, knee, ankle = (joints_m[:, :, j] for j in _LEGS[0][:3])
    leg = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
    leg_m = np.median(leg, axis=1)[:, None]
    feet = joints_m[:, :, _ANKLES]
    away = np.linalg.norm(joints_m[:, :, 0, :2] - feet[..., :2].mean(axis=2), axis=-1)
    low = joints_m[:, :, 0, 2] - feet[..., 2].min(axis=2) < 0.75 * leg_m
    seat = still[..., 0] & ((low & (away > 0.3 * leg_m)) | (height[..., 0] < 0.2))
    back = still[..., _CHEST] & (height[..., _CHEST] < 0.22)
    return np.stack([*out, seat, back], axis=-1).astype(np.float64)


def draw_stances(rng: np.random.Generator, count: int) -> FloatArray:
    """Random angles (B, 2, 2) for `set_legs_apart`: recorded people stand with their feet together more than most."""
    outward = np.clip(rng.normal(5.0, 6.0, (count, 1)), -3.0, 20.0) + rng.normal(0.0, 2.0, (count, 2))
    stride = rng.normal(0.0, 4.0, (count, 1)) * [1.0, -1.0]
    return np.radians(np.stack([outward, stride], axis=-1))


def set_legs_apart(joints_m: FloatArray, angles: FloatArray) -> FloatArray:
    """Turn the legs about the hips by angles that stay all through a sequence; the feet keep their directions.

    Args:
        joints_m: (B, T, J, 3).
        angles: (B, 2, 2) outward and forward angle of the left and of the right leg, radians.
    Returns:
        (B, T, J, 3); lengths as they were.
    """
    axes = _pelvis_axes(joints_m)[..., :2].mean(axis=1)
    axes[..., 2, :] = 0.0
    axes = axes / np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-6)
    left, front = axes[..., 0], axes[..., 1]
    out = joints_m.copy()
    for side, (hip, knee, ankle, *foot) in enumerate(_LEGS):
        outward = (1.0 if side == 0 else -1.0) * angles[:, side, 0]
        turn = _turn_about(front, -outward) @ _turn_about(left, -angles[:, side, 1])
        for joint in (knee, ankle):
            out[:, :, joint] = joints_m[:, :, hip] + (joints_m[:, :, joint] - joints_m[:, :, hip]) @ turn.transpose(
                0, 2, 1
            )
        for joint in foot:
            out[:, :, joint] = out[:, :, ankle] + joints_m[:, :, joint] - joints_m[:, :, ankle]
    return out


def _turn_about(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """(B, 3, 3) right-handed turns about unit axes (B, 3) by angles (B,)."""
    x, y, z = axis.T
    o = np.zeros_like(x)
    cross = np.stack([np.stack(r, -1) for r in ([o, -z, y], [z, o, -x], [-y, x, o])], axis=-2)
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.asarray(np.eye(3) + s * cross + (1 - c) * (cross @ cross))


def _pelvis_axes(joints_m: FloatArray) -> FloatArray:
    """(B, T, 3, 3) columns: left, front, up of the pelvis."""
    left = joints_m[:, :, _HIPS[0]] - joints_m[:, :, _HIPS[1]]
    left = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-6)
    up = joints_m[:, :, 1] - joints_m[:, :, 0]
    front = np.cross(up, left)
    front = front / np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-6)
    return np.stack([left, front, np.cross(left, front)], axis=-1)
