"""Fixed frames and the rotations between them.

World and rig: Blender's, right-handed, X to the character's left when it faces the viewer, Z up; a character at rest
looks along -Y. Camera: OpenCV's, x right, y down, z forward.
"""

from __future__ import annotations

import numpy as np

from pose_core.types import FloatArray

UP_WORLD: FloatArray = np.array([0.0, 0.0, 1.0])
FORWARD_REST: FloatArray = np.array([0.0, -1.0, 0.0])
LEFT_REST: FloatArray = np.array([1.0, 0.0, 0.0])

R_WORLD_LEVEL_CAMERA: FloatArray = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""World from a level camera that looks along +Y: x right -> +X, y down -> -Z, z forward -> +Y."""


def camera_rotation(pitch_rad: float, roll_rad: float) -> FloatArray:
    """Rotation of a static camera in the world.

    Args:
        pitch_rad: upwards positive; a camera that looks down at the floor has a negative pitch.
        roll_rad: clockwise positive, seen from behind the camera; a camera rolled clockwise sees an upright person
            lean to the left.
    Returns:
        (3, 3) `R_world_camera`; the camera looks along +Y of the world (yaw is free and set to 0).
    """
    cp, sp = np.cos(pitch_rad), np.sin(pitch_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    pitch = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
    roll = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(R_WORLD_LEVEL_CAMERA @ pitch @ roll)


def camera_angles(up_camera: FloatArray) -> tuple[float, float]:
    """Pitch and roll of a camera from the world's up direction in camera axes.

    Args:
        up_camera: (3,) direction of the world's up in camera axes; any length > 0.
    Returns:
        (pitch_rad, roll_rad), the inverse of `camera_rotation`.
    """
    up = np.asarray(up_camera, dtype=np.float64) / np.linalg.norm(up_camera)
    pitch = float(np.arcsin(np.clip(up[2], -1.0, 1.0)))
    roll = float(np.arctan2(-up[0], -up[1]))
    return pitch, roll
