"""How far a 2D network's keypoints lie from the joints: along the body, across it, constant and changing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lab.clip_measures.who import on_frames
from pose_core.lab.rendered_clips.truth import Truth
from pose_core.maths.rotations import unit
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray, KeypointTrack

PARTS = ("pelvis", "neck", "head", "nose", "hip", "shoulder", "knee", "ankle", "heel", "toe", "elbow", "wrist", "hand")
"""Joints of which offsets are told; left and right together, with outwards positive on both sides."""

_ALONG_LIMB = {
    "knee": "hip", "ankle": "knee", "heel": "ankle", "toe": "ankle", "elbow": "shoulder", "wrist": "elbow",
    "hand": "wrist",
}  # fmt: skip
"""Joints whose direction is that of the bone that ends in them; all others have that of the trunk, upwards."""
_LEAST_SHARE = 0.5
"""A bone that points more towards the camera than this says nothing about what lies along it."""
_LEAST_FRAMES = 8


@dataclass(frozen=True)
class Offset:
    """One joint of one person over one clip, in shares of the person's height."""

    part: str
    along: float
    """Median over the clip: towards the head on the trunk, away from the trunk on a limb."""
    across: float
    """Median over the clip, square to that in the picture: outwards, or to the person's left in the middle."""
    spread_along: float
    """Standard deviation within the clip, by the middle 68 % of the frames."""
    spread_across: float
    frames: int


def joint_offsets(track: KeypointTrack, truth: Truth, person: int) -> list[Offset]:
    """Offsets of every joint that a track shows of a person.

    The distance in the picture is taken at the joint's true depth, and along a bone it is what, moved along the bone
    itself, would look so long.
    """
    frames = len(truth.time_s)
    seen = on_frames(track, frames)
    camera = truth.joints_camera_m[person]
    error = (seen - truth.joints_px[person]) * camera[..., 2:] / truth.K[0, 0]
    counted = np.isfinite(error[..., 0]) & truth.inside[person]
    trunk = _mean(camera, "shoulder") - _mean(camera, "hip")
    left = unit(camera[:, CANONICAL.index("left_shoulder")] - camera[:, CANONICAL.index("right_shoulder")])
    found = []
    for part in PARTS:
        for joint, sign in _joints_of(part):
            side = joint.partition("_")[0]
            at = CANONICAL.index(joint)
            bone = (
                camera[:, at] - camera[:, CANONICAL.index(f"{side}_{_ALONG_LIMB[part]}")]
                if part in _ALONG_LIMB
                else trunk
            )
            one = _offset(part, error[:, at], counted[:, at], bone, sign * left, float(truth.height_m[person]))
            if one is not None:
                found.append(one)
    return found


def _mean(camera_m: FloatArray, name: str) -> FloatArray:
    return np.asarray(camera_m[:, CANONICAL.indices(f"left_{name}", f"right_{name}")].mean(axis=1))


def _joints_of(part: str) -> list[tuple[str, float]]:
    return [(part, 1.0)] if part in CANONICAL.names else [(f"left_{part}", 1.0), (f"right_{part}", -1.0)]


def _offset(
    part: str, error_m: FloatArray, counted: FloatArray, bone_m: FloatArray, outward: FloatArray, height_m: float
) -> Offset | None:
    share = np.linalg.norm(bone_m[:, :2], axis=-1) / np.maximum(np.linalg.norm(bone_m, axis=-1), 1e-9)
    use = counted.astype(bool) & (share >= _LEAST_SHARE)
    if use.sum() < _LEAST_FRAMES:
        return None
    axis = bone_m[use, :2] / np.linalg.norm(bone_m[use, :2], axis=-1, keepdims=True)
    square = np.stack([-axis[:, 1], axis[:, 0]], axis=-1)
    # which of the two sides is outwards; a person in profile has none, and then the picture's right is taken
    towards = np.sum(square * outward[use, :2], axis=-1)
    sign = np.sign(np.median(towards)) or 1.0
    along = np.sum(error_m[use] * axis, axis=-1) / share[use] / height_m
    across = sign * np.sum(error_m[use] * square, axis=-1) / height_m
    # medians: a clip's few frames in which the network took something else for the joint are not its usual place
    return Offset(
        part, float(np.median(along)), float(np.median(across)), _deviation(along), _deviation(across), int(use.sum())
    )


def _deviation(values: FloatArray) -> float:
    """Standard deviation as told by the middle 68 %."""
    low, high = np.percentile(values, (15.9, 84.1))
    return float(high - low) / 2
