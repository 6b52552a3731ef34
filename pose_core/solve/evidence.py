"""Which points of the solver's body a model's keypoints show."""

from __future__ import annotations

from functools import cache

import numpy as np

from pose_core.skeletons import CANONICAL, keypoint_set
from pose_core.solve.body.body_model import BODY
from pose_core.types import FloatArray, KeypointTrack

# Keypoints by the point they show, where the names differ; several keypoints are averaged.
_SAME = ("nose", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel")
_OTHER: dict[str, dict[str, tuple[str, ...]]] = {
    "blazepose33": {"index": ("index",), "pinky": ("pinky",), "toe_tip": ("foot_index",)},
    "halpe26": {"toe_tip": ("big_toe", "small_toe")},
    "wholebody133": {
        "toe_tip": ("big_toe", "small_toe"), "index": ("hand_index_1",), "pinky": ("hand_pinky_1",),
    },
}  # fmt: skip

# How much less a keypoint is worth than its confidence says, because people mean different places by its name.
_VAGUE = {"hip": 0.4, "shoulder": 0.6, "index": 0.5, "pinky": 0.5, "toe_tip": 0.6, "heel": 0.7, "ear": 0.7}

LIFTED_POINTS: tuple[int, ...] = tuple(BODY.tree.index(name) for name in CANONICAL.names[1:])
"""Points of the body that lifted joints show: all canonical joints but the pelvis."""


@cache
def observed_points(set_name: str) -> tuple[tuple[int, tuple[int, ...], float], ...]:
    """Points that a keypoint set shows.

    Args:
        set_name: name of the keypoint set.
    Returns:
        For each: index of the body's point, indices of its keypoints, weight in (0, 1].
    """
    names = keypoint_set(set_name).keypoints
    out = []
    for point, name in enumerate(BODY.tree.names):
        side, _, part = name.rpartition("_") if name != "nose" else ("", "", "nose")
        if name.endswith("_toe_tip"):
            side, part = name[: -len("_toe_tip")], "toe_tip"
        sources = _OTHER.get(set_name, {}).get(part, (part,) if part in _SAME else ())
        full = [f"{side}_{s}" if side else s for s in sources]
        if full and all(n in names for n in full):
            out.append((point, tuple(names.index(n) for n in full), _VAGUE.get(part, 1.0)))
    return tuple(out)


def observe_points(track: KeypointTrack) -> tuple[tuple[int, ...], FloatArray, FloatArray]:
    """A track as observations of the body's points.

    Args:
        track: 2D evidence.
    Returns:
        indices of P points; (T, P, 2) pixels; (T, P) confidence, lowered for points that are vaguely defined.
    """
    rows = observed_points(track.keypoint_set)
    xy = np.stack([np.mean(track.xy_px[:, list(keypoints)], axis=1) for _, keypoints, _ in rows], axis=1)
    sure = np.stack([np.min(track.confidence[:, list(k)], axis=1) * weight for _, k, weight in rows], axis=1)
    sure = np.where(np.all(np.isfinite(xy), axis=-1), sure, 0.0)
    return tuple(point for point, _, _ in rows), xy, sure
