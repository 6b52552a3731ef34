"""Lifting by the 2D model's own 3D estimate, for models that have one."""

from __future__ import annotations

import numpy as np

from pose_core.errors import InsufficientDataError
from pose_core.skeletons import joint_mapping
from pose_core.types import FloatArray, KeypointTrack, LiftedTrack

# What the embedded model's world landmarks are off by on referenced footage: well seen joints, and guessed ones.
_SIGMA_SEEN_M = 0.05
_SIGMA_GUESSED_M = 0.15


def lift_by_model_depth(track: KeypointTrack) -> LiftedTrack:
    """Turn a model's own 3D keypoints into canonical joints relative to the pelvis.

    Args:
        track: keypoints with `model_joints_m`.
    Returns:
        Joints in camera axes; a joint is known wherever the model gave a position, with a sigma that grows as the
        confidence of its keypoints falls.
    Raises:
        InsufficientDataError: the model has no 3D of its own.
    """
    if track.model_joints_m is None:
        raise InsufficientDataError(
            f"The model behind '{track.keypoint_set}' gives no depth.", "Choose another lifter."
        )
    mapping = joint_mapping(track.keypoint_set)
    joints = mapping.positions(track.model_joints_m)
    joints = joints - joints[:, :1]
    confidence = mapping.confidences(track.confidence)
    sigma = sigma_from_confidence(confidence)
    return LiftedTrack(joints, np.where(np.isfinite(joints[..., 0]), sigma, np.nan), method="model-depth")


def sigma_from_confidence(confidence: FloatArray) -> FloatArray:
    """One standard deviation in metres for a confidence in [0, 1], log-linear between guessed and seen."""
    return np.asarray(_SIGMA_GUESSED_M * (_SIGMA_SEEN_M / _SIGMA_GUESSED_M) ** confidence)
