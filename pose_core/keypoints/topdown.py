"""Top-down keypoint networks in ONNX format: a person's box in, heatmaps or SimCC out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import ModelError
from pose_core.keypoints.crop import Region, box_of_points, region_from_box
from pose_core.keypoints.heatmap import decode_heatmaps
from pose_core.keypoints.pose import PoseSample
from pose_core.keypoints.simcc import SPLIT_RATIO, decode_simcc
from pose_core.runtime.session import open_session
from pose_core.skeletons import KEYPOINT_SETS
from pose_core.types import FloatArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame

MEAN_RGB = np.array([123.675, 116.28, 103.53], dtype=np.float32)
STD_RGB = np.array([58.395, 57.12, 57.375], dtype=np.float32)
_BODY_MARGIN = 0.12
"""How far head and feet reach beyond the keypoints, as a share of the keypoints' box."""
_MOST_SHRINKING = 0.97
"""A region shrinks by no more than this a frame: legs that are unsure for a moment must not be cut off for good."""
_SURE_KEYPOINT = 0.3
MIN_POSE_SCORE = 0.4
"""Mean confidence of the surer half of the keypoints below which nobody is there; people seen well have over 0.8."""


class TopDownKeypoints:
    """RTMPose, RTMW (SimCC), TinyPose, ViTPose (heatmaps) and the like.

    Args:
        path: the ONNX file; input (N, 3, H, W) RGB with ImageNet mean and deviation.
        head: `simcc` or `heatmap`.
        keypoint_set: name in `KEYPOINT_SETS`; must have as many keypoints as the network.
        device: as in `TrackConfig.device`.
        threads: processor threads of one run.
        heatmap_method: see `decode_heatmaps`.
    """

    sure_score = 0.55

    def __init__(
        self,
        path: Path,
        *,
        head: str,
        keypoint_set: str,
        device: str = "auto",
        threads: int = 1,
        heatmap_method: str = "dark",
    ) -> None:
        self.keypoint_set = keypoint_set
        self._head = head
        self._method = heatmap_method
        self._session = open_session(path, device=device, threads=threads)
        shape = self._session.inputs[0].shape
        if len(shape) != 4 or shape[2] is None or shape[3] is None:
            raise ModelError(f"A network with a fixed (N, 3, H, W) input was expected, but '{path.name}' has {shape}.")
        self._size = (shape[3], shape[2])
        outputs = 2 if head == "simcc" else 1
        if len(self._session.outputs) < outputs:
            raise ModelError(
                f"'{path.name}' has {len(self._session.outputs)} output, but kind '{head}' needs {outputs}."
            )

    @property
    def aspect(self) -> float:
        """Width over height of the input."""
        return self._size[0] / self._size[1]

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """The session's diagnostics."""
        return self._session.diagnostics

    def estimate(self, frame: VideoFrame, region: Region) -> PoseSample | None:
        crop = frame.warp_rgb(region.M_crop_from_frame(self._size), self._size, 0)
        tensor = np.ascontiguousarray(((crop - MEAN_RGB) / STD_RGB).transpose(2, 0, 1), dtype=np.float32)[None]
        outputs = self._session.run({self._session.inputs[0].name: tensor})
        if self._head == "simcc":
            xy_input, value = decode_simcc(outputs[0][0], outputs[1][0], SPLIT_RATIO)
        else:
            height, width = outputs[0].shape[2:]
            xy_cells, value = decode_heatmaps(outputs[0][0], self._method)
            # Trained with cell 0 on the centre of pixel 0, not with cells as blocks of pixels.
            xy_input = xy_cells * np.array([self._size[0] / width, self._size[1] / height])
        # Positions count from pixel centres; the unit square from the corner of the first pixel.
        unit_xy = (xy_input + 0.5) / np.array(self._size)
        if len(value) != len(KEYPOINT_SETS[self.keypoint_set]):
            raise ModelError(
                f"The network reports {len(value)} keypoints, but set '{self.keypoint_set}' has "
                f"{len(KEYPOINT_SETS[self.keypoint_set])}.",
                "Register the model with the keypoint set that it was trained on.",
            )
        return pose_from_unit(region, unit_xy, value, self.aspect)


def pose_from_unit(region: Region, unit_xy: FloatArray, value: FloatArray, aspect: float) -> PoseSample | None:
    """A pose in the picture from keypoints in the crop.

    Args:
        region: where the crop lay.
        unit_xy: (K, 2) in the unit square of the crop.
        value: (K,) the network's own certainty.
        aspect: width over height of the network's input.
    Returns:
        The pose; None if too few keypoints are likely.
    """
    confidence = np.clip(np.asarray(value, dtype=np.float64), 0.0, 1.0)
    score = float(np.mean(np.sort(confidence)[-max(4, len(confidence) // 2) :]))
    if score < MIN_POSE_SCORE:
        return None
    xy_px = region.to_image(unit_xy)
    box = box_of_points(xy_px, confidence, _SURE_KEYPOINT)
    margin = _BODY_MARGIN * np.max(box[2:] - box[:2])
    body = box + margin * np.array([-0.5, -1.0, 0.5, 1.0])
    next_region = region_from_box(body, aspect)
    least = _MOST_SHRINKING * region.width
    if next_region.width < least:
        next_region = Region(next_region.center_x, next_region.center_y, least, least / aspect)
    return PoseSample(
        xy_px=xy_px,
        confidence=confidence,
        score=score,
        box_px=body,
        next_region=next_region,
    )
