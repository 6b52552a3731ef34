"""YOLOX person detectors, with and without suppression of overlaps inside the network.

Source: Ge et al., YOLOX (2021): anchor-free boxes on strides 8, 16 and 32, score = objectness times class.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from pose_core.detect.box_detector import PERSON, BoxDetector, finished_boxes
from pose_core.detect.nms import suppress
from pose_core.errors import ModelError
from pose_core.types import FloatArray

STRIDES = (8, 16, 32)
MOST_OVERLAP = 0.45


class YoloxDetector(BoxDetector):
    """YOLOX with raw outputs (1, N, 5 + classes) or finished boxes (1, N, 5)."""

    USUAL_SIZE = (416, 416)

    def _boxes(self, outputs: list[Any]) -> tuple[FloatArray, FloatArray]:
        if outputs[0].shape[-1] == 5:
            return finished_boxes(outputs, self._least_score)
        return decode_yolox(outputs[0][0], self._size, self._least_score)


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
    scores = raw[:, 4].astype(np.float64) * raw[:, 5 + PERSON]
    likely = np.flatnonzero(scores >= least_score)
    centre = (raw[likely, :2] + cells[likely]) * strides[likely, None]
    half = np.exp(raw[likely, 2:4].astype(np.float64)) * strides[likely, None] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    kept = suppress(boxes, scores[likely], MOST_OVERLAP)
    return boxes[kept], scores[likely][kept]


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
