"""BlazePose's landmark network: 33 landmarks, their 3D, and where to look in the next frame.

Source: the published description of the model (Bazarevsky et al., BlazePose: On-device Real-time Body Pose tracking,
2020; BlazePose GHUM model card) and the constants of the public MediaPipe graphs: input 256x256 RGB in [0, 1]; outputs
39 landmarks of (x, y, z, visibility, presence), a pose flag, 64x64 heatmaps, 39 world landmarks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.keypoints.crop import Region, box_of_points
from pose_core.keypoints.pose import PoseSample
from pose_core.runtime.session import open_session
from pose_core.types import FloatArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame

INPUT_SIZE = 256
LANDMARKS = 33
ALIGNMENT = (33, 34)
"""Rows of the auxiliary landmarks: middle of the hips, and the point above the head that tells scale and turn."""
ROI_SCALE = 1.25
"""Margin around the circle through the alignment points that the network was trained with."""
MIN_POSE_SCORE = 0.5
_OUTPUTS = ("Identity", "Identity_1", "Identity_3", "Identity_4")
_OUTPUTS_WITHOUT_HEATMAP = ("Identity", "Identity_1", "Identity_4")
_KERNEL = 9
_MIN_HEATMAP_CONFIDENCE = 0.5


class BlazePoseLandmarks:
    """Runs the landmark network on turned square regions.

    Args:
        path: `pose_landmark_full.tflite`.
        threads: processor threads of one run.
        parallel: how many runs may go on at once.
        refine: move landmarks to the heatmaps' local centre of mass, as the reference does.
    """

    keypoint_set = "blazepose33"
    sure_score = 0.96

    def __init__(self, path: Path, *, threads: int = 1, parallel: int = 1, refine: bool = True) -> None:
        wanted = _OUTPUTS if refine else _OUTPUTS_WITHOUT_HEATMAP
        self._session = open_session(path, threads=threads, parallel=parallel, wanted_outputs=wanted)
        self._input = self._session.inputs[0].name
        self._order = {info.name: k for k, info in enumerate(self._session.outputs)}
        self._refine = refine

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """The session's diagnostics."""
        return self._session.diagnostics

    def estimate(self, frame: VideoFrame, region: Region) -> PoseSample | None:
        size = (INPUT_SIZE, INPUT_SIZE)
        crop = frame.warp_rgb(region.M_crop_from_frame(size), size, None)
        tensor = np.multiply(crop, np.float32(1 / 255), dtype=np.float32)[None]
        outputs = self._session.run({self._input: tensor})
        score = float(outputs[self._order["Identity_1"]].reshape(-1)[0])
        if score < MIN_POSE_SCORE:
            return None
        landmarks = outputs[self._order["Identity"]].reshape(-1, 5).astype(np.float64)
        unit_xy = landmarks[:35, :2] / INPUT_SIZE
        if self._refine:
            unit_xy = refine_by_heatmap(unit_xy, outputs[self._order["Identity_3"]][0])
        world = outputs[self._order["Identity_4"]].reshape(-1, 3)[:LANDMARKS].astype(np.float64)
        return decode_pose(region, unit_xy, landmarks[:LANDMARKS, 3:5], world, score, (frame.width, frame.height))


def decode_pose(
    region: Region,
    unit_xy: FloatArray,
    visibility_presence: FloatArray,
    world_m: FloatArray,
    score: float,
    image_size: tuple[int, int],
) -> PoseSample:
    """From the network's numbers to a pose in the picture.

    Args:
        region: where the crop lay.
        unit_xy: (35, 2) landmarks and alignment points in the unit square of the crop.
        visibility_presence: (33, 2) logits.
        world_m: (33, 3) world landmarks in the axes of the turned crop, metres.
        score: pose flag, [0, 1].
        image_size: (width, height) of the picture.
    Returns:
        The pose, world landmarks turned into camera axes.
    """
    xy_px = region.to_image(unit_xy)
    certainty = _sigmoid(visibility_presence)
    confidence = certainty[:, 0] * certainty[:, 1] * inside_weight(xy_px[:LANDMARKS], image_size)
    cos, sin = math.cos(region.rotation_rad), math.sin(region.rotation_rad)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    hips, scale_point = xy_px[ALIGNMENT[0]], xy_px[ALIGNMENT[1]]
    return PoseSample(
        xy_px=xy_px[:LANDMARKS],
        confidence=confidence,
        score=score,
        box_px=box_of_points(xy_px[:LANDMARKS], confidence),
        next_region=region_from_alignment(hips, scale_point),
        joints_m=world_m @ turn,
    )


def region_from_alignment(hips_px: FloatArray, scale_point_px: FloatArray) -> Region:
    """The turned square in which the landmark network expects a person.

    Args:
        hips_px: (2,) middle of the hips.
        scale_point_px: (2,) point on the circle around the whole person, above the head when upright.
    Returns:
        A square around the hips, its own "up" pointing to the scale point.
    """
    dx, dy = float(scale_point_px[0] - hips_px[0]), float(scale_point_px[1] - hips_px[1])
    size = 2.0 * ROI_SCALE * math.hypot(dx, dy)
    rotation = math.remainder(math.pi / 2 - math.atan2(-dy, dx), 2 * math.pi)
    return Region(float(hips_px[0]), float(hips_px[1]), size, size, rotation)


def inside_weight(xy_px: FloatArray, image_size: tuple[int, int], falloff: float = 0.03) -> FloatArray:
    """Trust in points outside the picture: nobody saw them, the network only guessed.

    Args:
        xy_px: (K, 2) pixels.
        image_size: (width, height).
        falloff: distance outside, as a share of the picture's longer side, at which 0.6 of the trust is left.
    Returns:
        (K,) 1 inside, falling to 0 outside.
    """
    beyond = np.maximum(np.maximum(-xy_px, xy_px - np.array(image_size)), 0.0)
    distance = np.hypot(beyond[:, 0], beyond[:, 1]) / (falloff * max(image_size))
    return np.asarray(np.exp(-0.5 * distance**2))


def refine_by_heatmap(unit_xy: FloatArray, heatmap_logits: FloatArray) -> FloatArray:
    """Move landmarks to the centre of mass of the heatmap around them, where the heatmap is sure.

    Args:
        unit_xy: (K, 2) in the unit square.
        heatmap_logits: (H, W, >=K) one map a landmark.
    Returns:
        (K, 2) in the unit square.
    """
    height, width = heatmap_logits.shape[:2]
    count = unit_xy.shape[0]
    column = np.floor(unit_xy[:, 0] * width).astype(np.int64)
    row = np.floor(unit_xy[:, 1] * height).astype(np.int64)
    offsets = np.arange(_KERNEL) - _KERNEL // 2
    rows = row[:, None] + offsets
    columns = column[:, None] + offsets
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    window = heatmap_logits[
        np.clip(rows, 0, height - 1)[:, :, None],
        np.clip(columns, 0, width - 1)[:, None, :],
        np.arange(count)[:, None, None],
    ]
    weight = np.where(inside, _sigmoid(window), 0.0)
    total = weight.sum(axis=(1, 2))
    in_map = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    sure = in_map & (weight.max(axis=(1, 2)) >= _MIN_HEATMAP_CONFIDENCE) & (total > 0)
    safe_total = np.where(total > 0, total, 1.0)
    refined_x = (weight.sum(axis=1) * columns).sum(axis=1) / safe_total / width
    refined_y = (weight.sum(axis=2) * rows).sum(axis=1) / safe_total / height
    return np.where(sure[:, None], np.stack([refined_x, refined_y], axis=1), unit_xy)


def _sigmoid(x: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -60.0, 60.0))))
