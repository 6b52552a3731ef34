"""What is known of one person, in canonical joints: the 2D track and its lift brought together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.config import SolveConfig
from pose_core.errors import InsufficientDataError
from pose_core.skeletons import joint_mapping
from pose_core.solve.start.smoothing import fill_spans
from pose_core.types import BoolArray, FloatArray, KeypointTrack, LiftedTrack

# A frame needs this many joints, seen at least this well, to count as evidence.
_LEAST_JOINTS = 6
_LEAST_CONFIDENCE = 0.2


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one person, in canonical joints."""

    time_s: FloatArray
    xy_px: FloatArray
    confidence: FloatArray
    lifted_m: FloatArray
    sigma_m: FloatArray
    person_px: FloatArray
    seen: BoolArray
    valid: BoolArray
    lift_height_m: float | None = None
    """Height of the person whose joints were lifted; None if their size says nothing."""


def gather_evidence(track: KeypointTrack, lifted: LiftedTrack, config: SolveConfig) -> Evidence:
    """Bring a track and its lift into canonical joints.

    Raises:
        InsufficientDataError: no frame shows enough of the person.
    """
    mapping = joint_mapping(track.keypoint_set)
    xy, confidence = mapping.positions(track.xy_px), mapping.confidences(track.confidence)
    confidence = np.where(np.isfinite(xy[..., 0]), confidence, 0.0)
    known = np.isfinite(lifted.joints_m[..., 0])
    seen = np.sum((confidence >= _LEAST_CONFIDENCE) & known, axis=1) >= _LEAST_JOINTS
    if not np.any(seen):
        raise InsufficientDataError(
            f"Person {track.person_id} is not seen well enough in any of {len(track.timestamps_s)} frames.",
            "Use a clip in which most of the body is visible.",
        )
    confidence = np.where(seen[:, None], confidence, 0.0)
    size = np.max(track.boxes_px[:, 2:] - track.boxes_px[:, :2], axis=1)
    return Evidence(
        track.timestamps_s, xy, confidence, np.where(seen[:, None, None], lifted.joints_m, np.nan), lifted.sigma_m,
        np.where(seen, size, np.nan), seen, fill_spans(seen, track.timestamps_s, config.max_gap_s),
        lifted.height_m,
    )  # fmt: skip
