"""Which way is up, from how people stand, when nobody says how the camera was held."""

from __future__ import annotations

import numpy as np

from pose_core.config import CameraConfig
from pose_core.maths.axes import camera_angles, camera_rotation
from pose_core.maths.rotations import unit
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray

# One standard deviation of how cameras are held about level, and of a single standing frame about upright, radians.
# Frames of one clip err together, so that a clip counts as few independent looks.
_CAMERA_SIGMA = np.radians(15.0)
_STANDING_SIGMA = np.radians(8.0)
_INDEPENDENT_LOOKS = 3.0


def standing_up_vectors(joints_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where a standing person points to, frame by frame, and how much it stands.

    Args:
        joints_m: (T, J, 3) canonical joints, camera axes, relative to the root; NaN where unknown.
    Returns:
        up (T, 3) unit vectors from the feet to the neck; weight (T,) in [0, 1], 0 where unknown or not standing.
    """
    J = CANONICAL
    neck = joints_m[:, J.index("neck")]
    hips = joints_m[:, J.index("pelvis")]
    ankles = joints_m[:, J.indices("left_ankle", "right_ankle")]
    middle = np.mean(ankles, axis=1)
    up = unit(neck - middle)
    trunk, legs = unit(neck - hips), unit(hips - middle)
    straightness = np.sum(trunk * legs, axis=-1)
    thighs = joints_m[:, J.indices("left_knee", "right_knee")] - joints_m[:, J.indices("left_hip", "right_hip")]
    shanks = ankles - joints_m[:, J.indices("left_knee", "right_knee")]
    extension = np.min(np.sum(unit(thighs) * unit(shanks), axis=-1), axis=-1)
    together = np.linalg.norm(ankles[:, 0] - ankles[:, 1], axis=-1) / np.maximum(
        np.linalg.norm(hips - middle, axis=-1), 1e-6
    )
    weight = _ramp(straightness, 0.8, 0.97) * _ramp(extension, 0.3, 0.9) * _ramp(-together, -1.2, -0.5)
    known = np.all(np.isfinite(up), axis=-1) & np.isfinite(weight)
    return np.where(known[:, None], up, 0.0), np.where(known, weight, 0.0)


def estimate_camera_rotation(joints_m: FloatArray, config: CameraConfig) -> tuple[FloatArray, dict[str, float]]:
    """Rotation of a static camera in a world whose Z points up.

    Args:
        joints_m: (T, J, 3) canonical joints, camera axes, relative to the root.
        config: pitch and roll where the user knows them.
    Returns:
        (3, 3) `R_world_camera`, and diagnostics: pitch and roll in degrees, the share of standing frames.
    """
    up, weight = standing_up_vectors(joints_m)
    robust = np.ones(len(weight))
    mean = np.array([0.0, -1.0, 0.0])
    total = float(np.sum(weight))
    if total > 0:
        for _ in range(10):
            mean = unit(np.sum(up * (weight * robust)[:, None], axis=0), mean)
            angle = np.arccos(np.clip(up @ mean, -1, 1))
            robust = 1.0 / (1.0 + (angle / np.radians(10.0)) ** 2) ** 2
    looks = min(total / 5.0, 1.0) * _INDEPENDENT_LOOKS
    pitch, roll = camera_angles(mean)
    shrink = looks / _STANDING_SIGMA**2 / (looks / _STANDING_SIGMA**2 + _CAMERA_SIGMA**-2)
    pitch, roll = pitch * shrink, roll * shrink
    if config.pitch_deg is not None:
        pitch = float(np.radians(config.pitch_deg))
    if config.roll_deg is not None:
        roll = float(np.radians(config.roll_deg))
    diagnostics = {
        "camera_pitch_deg": float(np.degrees(pitch)),
        "camera_roll_deg": float(np.degrees(roll)),
        "standing_share": total / max(len(weight), 1),
    }
    return camera_rotation(pitch, roll), diagnostics


def _ramp(value: FloatArray, low: float, high: float) -> FloatArray:
    return np.asarray(np.clip((value - low) / (high - low), 0.0, 1.0))
