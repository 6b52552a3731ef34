"""People who stand: windows of recordings in which somebody does, and what a lifter makes of their knees and trunk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pose_core.lab.datasets.mocap import MOCAP_FPS, MocapSet
from pose_core.skeletons import CANONICAL
from pose_core.types import BoolArray, FloatArray, IntArray

STRAIGHT_DEG = 20.0
"""Knees that bend less count as straight."""
_STILL_M_S = 0.35
_UPRIGHT_DEG = 25.0
_SHARE = 0.9
_STEP = 20
_CHAINS = [CANONICAL.indices(f"{s}_hip", f"{s}_knee", f"{s}_ankle") for s in ("left", "right")]
_NECK = CANONICAL.index("neck")


def knee_flexion_deg(joints_m: FloatArray | NDArray[np.float32]) -> FloatArray:
    """(..., 2) how far the left and the right knee bend, 0 is straight; joints (..., J, 3)."""
    out = []
    for hip, knee, ankle in _CHAINS:
        thigh, shin = joints_m[..., knee, :] - joints_m[..., hip, :], joints_m[..., ankle, :] - joints_m[..., knee, :]
        sine = np.linalg.norm(np.cross(thigh, shin), axis=-1)
        out.append(np.degrees(np.arctan2(sine, np.sum(thigh * shin, axis=-1))))
    return np.stack(out, axis=-1).astype(np.float64)


def trunk_lean_deg(joints_m: FloatArray | NDArray[np.float32]) -> FloatArray:
    """(...) angle of the trunk towards (+) or away from the camera, in camera axes; joints (..., J, 3)."""
    trunk = joints_m[..., _NECK, :] - joints_m[..., 0, :]
    return np.degrees(np.arctan2(-trunk[..., 2], np.linalg.norm(trunk[..., :2], axis=-1))).astype(np.float64)


def standing_frames(mocap: MocapSet) -> BoolArray:
    """(N,) frames in which a person stands upright with straight knees and hardly moves; Z up."""
    joints = mocap.joints_m
    straight = np.all(knee_flexion_deg(joints) < STRAIGHT_DEG, axis=-1)
    trunk = joints[:, _NECK] - joints[:, 0]
    upright = trunk[:, 2] > np.cos(np.radians(_UPRIGHT_DEG)) * np.linalg.norm(trunk, axis=-1)
    speed = np.zeros(len(joints))
    speed[1:] = np.linalg.norm(np.diff(joints[:, 0], axis=0), axis=-1) * MOCAP_FPS
    speed[mocap.clip_start] = 0.0
    return np.asarray(straight & upright & (speed < _STILL_M_S))


def standing_windows(mocap: MocapSet, frames: int) -> tuple[IntArray, IntArray]:
    """Windows of people who stand: (W,) clips and (W,) first frames within the clips."""
    stands = standing_frames(mocap)
    clips, starts = [], []
    for clip, (first, length) in enumerate(zip(mocap.clip_start, mocap.clip_length, strict=True)):
        for start in range(0, max(int(length) - frames, 0) + 1, _STEP):
            if stands[first + start : first + min(start + frames, int(length))].mean() >= _SHARE:
                clips.append(clip)
                starts.append(start)
    return np.array(clips, dtype=np.int64), np.array(starts, dtype=np.int64)


def standing_errors(estimate_m: FloatArray, truth_m: FloatArray, frames: BoolArray) -> dict[str, float]:
    """What became of straight knees and of the trunk.

    Args:
        estimate_m: (B, T, J, 3) camera axes.
        truth_m: (B, T, J, 3) the same axes.
        frames: (B, T) which to count; of these the ones with both true knees below 15 degrees are taken.
    Returns:
        `knee_bias_deg`, `knee_median_deg`, `knee_straight_share` (below 20 degrees), `lean_deg` (mean absolute error of
        the trunk's angle along the view).
    """
    true_knees = knee_flexion_deg(truth_m)
    taken = frames & np.all(true_knees < 15.0, axis=-1)
    knees = knee_flexion_deg(estimate_m)[taken]
    lean = np.abs(trunk_lean_deg(estimate_m) - trunk_lean_deg(truth_m))[taken]
    return {
        "knee_bias_deg": float((knees - true_knees[taken]).mean()),
        "knee_median_deg": float(np.median(knees)),
        "knee_straight_share": float((knees < STRAIGHT_DEG).mean()),
        "lean_deg": float(lean.mean()),
    }
