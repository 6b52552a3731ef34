"""Who the video is about: large, in the middle, and there for long."""

from __future__ import annotations

import numpy as np

from pose_core.types import FloatArray

_EDGE_WEIGHT = 0.4
"""What a person at the edge of the picture counts, against 1 in its middle."""


def frame_prominence(boxes_px: FloatArray, image_size: tuple[int, int]) -> FloatArray:
    """Prominence of people in single frames.

    Args:
        boxes_px: (..., 4) x0, y0, x1, y1; NaN where unseen.
        image_size: (width, height).
    Returns:
        (...) share of the picture that the box covers, times 1 in the middle to 0.4 at its left or right edge; 0 where
        unseen.
    """
    width, height = image_size
    boxes = np.asarray(boxes_px, dtype=np.float64)
    x0, x1 = np.clip(boxes[..., 0], 0, width), np.clip(boxes[..., 2], 0, width)
    y0, y1 = np.clip(boxes[..., 1], 0, height), np.clip(boxes[..., 3], 0, height)
    area = np.maximum(x1 - x0, 0) * np.maximum(y1 - y0, 0) / (width * height)
    off_centre = np.minimum(np.abs((x0 + x1) / width - 1.0), 1.0)
    return np.asarray(np.nan_to_num(area * (1.0 - (1.0 - _EDGE_WEIGHT) * off_centre)))
