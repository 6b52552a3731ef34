"""From a frame to a detector's square input, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.detect.detection import Detection
from pose_core.keypoints.crop import Region, region_from_box
from pose_core.types import FloatArray, ImageArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame

GREY = 114
"""What YOLOX and RTMDet were trained to see outside the picture."""


def top_left_window(image_size: tuple[int, int]) -> Region:
    """The square that holds the whole picture at its top left."""
    side = float(max(image_size))
    return Region(side / 2, side / 2, side, side)


def cut_bgr(frame: VideoFrame, window: Region, size: tuple[int, int]) -> ImageArray:
    """The window of the frame at the detector's input size.

    Args:
        frame: the picture.
        window: upright, of the input's proportions.
        size: (width, height) of the input, pixels.
    Returns:
        (height, width, 3) uint8 BGR, grey outside the picture.
    """
    rgb: ImageArray = frame.warp_rgb(window.M_crop_from_frame(size), size, GREY)
    return rgb[..., ::-1]


def to_detections(
    boxes_input: FloatArray,
    scores: FloatArray,
    window: Region,
    size: tuple[int, int],
    image_size: tuple[int, int],
    aspect: float,
) -> list[Detection]:
    """Boxes in the input to people in the frame.

    Args:
        boxes_input: (N, 4) input pixels.
        scores: (N,).
        window: what the input showed.
        size: (width, height) of the input.
        image_size: (width, height) of the frame; boxes are cut at its edge.
        aspect: width over height of the keypoint network's input.
    Returns:
        Detections, most certain first; empty boxes are left out.
    """
    corners = window.to_image(boxes_input.reshape(-1, 2, 2) / np.array(size))
    corners = np.clip(corners, 0.0, np.array(image_size, dtype=np.float64))
    found = []
    for k in np.argsort(-scores, kind="stable"):
        box = corners[k].reshape(4)
        if np.all(box[2:] - box[:2] > 1.0):
            found.append(Detection(box, float(scores[k]), region_from_box(box, aspect)))
    return found
