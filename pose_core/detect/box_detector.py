"""What person detectors by ONNX share: a square cut of the frame goes in, boxes come out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pose_core.detect.detection import Detection
from pose_core.detect.letterbox import cut_bgr, to_detections, top_left_window
from pose_core.errors import ModelError
from pose_core.keypoints.crop import Region
from pose_core.runtime.session import Session, open_session
from pose_core.types import FloatArray, ImageArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame

PERSON = 0
"""Number of the class `person` in COCO's order."""


class BoxDetector:
    """Finds people by their boxes.

    Args:
        path: the ONNX file.
        least_score: detections below are dropped.
        aspect: width over height of the keypoint network's input.
        device: as in `TrackConfig.device`.
        threads: processor threads.
    """

    USUAL_SIZE: ClassVar[tuple[int, int]]
    """(width, height) of the input where the network leaves it free."""

    def __init__(
        self, path: Path, *, least_score: float = 0.5, aspect: float = 0.75, device: str = "auto", threads: int = 1
    ) -> None:
        self._session = open_session(path, device=device, threads=threads)
        self._size = _input_size(self._session, self.USUAL_SIZE)
        self._least_score = least_score
        self._aspect = aspect

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """The session's diagnostics."""
        return self._session.diagnostics

    def detect(self, frame: VideoFrame, window: Region | None = None) -> list[Detection]:
        """People in a frame, or in a window of it, most certain first."""
        image_size = (frame.width, frame.height)
        window = window or top_left_window(image_size)
        picture = self._normalised(cut_bgr(frame, window, self._size))
        tensor = np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)[None]
        outputs = self._session.run({self._session.inputs[0].name: tensor})
        boxes, scores = self._boxes(outputs)
        return to_detections(boxes, scores, window, self._size, image_size, self._aspect)

    def _normalised(self, bgr: ImageArray) -> NDArray[Any]:
        """The picture in the numbers that the network was trained on."""
        return bgr

    def _boxes(self, outputs: list[Any]) -> tuple[FloatArray, FloatArray]:
        """(M, 4) boxes of people in input pixels and (M,) scores."""
        return finished_boxes(outputs, self._least_score)


def finished_boxes(outputs: list[Any], least_score: float) -> tuple[FloatArray, FloatArray]:
    """Boxes of a network that removes overlaps itself.

    Args:
        outputs: (1, N, 5) x0, y0, x1, y1, score in input pixels; then, if given, (1, N) class numbers.
        least_score: detections below are dropped.
    Returns:
        (M, 4) boxes and (M,) scores of people.
    """
    found = np.asarray(outputs[0][0], dtype=np.float64)
    keep = found[:, 4] >= least_score
    if len(outputs) > 1:
        keep &= np.asarray(outputs[1][0]).reshape(-1) == PERSON
    return found[keep, :4], found[keep, 4]


def _input_size(session: Session, default: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of an (N, 3, H, W) input, or the default where it is free."""
    shape = session.inputs[0].shape
    if len(shape) != 4:
        raise ModelError(f"A network with an (N, 3, H, W) input was expected, but it is {shape}.")
    return (shape[3] or default[0], shape[2] or default[1])
