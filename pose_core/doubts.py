"""Where a motion is unsure: the spans that deserve a look before the motion is used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.motion_file import Motion
from pose_core.types import BoolArray

UNSURE_SIGMA_M = 0.15
"""Beyond this typical deviation a limb is visibly somewhere else."""
UNSURE_CONFIDENCE = 0.4
"""Below this mean confidence of the keypoints most of the body is hidden or guessed."""
UNSURE_REPROJECTION = 0.05
"""Beyond this share of the figure's size in the picture the motion visibly leaves the evidence."""
SHORTEST_SPAN_S = 0.1
"""Shorter doubts are smoothed over by what is around them."""

EMPTY, FILLED, UNSURE = "no pose", "filled in", "unsure"


@dataclass(frozen=True)
class DoubtSpan:
    """A stretch of frames of one kind of doubt."""

    start_s: float
    end_s: float
    """Time of the last frame, seconds."""
    reason: str
    """`EMPTY`, `FILLED` or `UNSURE`."""


def doubt_spans(motion: Motion) -> tuple[DoubtSpan, ...]:
    """List the spans without a pose, filled across a gap, or of little certainty, in the order of time."""
    if len(motion.timestamps_s) == 0:
        return ()
    empty, filled = ~motion.valid, motion.filled
    unsure = ~empty & ~filled & unsure_frames(motion)
    spans = [
        *_spans(motion, empty, EMPTY, 0.0),
        *_spans(motion, filled, FILLED, 0.0),
        *_spans(motion, unsure, UNSURE, SHORTEST_SPAN_S),
    ]
    return tuple(sorted(spans, key=lambda span: span.start_s))


def unsure_frames(motion: Motion) -> BoolArray:
    """(T,) whether joints deviate much, few keypoints are trusted, or the motion is off the keypoints."""
    sigma = np.where(np.isfinite(motion.joint_sigma_m), motion.joint_sigma_m, np.inf)
    trusted = motion.keypoint_confidence.mean(axis=1) if motion.keypoint_names else np.ones(len(motion.timestamps_s))
    off = np.isfinite(motion.reprojection_error_px) & np.isfinite(motion.keypoints_px).all(axis=-1)
    far = np.zeros(len(motion.timestamps_s), dtype=bool)
    for t in np.flatnonzero(off.any(axis=1)):
        size_px = float(np.ptp(motion.keypoints_px[t, off[t]], axis=0).max())
        far[t] = np.median(motion.reprojection_error_px[t, off[t]]) > UNSURE_REPROJECTION * size_px
    return np.asarray((np.median(sigma, axis=1) > UNSURE_SIGMA_M) | (trusted < UNSURE_CONFIDENCE) | far)


def _spans(motion: Motion, where: BoolArray, reason: str, shortest_s: float) -> list[DoubtSpan]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    times = motion.timestamps_s
    found = [DoubtSpan(float(times[a]), float(times[b - 1]), reason) for a, b in edges.reshape(-1, 2)]
    return [span for span in found if span.end_s - span.start_s >= shortest_s]
