"""Which camera to assume."""

from __future__ import annotations

from pose_core.config import CameraConfig
from pose_core.maths.cameras import camera_matrix, default_focal_px, focal_from_35mm, focal_from_fov
from pose_core.types import FloatArray


def choose_intrinsics(config: CameraConfig, image_size: tuple[int, int]) -> tuple[FloatArray, str]:
    """Intrinsics from what the user knows, else a usual camera.

    Args:
        config: focal length or field of view, if known, or what the file states.
        image_size: (width, height) in pixels.
    Returns:
        (3, 3) intrinsics, and `given`, `metadata` or `assumed`.
    """
    if config.focal_px is not None:
        return camera_matrix(config.focal_px, image_size), "given"
    if config.fov_deg is not None:
        return camera_matrix(focal_from_fov(config.fov_deg, image_size), image_size), "given"
    if config.focal_35mm is not None:
        return camera_matrix(focal_from_35mm(config.focal_35mm, image_size), image_size), "metadata"
    return camera_matrix(default_focal_px(image_size), image_size), "assumed"
