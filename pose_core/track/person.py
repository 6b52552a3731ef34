"""One person while being followed: where they are expected, and what was seen of them."""

from __future__ import annotations

import enum
import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose import PoseSample
from pose_core.track.motion import RegionMotion
from pose_core.types import BoolArray, FloatArray, IntArray, KeypointTrack

_CREDIT = 0.08
"""How much lower the network's score may be for somebody who was seen for long."""


class State(enum.Enum):
    """What happens to a person in each frame."""

    FOLLOWED = "followed"
    """Keypoints are computed."""
    WATCHED = "watched"
    """Too little in the picture to spend time on: only detections are noted."""
    LOST = "lost"
    """Out of sight, may come back."""
    ENDED = "ended"


@dataclass
class Slip:
    """Since when somebody has the same pose as somebody else, and how far that took them off their own path."""

    onto: int
    """Number of the other person."""
    position: int
    time_s: float
    motion_before: RegionMotion
    swerve: float = 0.0
    """Greatest distance from where they were expected, in sizes of their region."""

    def measure(self, region: Region, time_s: float) -> None:
        """Take note of where the person is now."""
        expected = self.motion_before.predict(time_s)
        distance = math.hypot(region.center_x - expected.center_x, region.center_y - expected.center_y)
        self.swerve = max(self.swerve, distance / region.width)


@dataclass
class Person:
    """A person and the record of their poses."""

    number: int
    motion: RegionMotion
    motion_before: RegionMotion
    """As it was before the newest pose, or before the slip that goes on."""
    state: State
    last_seen_s: float
    prominence_s: float = 0.0
    """Prominence added up over time."""
    last_sample: PoseSample | None = None
    slip: Slip | None = None
    restarts: int = 0
    """How often the region was set anew: poses planned before are not of this region."""
    positions: list[int] = field(default_factory=list)
    xy_px: list[FloatArray] = field(default_factory=list)
    confidence: list[FloatArray] = field(default_factory=list)
    joints_m: list[FloatArray | None] = field(default_factory=list)
    boxes_px: list[FloatArray] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    stretch_starts: list[int] = field(default_factory=list)
    """Positions at which the person was found, and found again."""

    def record(self, position: int, sample: PoseSample) -> None:
        """Keep a pose; single precision, as an hour of video holds many."""
        self.positions.append(position)
        self.xy_px.append(sample.xy_px.astype(np.float32))
        self.confidence.append(sample.confidence.astype(np.float32))
        self.joints_m.append(None if sample.joints_m is None else sample.joints_m.astype(np.float32))
        self.boxes_px.append(sample.box_px.astype(np.float32))
        self.scores.append(sample.score)

    def pose_at(self, position: int, like: PoseSample) -> PoseSample | None:
        """The pose recorded at a recent position, None if there is none; `like` lends what is not recorded."""
        k = bisect_left(self.positions, position)
        if k == len(self.positions) or self.positions[k] != position:
            return None
        return replace(like, xy_px=self.xy_px[k].astype(np.float64), confidence=self.confidence[k].astype(np.float64))

    def forget(self, start: int, stop: int | None = None) -> None:
        """Drop the poses recorded from one position on, up to but without another."""
        begin = bisect_left(self.positions, start)
        end = len(self.positions) if stop is None else bisect_left(self.positions, stop)
        for store in self._stores():
            del store[begin:end]

    def drop_doubtful(self, sure_score: float, long_stretch: int) -> None:
        """Drop stretches in which the network was too unsure, on average, that somebody was there.

        Args:
            sure_score: mean score of a real person.
            long_stretch: number of frames from which a somewhat lower mean is enough, as it is for somebody known.
        """
        bounds = [bisect_left(self.positions, start) for start in self.stretch_starts] + [len(self.positions)]
        kept: list[int] = []
        for begin, end in pairwise(bounds):
            is_credible = bool(kept) or end - begin >= long_stretch
            least = sure_score - (_CREDIT if is_credible else 0.0)
            if end > begin and float(np.mean(self.scores[begin:end])) >= least:
                kept.extend(range(begin, end))
        self._keep(kept)

    def restart(self, region: Region, time_s: float) -> None:
        """Look for the person here from now on, whatever was expected before."""
        self.motion = RegionMotion(region, time_s)
        self.slip = None
        self.restarts += 1

    def take_over(self, other: Person) -> None:
        """Join the record of somebody who turned out to be this person, if it ended before this one began."""
        if not other.positions or not self.positions or other.positions[-1] >= self.positions[0]:
            return
        for mine, theirs in zip(self._stores(), other._stores(), strict=True):
            mine[:0] = theirs
            theirs.clear()
        self.stretch_starts[:0] = other.stretch_starts
        self.prominence_s += other.prominence_s
        other.state = State.ENDED

    def _keep(self, which: Iterable[int]) -> None:
        chosen = list(which)
        for store in self._stores():
            store[:] = [store[k] for k in chosen]

    def _stores(self) -> tuple[list[Any], ...]:
        return (self.positions, self.xy_px, self.confidence, self.joints_m, self.boxes_px, self.scores)

    def to_track(
        self,
        person_id: int,
        keypoint_set: str,
        timestamps_s: FloatArray,
        frame_indices: IntArray,
        image_size: tuple[int, int],
        least_confidence: float,
    ) -> KeypointTrack:
        """The record over all frames of the clip.

        Args:
            person_id: number shown to the user.
            keypoint_set: name of the set.
            timestamps_s: (T,) times of all frames.
            frame_indices: (T,) their indices in the video.
            image_size: (width, height).
            least_confidence: keypoints below are dropped.
        Returns:
            The track, NaN where the person was not seen.
        """
        frames, keypoints = len(timestamps_s), self.xy_px[0].shape[0]
        xy = np.full((frames, keypoints, 2), np.nan)
        confidence = np.zeros((frames, keypoints))
        boxes = np.full((frames, 4), np.nan)
        at = np.array(self.positions)
        xy[at], confidence[at], boxes[at] = np.stack(self.xy_px), np.stack(self.confidence), np.stack(self.boxes_px)
        unsure: BoolArray = ~(confidence >= least_confidence) | ~np.isfinite(xy).all(axis=2)
        xy[unsure], confidence[unsure] = np.nan, 0.0
        joints: FloatArray | None = None
        known = [j for j in self.joints_m if j is not None]
        if len(known) == len(at):
            joints = np.full((frames, keypoints, 3), np.nan)
            joints[at] = np.stack(known)
        return KeypointTrack(
            person_id=person_id,
            keypoint_set=keypoint_set,
            timestamps_s=timestamps_s,
            frame_indices=frame_indices,
            xy_px=xy,
            confidence=np.clip(confidence, 0.0, 1.0),
            image_size=image_size,
            boxes_px=boxes,
            model_joints_m=joints,
            diagnostics={"frames_seen": len(at), "prominence_s": round(self.prominence_s, 6)},
        )
