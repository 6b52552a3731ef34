"""The body without its place in space: smoothed joint positions, constant bone lengths, rotations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.rotations import continuous_quaternions, matrix_to_quaternion, quaternion_to_matrix
from pose_core.skeletons import CANONICAL, rest_offsets_from_lengths
from pose_core.solve.start.orientation import local_rotations, rotations_from_joints
from pose_core.solve.start.smoothing import smooth, smooth_robust
from pose_core.types import BoolArray, FloatArray

# Highest frequency that people's joints move at with any strength, Hz: the trunk is slow, hands and feet are fast.
_CUTOFF_HZ = {"trunk": 4.0, "limb": 5.0, "end": 6.0}
_TRUNK = ("pelvis", "spine", "chest", "neck", "head", "nose", "hip", "shoulder")
_END = ("wrist", "hand", "ankle", "heel", "toe")

# A joint this far off its neighbours in time is an outlier, metres.
_OUTLIER_M = 0.15

# Rotations are smoothed lightly once more, as the twist estimates carry noise of their own.
_ROTATION_CUTOFF_HZ = 7.0


@dataclass(frozen=True, eq=False)
class Body:
    """Rotations in the world and the joints that follow from them, relative to the root."""

    rotations_wxyz: FloatArray
    """(T, J, 4) local rotations, signs continuous in time."""
    offsets_m: FloatArray
    """(T, J, 3) joints relative to the root, world axes."""
    rest_offsets_m: FloatArray
    """(J, 3)"""


def cutoffs_hz(smoothness: float) -> FloatArray:
    """(J,) cut-off frequency per joint; four times the smoothness halves it, 0 lifts it altogether."""
    if smoothness == 0:
        return np.full(len(CANONICAL), np.inf)
    out = []
    for name in CANONICAL.names:
        short = name.removeprefix("left_").removeprefix("right_")
        kind = "trunk" if short in _TRUNK else "end" if short in _END else "limb"
        out.append(_CUTOFF_HZ[kind] / np.sqrt(smoothness))
    return np.array(out)


def smooth_joints(joints_m: FloatArray, weights: FloatArray, time_s: FloatArray, smoothness: float) -> FloatArray:
    """Smooth each joint's path and fill what is missing.

    Args:
        joints_m: (T, J, 3) relative to the root; NaN where unknown.
        weights: (T, J) >= 0; 1 is an ordinary measurement.
        time_s: (T,) strictly increasing.
        smoothness: the user's setting.
    Returns:
        (T, J, 3); NaN only for joints never seen.
    """
    out = np.empty_like(joints_m)
    known = np.where(np.all(np.isfinite(joints_m), axis=-1), weights, 0.0)
    for j, cutoff in enumerate(cutoffs_hz(smoothness)):
        out[:, j] = smooth_robust(joints_m[:, j], known[:, j], time_s, cutoff, _OUTLIER_M)
    return out


def complete_joints(joints_m: FloatArray, lengths_m: FloatArray) -> FloatArray:
    """Put joints that no frame shows where they would be at rest, seen from their parents.

    Args:
        joints_m: (T, J, 3) world axes, NaN columns for joints never seen.
        lengths_m: (J,) bone lengths.
    Returns:
        (T, J, 3) finite, as long as the pelvis is.
    """
    out = joints_m.copy()
    rest = rest_offsets_from_lengths(lengths_m)
    for j, p in enumerate(CANONICAL.parents):
        if p < 0 or np.all(np.isfinite(out[:, j])):
            continue
        short = CANONICAL.names[j].removeprefix("left_").removeprefix("right_")
        if short in {"hand", "heel", "toe"} and CANONICAL.parents[p] >= 0:
            along = out[:, p] - out[:, CANONICAL.parents[p]]
            out[:, j] = out[:, p] + _continue_limb(short, along, lengths_m[j], out)
        else:
            out[:, j] = out[:, p] + rest[j]
    return out


def _continue_limb(short: str, along: FloatArray, length_m: float, joints: FloatArray) -> FloatArray:
    """A hand goes on along the forearm; a foot stands across the shank, in the direction that the hips face."""
    axis = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    if short == "hand":
        return np.asarray(axis * length_m)
    left, right, spine = CANONICAL.indices("left_hip", "right_hip", "spine")
    facing = np.cross(joints[:, spine] - joints[:, 0], joints[:, right] - joints[:, left])
    facing = -facing + axis * np.sum(facing * axis, axis=-1, keepdims=True)
    facing = -facing / np.maximum(np.linalg.norm(facing, axis=-1, keepdims=True), 1e-9)
    forward, down = (0.9, 0.44) if short == "toe" else (-0.62, 0.79)
    return np.asarray((facing * forward + axis * down) * length_m)


def build_body(
    joints_m: FloatArray, lengths_m: FloatArray, time_s: FloatArray, valid: BoolArray, smoothness: float
) -> Body:
    """Rotations and joints with exact bone lengths that follow given joint positions.

    Args:
        joints_m: (T, J, 3) world axes, any translation, finite.
        lengths_m: (J,) bone lengths.
        time_s: (T,) strictly increasing.
        valid: (T,) frames that count; quaternion signs and smoothing look at these alone.
        smoothness: the user's setting.
    Returns:
        The body; frames that are not valid are filled all the same.
    """
    local = local_rotations(rotations_from_joints(joints_m, time_s))
    quaternions = continuous_quaternions(matrix_to_quaternion(local))
    if smoothness > 0 and np.sum(valid) >= 3:
        cutoff = _ROTATION_CUTOFF_HZ / np.sqrt(smoothness)
        flat = smooth(quaternions.reshape(len(time_s), -1), valid.astype(float), time_s, cutoff)
        quaternions = flat.reshape(quaternions.shape)
    quaternions = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    rest = rest_offsets_from_lengths(lengths_m)
    offsets, _ = CANONICAL.forward_kinematics(quaternion_to_matrix(quaternions), rest, np.zeros((len(time_s), 3)))
    return Body(quaternions, offsets, rest)
