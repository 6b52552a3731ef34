"""The part of the picture that a keypoint network looks at: a rectangle that may be turned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pose_core.types import FloatArray


@dataclass(frozen=True)
class Region:
    """A rectangle in the picture, pixels; (0, 0) is the outer corner of the picture's first pixel."""

    center_x: float
    center_y: float
    width: float
    height: float
    rotation_rad: float = 0.0
    """Angle from the picture's x axis to the rectangle's, clockwise as seen (y points down)."""

    @property
    def is_usable(self) -> bool:
        """Finite and not empty."""
        values = (self.center_x, self.center_y, self.width, self.height, self.rotation_rad)
        return all(map(math.isfinite, values)) and self.width > 1.0 and self.height > 1.0

    @property
    def square_box(self) -> FloatArray:
        """(4,) x0, y0, x1, y1 of the same centre and size without the rotation."""
        x, y, w, h = self.center_x, self.center_y, self.width / 2, self.height / 2
        return np.array([x - w, y - h, x + w, y + h])

    def T_image_from_unit(self) -> FloatArray:
        """(2, 3) affine map from the unit square, (0, 0) at the rectangle's own top left, to the picture."""
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        linear = np.array([[cos * self.width, -sin * self.height], [sin * self.width, cos * self.height]])
        offset = np.array([self.center_x, self.center_y]) - linear @ (0.5, 0.5)
        return np.concatenate([linear, offset[:, None]], axis=1)

    def to_image(self, unit_xy: FloatArray) -> FloatArray:
        """Map points (..., 2) of the unit square to pixels of the picture."""
        T = self.T_image_from_unit()
        return np.asarray(unit_xy @ T[:, :2].T + T[:, 2])

    def M_crop_from_frame(self, crop_size: tuple[int, int]) -> FloatArray:
        """The map by which `VideoFrame.warp_rgb` cuts the rectangle out.

        Args:
            crop_size: (width, height) of the crop, pixels.
        Returns:
            (2, 3) from the frame's pixels to the crop's, integers at pixel centres in both.
        """
        T = self.T_image_from_unit()
        image_from_crop = np.eye(3)
        # Half a pixel lies between counting from a pixel's centre (frames) and from its outer corner (keypoints).
        image_from_crop[:2, :2] = T[:, :2] / np.array(crop_size)
        image_from_crop[:2, 2] = T[:, 2] + image_from_crop[:2, :2] @ (0.5, 0.5) - 0.5
        return np.asarray(np.linalg.inv(image_from_crop)[:2])


def region_from_box(box_px: FloatArray, aspect: float, padding: float = 1.25) -> Region:
    """Widen a person's box to a network's proportions.

    Args:
        box_px: (4,) x0, y0, x1, y1.
        aspect: width over height of the network's input.
        padding: how much larger than the box, so that limbs at its edge are seen whole.
    Returns:
        The upright region around the box's centre.
    """
    x0, y0, x1, y1 = (float(v) for v in box_px)
    width, height = (x1 - x0) * padding, (y1 - y0) * padding
    if width < height * aspect:
        width = height * aspect
    else:
        height = width / aspect
    return Region((x0 + x1) / 2, (y0 + y1) / 2, width, height)


def box_of_points(xy_px: FloatArray, confidence: FloatArray, least_confidence: float = 0.3) -> FloatArray:
    """Box around the keypoints that are sure enough.

    Args:
        xy_px: (K, 2) pixels.
        confidence: (K,) in [0, 1].
        least_confidence: keypoints below count only if fewer than four are above.
    Returns:
        (4,) x0, y0, x1, y1; NaN without any finite keypoint.
    """
    finite = np.all(np.isfinite(xy_px), axis=1)
    sure = finite & (confidence >= least_confidence)
    use = sure if np.count_nonzero(sure) >= 4 else finite
    if not np.any(use):
        return np.full(4, np.nan)
    return np.concatenate([xy_px[use].min(axis=0), xy_px[use].max(axis=0)])
