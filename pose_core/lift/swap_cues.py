"""Which side is left, from how bodies are built: slow evidence that decides between two smooth labellings."""

from __future__ import annotations

import numpy as np

from pose_core.config import REFERENCE_HEIGHT_M
from pose_core.skeletons.keypoint_sets import KeypointSet
from pose_core.types import FloatArray

# Shoulders are about 0.2 body sizes apart, hips 0.1, ears 0.08: products well below these come from noise.
_TRUNK_SCALE = 0.008
_HEAD_SCALE = 0.006
_FACING_SCALE = 0.08


def trunk_agreement(
    keypoints: KeypointSet, xy_px: FloatArray, confidence: FloatArray, size_px: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Whether neighbouring parts of the trunk have their left on the same side in the picture.

    Nobody turns shoulders against hips, or the head against the shoulders, by much more than a right angle.

    Args:
        keypoints: the set.
        xy_px: (T, K, 2).
        confidence: (T, K).
        size_px: (T,).
    Returns:
        (T,) shoulders and hips, (T,) head and shoulders: in [-1, 1], 1 = agree, 0 = cannot be told.
    """
    xy = xy_px / size_px[:, None, None]
    shoulders, sure_shoulders = _across(keypoints, xy, confidence, "shoulder")
    hips, sure_hips = _across(keypoints, xy, confidence, "hip")
    ears, sure_ears = _across(keypoints, xy, confidence, "ear")
    trunk = sure_shoulders * sure_hips * np.tanh(np.sum(shoulders * hips, axis=-1) / _TRUNK_SCALE)
    head = sure_shoulders * sure_ears * np.tanh(np.sum(shoulders * ears, axis=-1) / _HEAD_SCALE)
    return trunk, head


def side_of_facing(
    keypoints: KeypointSet, joints_m: FloatArray, confidence: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Whether left lies where face and feet say that it must.

    Face and toes tell where front is, whichever side is called left; head over hips tells where up is.

    Args:
        keypoints: the set.
        joints_m: (T, K, 3) the 2D model's own 3D, camera axes.
        confidence: (T, K).
    Returns:
        (T,) for shoulders and for hips: in [-1, 1], 1 = left is left, 0 = cannot be told.
    """
    joints = joints_m / REFERENCE_HEIGHT_M
    zero = np.zeros((len(joints), 3))
    front = zero.copy()
    if "nose" in keypoints.keypoints:
        nose = keypoints.index("nose")
        front += _known(joints[:, nose] - _middle(keypoints, joints, "ear"), confidence[:, nose])
    toe = "foot_index" if "left_foot_index" in keypoints.keypoints else "big_toe"
    front += _known(0.5 * (_middle(keypoints, joints, toe) - _middle(keypoints, joints, "heel")), None)
    up = _known(_middle(keypoints, joints, "shoulder") - _middle(keypoints, joints, "hip"), None)
    left = np.cross(up, front)
    left = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 0.01)
    out = []
    for part in ("shoulder", "hip"):
        across, sure = _across(keypoints, joints, confidence, part)
        out.append(sure * np.tanh(np.sum(across * left, axis=-1) / _FACING_SCALE))
    return out[0], out[1]


def _across(
    keypoints: KeypointSet, points: FloatArray, confidence: FloatArray, part: str
) -> tuple[FloatArray, FloatArray]:
    """(T, D) from right to left, zero where unknown, and (T,) how sure it is."""
    names = (f"left_{part}", f"right_{part}")
    if names[0] not in keypoints.keypoints:
        return np.zeros((len(points), points.shape[-1])), np.zeros(len(points))
    left, right = (keypoints.index(name) for name in names)
    sure = np.minimum(confidence[:, left], confidence[:, right])
    across = points[:, left] - points[:, right]
    known = (sure > 0) & np.all(np.isfinite(across), axis=-1)
    return np.where(known[:, None], across, 0.0), np.where(known, sure, 0.0)


def _middle(keypoints: KeypointSet, points: FloatArray, part: str) -> FloatArray:
    """(T, D) the middle of both sides' keypoints; NaN if the set lacks them."""
    if f"left_{part}" not in keypoints.keypoints:
        return np.full((len(points), points.shape[-1]), np.nan)
    return np.asarray(0.5 * (points[:, keypoints.index(f"left_{part}")] + points[:, keypoints.index(f"right_{part}")]))


def _known(vector: FloatArray, confidence: FloatArray | None) -> FloatArray:
    """The vector where it is known, else zero."""
    known = np.all(np.isfinite(vector), axis=-1)
    if confidence is not None:
        known &= confidence > 0
    return np.where(known[:, None], vector, 0.0)
