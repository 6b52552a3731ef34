"""BlazePose's person detector: an SSD on a 224x224 picture that tells where the landmark network is to look.

Source: Bazarevsky et al., BlazePose (2020), and the constants of the public MediaPipe graph: input RGB in [-1, 1],
letterboxed; 2254 anchors; 12 numbers an anchor (box of the head, and four points: middle of the hips and scale point of
the full body, then the same two of the upper body).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.detect.detection import Detection
from pose_core.detect.nms import blend_overlapping
from pose_core.keypoints.blazepose import ROI_SCALE, region_from_alignment
from pose_core.keypoints.crop import Region, region_from_box
from pose_core.runtime.session import open_session
from pose_core.types import FloatArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame

INPUT_SIZE = 224
ANCHOR_LAYERS = ((8, 2), (16, 2), (32, 6))
"""(stride, anchors a cell): the three layers of stride 32 are one with six anchors."""
_MOST_OVERLAP = 0.3
_MOST_CANDIDATES = 200


class BlazePoseDetector:
    """Finds people by their heads and tells their whole-body regions.

    Args:
        path: `pose_detection.tflite`.
        least_score: detections below are dropped.
        threads: processor threads of one run.
        parallel: how many runs may go on at once.
        aspect: width over height of the network that is to look at people, for networks other than BlazePose's; they
            get upright regions around the whole body.
    """

    def __init__(
        self,
        path: Path,
        *,
        least_score: float = 0.5,
        threads: int = 1,
        parallel: int = 1,
        aspect: float | None = None,
    ) -> None:
        self._session = open_session(path, threads=threads, parallel=parallel)
        self._input = self._session.inputs[0].name
        self._least_score = least_score
        self._aspect = aspect

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """The session's diagnostics."""
        return self._session.diagnostics

    def detect(self, frame: VideoFrame, window: Region | None = None) -> list[Detection]:
        if window is None:
            side = float(max(frame.width, frame.height))
            window = Region(frame.width / 2, frame.height / 2, side, side)
        size = (INPUT_SIZE, INPUT_SIZE)
        picture = frame.warp_rgb(window.M_crop_from_frame(size), size, 0)
        tensor = (picture.astype(np.float32) * np.float32(2 / 255) - np.float32(1))[None]
        numbers, logits = self._session.run({self._input: tensor})
        points, scores = decode_detections(numbers[0], logits[0, :, 0], self._least_score)
        points = window.to_image(points / INPUT_SIZE)
        return [_detection(p, float(s), self._aspect) for p, s in zip(points, scores, strict=True)]


def _detection(points: FloatArray, score: float, aspect: float | None) -> Detection:
    region = region_from_alignment(points[2], points[3])
    # The alignment circle is drawn around the whole body, head to feet; people are about half as wide as tall.
    half = region.width / ROI_SCALE / 2
    box = np.array([-half / 2, -half, half / 2, half]) + np.tile([region.center_x, region.center_y], 2)
    return Detection(box, score, region if aspect is None else region_from_box(box, aspect))


@lru_cache(maxsize=1)
def anchor_centres() -> FloatArray:
    """(2254, 2) centres of the anchors, input pixels, row by row within each layer."""
    layers = []
    for stride, per_cell in ANCHOR_LAYERS:
        cells = INPUT_SIZE // stride
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride
        layers.append(np.repeat(centres, per_cell, axis=0))
    return np.concatenate(layers)


def decode_detections(numbers: FloatArray, logits: FloatArray, least_score: float) -> tuple[FloatArray, FloatArray]:
    """From the network's numbers to people.

    Args:
        numbers: (2254, 12) box centre, box size and four points, relative to the anchors' centres, input pixels.
        logits: (2254,) person scores before the sigmoid.
        least_score: in (0, 1).
    Returns:
        (N, 6, 2) box corners (2) and points (4) in input pixels, and (N,) scores, best first.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -100.0, 100.0)))
    likely = np.flatnonzero(scores >= least_score)
    likely = likely[np.argsort(-scores[likely], kind="stable")][:_MOST_CANDIDATES]
    if likely.size == 0:
        return np.zeros((0, 6, 2)), np.zeros(0)
    chosen = numbers[likely].astype(np.float64).reshape(-1, 6, 2)
    centres = anchor_centres()[likely]
    middle, half = chosen[:, 0] + centres, chosen[:, 1] / 2
    values = np.stack([middle - half, middle + half], axis=1)
    values = np.concatenate([values, chosen[:, 2:] + centres[:, None]], axis=1)
    blended, best = blend_overlapping(
        values[:, :2].reshape(-1, 4), scores[likely], values.reshape(-1, 12), _MOST_OVERLAP
    )
    return blended.reshape(-1, 6, 2), best
