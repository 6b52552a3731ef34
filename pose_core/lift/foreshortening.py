"""Lifting from 2D alone: a bone that looks short points towards the camera or away from it.

Under scaled orthography the depth between the ends of a bone of known length follows from its length in the image, up
to its sign (Taylor 2000). Signs come from anatomy: the face tells which side is near, knees bend forward, shanks and
forearms fold the way their joints allow. Rough, and said so by its sigma; it serves models without depth.
"""

from __future__ import annotations

import numpy as np

from pose_core.errors import InsufficientDataError
from pose_core.rotations import unit
from pose_core.skeletons import CANONICAL, joint_mapping
from pose_core.skeletons.canonical import stature_lengths
from pose_core.solve.smoothing import smooth
from pose_core.types import FloatArray, KeypointTrack, LiftedTrack

# One standard deviation across and along the line of sight, as one number a joint; metres.
_SIGMA_M = 0.15
_LEAST_CONFIDENCE = 0.15

# Body height that fixes the scale here; the solver puts the person's own height in its place.
_HEIGHT_M = 1.70

# Bones long and rigid enough to tell the scale of the picture.
_SCALE_BONES = ("left_knee", "right_knee", "left_ankle", "right_ankle", "left_elbow", "right_elbow",
                "left_wrist", "right_wrist")  # fmt: skip

# Which way a bone's end lies from its start, along the direction the body faces (+1 forward, -1 back).
_BENDS = {"knee": 1.0, "ankle": -1.0, "elbow": 0.3, "wrist": 1.0, "toe": 1.0, "heel": -1.0, "hand": 1.0, "nose": 1.0}


def lift_by_foreshortening(track: KeypointTrack, K: FloatArray) -> LiftedTrack:
    """Lift 2D keypoints by the foreshortening of bones.

    Args:
        track: 2D evidence of one person.
        K: (3, 3) intrinsics; only used to correct for pixels that are not square.
    Returns:
        Joints in camera axes relative to the pelvis, with wide sigmas.
    Raises:
        InsufficientDataError: no frame shows a limb.
    Source: C. J. Taylor, "Reconstruction of articulated objects from point correspondences", CVIU 2000.
    """
    mapping = joint_mapping(track.keypoint_set)
    aspect = np.array([1.0, K[0, 0] / K[1, 1]])
    confidence = mapping.confidences(track.confidence)
    xy = mapping.positions(track.xy_px) * aspect
    xy = np.where((confidence >= _LEAST_CONFIDENCE)[..., None], xy, np.nan)
    lengths = stature_lengths(_HEIGHT_M)
    scale = _pixels_per_metre(xy, lengths, track.timestamps_s)
    flat = (xy - xy[:, :1]) / scale[:, None, None]
    turn = _turn_to_side(flat, lengths, track.timestamps_s)
    facing = np.stack([np.sin(turn), np.zeros_like(turn), -np.cos(turn)], axis=1)  # camera axes; 0 looks into the lens
    joints = np.full((*flat.shape[:2], 3), np.nan)
    joints[:, 0] = 0.0
    for j, p in enumerate(CANONICAL.parents):
        if p >= 0:
            across = flat[:, j] - flat[:, p]
            depth = _depth_of_bone(CANONICAL.names[j], across, lengths[j], facing, turn)
            joints[:, j] = joints[:, p] + np.concatenate([across, depth[:, None]], axis=1)
    sigma = np.where(np.isfinite(joints[..., 0]), _SIGMA_M * (2.0 - confidence), np.nan)
    return LiftedTrack(joints, sigma, method="foreshortening")


def _pixels_per_metre(xy: FloatArray, lengths: FloatArray, time_s: FloatArray) -> FloatArray:
    """Image scale a frame: the longest-looking limbs are those across the line of sight."""
    bones = np.array(CANONICAL.indices(*_SCALE_BONES))
    parents = np.array(CANONICAL.parents)[bones]
    ratio = np.linalg.norm(xy[:, bones] - xy[:, parents], axis=-1) / lengths[bones]
    trunk = np.linalg.norm(xy[:, CANONICAL.index("neck")] - xy[:, 0], axis=-1) / (0.33 * _HEIGHT_M)
    ratio = np.concatenate([ratio, trunk[:, None]], axis=1)
    known = np.sum(np.isfinite(ratio), axis=1) >= 3
    if not np.any(known):
        raise InsufficientDataError(
            "No frame shows enough limbs to lift.", "Use a clip in which arms, legs and trunk are visible."
        )
    scale = np.full(len(ratio), np.nan)
    scale[known] = np.nanpercentile(ratio[known], 80, axis=1)
    return np.asarray(np.exp(smooth(np.log(scale)[:, None], known.astype(float), time_s, 0.5)[:, 0]))


def _turn_to_side(flat: FloatArray, lengths: FloatArray, time_s: FloatArray) -> FloatArray:
    """(T,) angle of the body about the vertical: 0 faces the camera, positive faces the right of the image.

    The apparent width of shoulders and hips gives its size, their order front or back, the nose its sign.
    """
    J = CANONICAL
    shoulders = flat[:, J.index("left_shoulder"), 0] - flat[:, J.index("right_shoulder"), 0]
    hips = flat[:, J.index("left_hip"), 0] - flat[:, J.index("right_hip"), 0]
    width_shoulders = 2 * 0.11 * _HEIGHT_M
    width_hips = 2 * lengths[J.index("left_hip")]
    cosine = np.nanmean(np.stack([shoulders / width_shoulders, hips / width_hips]), axis=0)
    sideways = flat[:, J.index("nose"), 0] - flat[:, J.index("head"), 0]
    sine = np.sign(sideways) * np.sqrt(np.maximum(1 - np.clip(cosine, -1, 1) ** 2, 0.0))
    known = np.isfinite(cosine) & np.isfinite(sine)
    if not np.any(known):
        return np.zeros(len(flat))
    phasor = smooth(np.stack([np.clip(cosine, -1, 1), sine], axis=1), known.astype(float), time_s, 1.0)
    return np.asarray(np.arctan2(phasor[:, 1], phasor[:, 0]))


def _depth_of_bone(name: str, across: FloatArray, length_m: float, facing: FloatArray, turn: FloatArray) -> FloatArray:
    """Depth of a bone's end relative to its start, metres."""
    side, _, short = name.rpartition("_")
    if short in {"hip", "shoulder"}:
        # left of the body lies at the right of the image when the person faces the camera
        half = length_m if short == "hip" else 0.11 * _HEIGHT_M
        return np.asarray(half * np.sin(turn) * (1.0 if side == "left" else -1.0))
    if short not in _BENDS:
        return np.zeros(len(across))
    missing = np.sqrt(np.maximum(length_m**2 - np.sum(across**2, axis=1), 0.0))
    towards = unit(facing)[:, 2] * _BENDS[short]
    return np.asarray(missing * np.clip(3 * towards, -1, 1))
