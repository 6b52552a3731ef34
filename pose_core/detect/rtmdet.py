"""RTMDet person detectors, with suppression of overlaps inside the network.

Source: Lyu et al., RTMDet (2022), as exported by MMDeploy: outputs `dets` (N, M, 5) and `labels` (N, M).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.detect.detection import Detection
from pose_core.detect.letterbox import cut_bgr, to_detections, top_left_window
from pose_core.detect.yolox import finished_boxes, input_size
from pose_core.keypoints.crop import Region
from pose_core.runtime.session import open_session

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame

MEAN_BGR = np.array([103.53, 116.28, 123.675], dtype=np.float32)
STD_BGR = np.array([57.375, 57.12, 58.395], dtype=np.float32)


class RtmdetDetector:
    """Finds people by their boxes.

    Args:
        path: the ONNX file.
        least_score: detections below are dropped.
        aspect: width over height of the keypoint network's input.
        device: as in `TrackConfig.device`.
        threads: processor threads.
    """

    def __init__(
        self, path: Path, *, least_score: float = 0.5, aspect: float = 0.75, device: str = "auto", threads: int = 1
    ) -> None:
        self._session = open_session(path, device=device, threads=threads)
        self._size = input_size(self._session, (320, 320))
        self._least_score = least_score
        self._aspect = aspect

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """The session's diagnostics."""
        return self._session.diagnostics

    def detect(self, frame: VideoFrame, window: Region | None = None) -> list[Detection]:
        image_size = (frame.width, frame.height)
        window = window or top_left_window(image_size)
        picture = (cut_bgr(frame, window, self._size) - MEAN_BGR) / STD_BGR
        tensor = np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)[None]
        outputs = self._session.run({self._session.inputs[0].name: tensor})
        boxes, scores = finished_boxes(outputs, self._least_score)
        return to_detections(boxes, scores, window, self._size, image_size, self._aspect)
