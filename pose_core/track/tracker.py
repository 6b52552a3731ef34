"""Who is who from frame to frame.

Each person is followed by their own region; the detector looks for further people from time to time, and for people
lost from sight. The tracker only decides: the networks are run by its caller, side by side where possible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pose_core.detect.detection import Detection
from pose_core.detect.nms import box_iou
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose import PoseSample
from pose_core.track.affinity import best_pairs, keypoint_similarity
from pose_core.track.motion import RegionMotion
from pose_core.track.person import Person, State
from pose_core.track.prominence import frame_prominence
from pose_core.types import FloatArray

Estimate = Callable[[Region], PoseSample | None]


@dataclass(frozen=True)
class TrackerRules:
    """Thresholds of the tracker."""

    detect_every_s: float = 0.5
    """How often to look for further people."""
    search_every_s: float = 0.1
    """How often to look for somebody lost, while others are in sight."""
    most_lost_s: float = 1.5
    """Somebody out of sight for longer comes back as a new person."""
    keep_trying_s: float = 0.12
    """How long to go on looking where a person should be, after the network has said that nobody is there."""
    least_overlap: float = 0.35
    """Regions that overlap less (intersection over union) are not the same person."""
    same_pose: float = 0.55
    """Keypoint similarity above which two regions hold the same person."""
    double_frames: int = 4
    """So many frames in a row with the same pose mean that one of two people was taken for the other."""
    only_prominent: bool = True
    """Do not compute keypoints of people who cannot be the most prominent one."""
    watch_below: float = 0.4
    """Share of the most prominent person's prominence below which that is so."""


class PeopleTracker:
    """Follows everybody through a clip.

    Args:
        image_size: (width, height) of the frames, pixels.
        rules: thresholds.
    """

    def __init__(self, image_size: tuple[int, int], rules: TrackerRules) -> None:
        self.people: list[Person] = []
        self._image_size = image_size
        self._rules = rules
        self._last_planned_detection_s = -math.inf
        self._last_frame_s = -math.inf
        self._last_detection_s = -math.inf

    def plan_regions(self, time_s: float) -> dict[int, Region]:
        """Where to compute keypoints in the frame of this time: region by person number."""
        return {
            person.number: person.motion.predict(time_s)
            for person in self.people
            if person.state is State.FOLLOWED and not self._is_outside(person.motion.predict(time_s))
        }

    def plan_detection(self, time_s: float) -> bool:
        """Whether to run the detector on the frame of this time."""
        states = {person.state for person in self.people}
        interval = self._rules.detect_every_s
        if State.FOLLOWED not in states:
            interval = 0.0
        elif State.LOST in states:
            interval = min(interval, self._rules.search_every_s)
        due = time_s >= self._last_planned_detection_s + interval - 1e-6
        if due:
            self._last_planned_detection_s = time_s
        return due

    def collect(
        self,
        position: int,
        time_s: float,
        samples: Mapping[int, PoseSample | None],
        detections: list[Detection] | None,
        estimate: Estimate,
    ) -> None:
        """Take in what the networks said of a frame.

        Args:
            position: the frame's place in the clip, from 0, one more at every call.
            time_s: its time.
            samples: pose by person number, for the planned regions.
            detections: people found, None if the detector was not run.
            estimate: computes keypoints in a region of this frame.
        """
        frame_s = min(time_s - self._last_frame_s, 0.5) if math.isfinite(self._last_frame_s) else 0.0
        for person in self.people:
            if person.state is State.FOLLOWED:
                # Somebody found after this frame was planned has no pose yet.
                known = person.number in samples
                sample = samples[person.number] if known else estimate(person.motion.predict(time_s))
                self._take_sample(person, position, time_s, sample)
        self._part_doubles(position)
        if detections is not None:
            self._take_detections(position, time_s, detections, estimate)
            self._last_detection_s = time_s
        for person in self.people:
            if person.state is State.LOST and time_s - person.last_seen_s > self._rules.most_lost_s:
                person.state = State.ENDED
            if person.state is State.FOLLOWED and person.last_sample is not None:
                person.prominence_s += frame_s * float(frame_prominence(person.last_sample.box_px, self._image_size))
        self._last_frame_s = time_s

    def _take_sample(self, person: Person, position: int, time_s: float, sample: PoseSample | None) -> None:
        if sample is not None and sample.next_region.is_usable and not self._is_outside(sample.next_region):
            person.motion.update(sample.next_region, time_s)
            person.last_sample = sample
            person.last_seen_s = time_s
            person.record(position, sample)
        elif time_s - person.last_seen_s > self._rules.keep_trying_s:
            person.state = State.LOST
            person.last_sample = None

    def _part_doubles(self, position: int) -> None:
        """Let go of a person whose region has slipped onto somebody else."""
        followed = [p for p in self.people if p.state is State.FOLLOWED and p.last_sample is not None]
        doubles: set[int] = set()
        for k, first in enumerate(followed):
            for second in followed[k + 1 :]:
                assert first.last_sample is not None and second.last_sample is not None
                if keypoint_similarity(first.last_sample, second.last_sample) > self._rules.same_pose:
                    # The later and shorter record is the one to doubt.
                    loser = second if second.prominence_s <= first.prominence_s else first
                    doubles.add(loser.number)
        for person in followed:
            person.double_frames = person.double_frames + 1 if person.number in doubles else 0
            if person.double_frames >= self._rules.double_frames:
                person.forget_since(position - person.double_frames + 1)
                person.double_frames = 0
                person.last_sample = None
                person.state = State.LOST if person.positions else State.ENDED

    def _take_detections(self, position: int, time_s: float, detections: list[Detection], estimate: Estimate) -> None:
        """Recognise people in detections; the rest are people lost, or new."""
        visible = [p for p in self.people if p.state in (State.FOLLOWED, State.WATCHED)]
        overlap = _overlap(detections, [p.motion.predict(time_s) for p in visible])
        pairs = best_pairs(overlap, self._rules.least_overlap)
        for d, v in pairs:
            if visible[v].state is State.WATCHED:
                self._take_watched(visible[v], position, time_s, detections[d], estimate)
        for person in visible:
            if person.state is State.WATCHED and time_s - person.last_seen_s > self._rules.most_lost_s:
                person.state = State.ENDED
        recognised = {d for d, _ in pairs}
        unknown = [detection for d, detection in enumerate(detections) if d not in recognised]
        if not unknown:
            return
        lost = [p for p in self.people if p.state is State.LOST]
        closeness = np.array(
            [[self._closeness(d.region, p, time_s) for p in lost] for d in unknown], dtype=np.float64
        ).reshape(len(unknown), len(lost))
        returned = dict(best_pairs(closeness, 0.0))
        for d, detection in enumerate(unknown):
            self._take_unknown(position, time_s, detection, lost[returned[d]] if d in returned else None, estimate)

    def _take_watched(
        self, person: Person, position: int, time_s: float, detection: Detection, estimate: Estimate
    ) -> None:
        seconds = min(time_s - person.last_seen_s, self._rules.most_lost_s)
        prominence = float(frame_prominence(detection.box_px, self._image_size))
        person.prominence_s += seconds * prominence
        person.last_seen_s = time_s
        person.motion.update(detection.region, time_s)
        if not self._is_minor(prominence, person.prominence_s):
            sample = self._estimate_anew(detection.region, estimate)
            if sample is not None and not self._is_known_pose(sample):
                person.state = State.FOLLOWED
                person.motion.restart(sample.next_region, time_s)
                self._take_sample(person, position, time_s, sample)

    def _take_unknown(
        self, position: int, time_s: float, detection: Detection, lost: Person | None, estimate: Estimate
    ) -> None:
        prominence = float(frame_prominence(detection.box_px, self._image_size))
        if lost is None and self._is_minor(prominence, 0.0):
            motion = RegionMotion(detection.region, time_s)
            self.people.append(Person(len(self.people), motion, State.WATCHED, time_s, time_s))
            return
        sample = self._estimate_anew(detection.region, estimate)
        if sample is None or self._is_known_pose(sample):
            return
        if lost is None:
            motion = RegionMotion(sample.next_region, time_s)
            lost = Person(len(self.people), motion, State.FOLLOWED, time_s, time_s)
            self.people.append(lost)
        else:
            lost.state = State.FOLLOWED
            lost.motion.restart(sample.next_region, time_s)
        self._take_sample(lost, position, time_s, sample)

    def _estimate_anew(self, region: Region, estimate: Estimate) -> PoseSample | None:
        """Pose from a detector's region; a second look, where the first one says, brings the region onto the person."""
        first = estimate(region)
        if first is None or not first.next_region.is_usable or self._is_outside(first.next_region):
            return None
        return estimate(first.next_region) or first

    def _is_known_pose(self, sample: PoseSample) -> bool:
        return any(
            keypoint_similarity(sample, person.last_sample) > self._rules.same_pose
            for person in self.people
            if person.state is State.FOLLOWED and person.last_sample is not None
        )

    def _is_minor(self, prominence: float, prominence_s: float) -> bool:
        """Whether somebody else is clearly more prominent, now and so far."""
        if not self._rules.only_prominent:
            return False
        share = self._rules.watch_below
        return any(
            prominence < share * float(frame_prominence(person.last_sample.box_px, self._image_size))
            and prominence_s <= share * person.prominence_s
            for person in self.people
            if person.state is State.FOLLOWED and person.last_sample is not None
        )

    def _is_outside(self, region: Region) -> bool:
        """Whether the region's middle is so far outside that next to nothing of the person can be seen."""
        width, height = self._image_size
        margin = 0.35 * region.width
        return not (-margin < region.center_x < width + margin and -margin < region.center_y < height + margin)

    def _closeness(self, region: Region, person: Person, time_s: float) -> float:
        """How well a detection fits somebody lost: 1 = where expected, below 0 = out of reach."""
        expected = person.motion.predict(time_s)
        size = max(region.width, expected.width)
        distance = math.hypot(region.center_x - expected.center_x, region.center_y - expected.center_y) / size
        growth = abs(math.log(region.width / expected.width))
        reach = 0.3 + 0.4 * (time_s - person.last_seen_s)
        return 1.0 - distance / reach - growth / (math.log(1.5) * (1.0 + time_s - person.last_seen_s))


def _overlap(detections: list[Detection], regions: list[Region]) -> FloatArray:
    first = np.array([d.region.square_box for d in detections]).reshape(-1, 4)
    second = np.array([r.square_box for r in regions]).reshape(-1, 4)
    return box_iou(first, second)
