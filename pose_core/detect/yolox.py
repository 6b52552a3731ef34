"""YOLOX person detectors, with and without suppression of overlaps inside the network.

Source: Ge et al., YOLOX (2021): anchor-free boxes on strides 8, 16 and 32, score = objectness times class.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.detect.detection import Detection
from pose_core.detect.letterbox import cut_bgr, to_detections, top_left_window
from pose_core.detect.nms import suppress
from pose_core.errors import ModelError
from pose_core.keypoints.crop import Region
from pose_core.runtime.session import Session, open_session
from pose_core.types import FloatArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame

STRIDES = (8, 16, 32)
MOST_OVERLAP = 0.45
_PERSON = 0


class YoloxDetector:
    """Finds people by their boxes.

    Args:
        path: an ONNX file with raw outputs (1, N, 5 + classes) or finished boxes (1, N, 5).
        least_score: detections below are dropped.
        aspect: width over height of the keypoint network's input.
        device: as in `TrackConfig.device`.
        threads: processor threads.
    """

    def __init__(
        self, path: Path, *, least_score: float = 0.5, aspect: float = 0.75, device: str = "auto", threads: int = 1
    ) -> None:
        self._session = open_session(path, device=device, threads=threads)
        self._size = input_size(self._session, (416, 416))
        self._least_score = least_score
        self._aspect = aspect

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """The session's diagnostics."""
        return self._session.diagnostics

    def detect(self, frame: VideoFrame, window: Region | None = None) -> list[Detection]:
        image_size = (frame.width, frame.height)
        window = window or top_left_window(image_size)
        tensor = np.ascontiguousarray(cut_bgr(frame, window, self._size).transpose(2, 0, 1), dtype=np.float32)[None]
        outputs = self._session.run({self._session.inputs[0].name: tensor})
        if outputs[0].shape[-1] == 5:
            boxes, scores = finished_boxes(outputs, self._least_score)
        else:
            boxes, scores = decode_yolox(outputs[0][0], self._size, self._least_score)
        return to_detections(boxes, scores, window, self._size, image_size, self._aspect)


def decode_yolox(raw: FloatArray, size: tuple[int, int], least_score: float) -> tuple[FloatArray, FloatArray]:
    """From raw network outputs to boxes of people.

    Args:
        raw: (N, 5 + classes) centre offsets, log sizes, objectness, class scores; strides one after the other.
        size: (width, height) of the input, pixels.
        least_score: detections below are dropped.
    Returns:
        (M, 4) boxes in input pixels, overlaps removed, best first, and (M,) scores.
    Raises:
        ModelError: the number of rows does not fit the input size.
    """
    cells, strides = _grid(size)
    if raw.shape[0] != cells.shape[0] or raw.shape[1] < 6:
        raise ModelError(f"A YOLOX output of {cells.shape[0]} rows was expected for input {size}, got {raw.shape}.")
    scores = raw[:, 4].astype(np.float64) * raw[:, 5 + _PERSON]
    likely = np.flatnonzero(scores >= least_score)
    centre = (raw[likely, :2] + cells[likely]) * strides[likely, None]
    half = np.exp(raw[likely, 2:4].astype(np.float64)) * strides[likely, None] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    kept = suppress(boxes, scores[likely], MOST_OVERLAP)
    return boxes[kept], scores[likely][kept]


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
        keep &= np.asarray(outputs[1][0]).reshape(-1) == _PERSON
    return found[keep, :4], found[keep, 4]


def input_size(session: Session, default: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of an (N, 3, H, W) input, or the default where it is free."""
    shape = session.inputs[0].shape
    if len(shape) != 4:
        raise ModelError(f"A network with an (N, 3, H, W) input was expected, but it is {shape}.")
    return (shape[3] or default[0], shape[2] or default[1])


@lru_cache(maxsize=4)
def _grid(size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """(N, 2) cell coordinates and (N,) strides of all predictions."""
    cells, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: size[1] // stride, : size[0] // stride]
        layer = np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float64)
        cells.append(layer)
        strides.append(np.full(len(layer), float(stride)))
    return np.concatenate(cells), np.concatenate(strides)
