"""Where a motion is unsure: the spans that deserve a look before the motion is used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.motion_file import Motion
from pose_core.types import BoolArray

UNSURE_SIGMA_M = 0.15
"""Beyond this typical deviation a limb is visibly somewhere else."""
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


def doubt_spans(motion: Motion, sigma_m: float = UNSURE_SIGMA_M) -> tuple[DoubtSpan, ...]:
    """List the spans without a pose, filled across a gap, or of little certainty, in the order of time.

    Args:
        motion: the motion.
        sigma_m: a frame whose median joint deviates by more than this counts as unsure, metres.
    """
    if len(motion.timestamps_s) == 0:
        return ()
    sigma = np.where(np.isfinite(motion.joint_sigma_m), motion.joint_sigma_m, np.inf)
    empty, filled = ~motion.valid, motion.filled
    unsure = ~empty & ~filled & (np.median(sigma, axis=1) > sigma_m)
    spans = [
        *_spans(motion, empty, EMPTY, 0.0),
        *_spans(motion, filled, FILLED, 0.0),
        *_spans(motion, unsure, UNSURE, SHORTEST_SPAN_S),
    ]
    return tuple(sorted(spans, key=lambda span: span.start_s))


def _spans(motion: Motion, where: BoolArray, reason: str, shortest_s: float) -> list[DoubtSpan]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    times = motion.timestamps_s
    found = [DoubtSpan(float(times[a]), float(times[b - 1]), reason) for a, b in edges.reshape(-1, 2)]
    return [span for span in found if span.end_s - span.start_s >= shortest_s]
