"""Pinhole cameras: intrinsics from field of view, projection, transforms."""

from __future__ import annotations

import numpy as np

from pose_core.errors import ConfigError
from pose_core.types import FloatArray

_FILM_DIAGONAL_MM = 43.27  # of 36 x 24 mm


def default_focal_px(image_size: tuple[int, int]) -> float:
    """Focal length to assume when nothing is known: the image diagonal, pixels (about 53 degrees across it)."""
    return float(np.hypot(*image_size))


def focal_from_35mm(focal_mm: float, image_size: tuple[int, int]) -> float:
    """Focal length in pixels from its equivalent on 35 mm film, of which the diagonal counts.

    Args:
        focal_mm: as cameras and telephones state it.
        image_size: (width, height) in pixels.
    Source: CIPA DCG-001, equivalence by the diagonal of the picture.
    """
    return float(np.hypot(*image_size)) * focal_mm / _FILM_DIAGONAL_MM


def focal_from_fov(fov_deg: float, image_size: tuple[int, int]) -> float:
    """Focal length of a field of view measured across the image's longer side.

    Args:
        fov_deg: field of view in degrees, 1 to 175.
        image_size: (width, height) in pixels.
    Returns:
        Focal length in pixels.
    Raises:
        ConfigError: the angle is out of range.
    """
    if not 1.0 <= fov_deg <= 175.0:
        raise ConfigError(f"The field of view must be 1 to 175 degrees, but is {fov_deg:g}.")
    return float(0.5 * max(image_size) / np.tan(np.radians(fov_deg) / 2))


def camera_matrix(focal_px: float, image_size: tuple[int, int]) -> FloatArray:
    """(3, 3) intrinsics with square pixels and the principal point in the middle of the image."""
    width, height = image_size
    return np.array([[focal_px, 0.0, width / 2], [0.0, focal_px, height / 2], [0.0, 0.0, 1.0]])


def project_points(points_camera_m: FloatArray, K: FloatArray) -> FloatArray:
    """Perspective projection.

    Args:
        points_camera_m: (..., 3) in camera axes, metres.
        K: (3, 3) intrinsics, pixels.
    Returns:
        (..., 2) pixels; NaN for points less than 1 mm in front of the camera or behind it.
    """
    points = np.asarray(points_camera_m, dtype=np.float64)
    depth = np.where(points[..., 2:] > 1e-3, points[..., 2:], np.nan)
    return np.asarray((points[..., :2] / depth) @ K[:2, :2].T + K[:2, 2])


def rays_from_pixels(xy_px: FloatArray, K: FloatArray) -> FloatArray:
    """Rays through pixels at unit depth: (..., 2) pixels to (..., 3) with z = 1."""
    xy = np.asarray(xy_px, dtype=np.float64)
    rays = (xy - K[:2, 2]) @ np.linalg.inv(K[:2, :2]).T
    return np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)


def transform_points(T_target_source: FloatArray, points: FloatArray) -> FloatArray:
    """Apply rigid transforms.

    Args:
        T_target_source: (4, 4), or (T, 4, 4) with one transform a frame.
        points: (..., 3), or (T, N, 3) where there is one transform a frame.
    Returns:
        Same shape as `points`.
    """
    T = np.asarray(T_target_source, dtype=np.float64)
    R, t = T[..., :3, :3], T[..., :3, 3]
    if T.ndim == 2:
        return np.asarray(points @ R.T + t)
    return np.asarray(np.einsum("tij,tnj->tni", R, points) + t[:, None])


def rigid_transform(R: FloatArray, t: FloatArray) -> FloatArray:
    """(4, 4) from a rotation (3, 3) and a translation (3,)."""
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = t
    return T


def invert_rigid(T: FloatArray) -> FloatArray:
    """Inverse of rigid transforms (..., 4, 4)."""
    T = np.asarray(T, dtype=np.float64)
    R = np.swapaxes(T[..., :3, :3], -1, -2)
    out = np.zeros_like(T)
    out[..., :3, :3] = R
    out[..., :3, 3] = -np.einsum("...ij,...j->...i", R, T[..., :3, 3])
    out[..., 3, 3] = 1.0
    return out
