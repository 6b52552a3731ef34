"""Which track is which person, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lab.rendered_clips.truth import Truth
from pose_core.skeletons import CANONICAL, joint_mapping
from pose_core.types import FloatArray, IntArray, KeypointTrack

_TRUNK = CANONICAL.indices("left_hip", "right_hip", "left_shoulder", "right_shoulder", "head")
_NEAR = 0.20
"""Mean distance of a person's joints, as a share of the person's height in the picture, that still is that person."""
_SEEN = 0.5


@dataclass(frozen=True, eq=False)
class Match:
    """The tracks of a clip and its people."""

    person_of_track: IntArray
    """(N,) whom a track shows in most of its frames; -1 = nobody."""
    right_share: float
    """Share of the frames of all tracks in which they show the person they mostly show."""
    lost_share: float
    """Share of the frames in which a person is in the picture, but no track shows that person."""

    def track_of(self, person: int) -> int | None:
        """The first track that shows a person."""
        found = np.flatnonzero(self.person_of_track == person)
        return int(found[0]) if len(found) else None


def on_frames(track: KeypointTrack, frames: int) -> FloatArray:
    """(T, 24, 2) canonical joints in pixels on all frames of a clip; NaN where unseen."""
    out = np.full((frames, len(CANONICAL), 2), np.nan)
    inside = track.frame_indices < frames
    out[track.frame_indices[inside]] = joint_mapping(track.keypoint_set).positions(track.xy_px)[inside]
    return out


def match_people(tracks: list[KeypointTrack], truth: Truth) -> Match:
    """Find out whom each track shows."""
    frames = len(truth.time_s)
    px, inside = truth.joints_px, truth.inside
    visible = inside.mean(axis=-1) >= _SEEN
    size = np.linalg.norm(np.ptp(px, axis=2), axis=-1)
    nearest = np.full((len(tracks), frames), -1)
    for n, track in enumerate(tracks):
        joints = on_frames(track, frames)[:, _TRUNK]
        apart = np.linalg.norm(joints[None] - px[:, :, _TRUNK], axis=-1)
        counted = np.isfinite(apart)
        mean = np.sum(np.where(counted, apart, 0.0), axis=-1) / np.maximum(counted.sum(axis=-1), 1)
        mean = np.where(counted.sum(axis=-1) >= 2, mean / size, np.inf)
        best = np.argmin(mean, axis=0)
        close = mean[best, np.arange(frames)] < _NEAR
        nearest[n] = np.where(close, best, -1)
    person = np.array([_most(row) for row in nearest], dtype=np.int64)
    followed = [nearest[n] >= 0 for n in range(len(tracks))]
    total = float(sum(f.sum() for f in followed))
    right = float(sum((nearest[n] == person[n]).sum() for n in range(len(tracks)) if person[n] >= 0))
    lost = sum(float((visible[p] & ~np.any(nearest == p, axis=0)).sum()) for p in range(len(px)))
    return Match(person, right / total if total else float("nan"), lost / max(float(visible.sum()), 1.0))


def _most(row: IntArray) -> int:
    found = row[row >= 0]
    return int(np.bincount(found).argmax()) if len(found) else -1
