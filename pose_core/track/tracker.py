"""Who is who from frame to frame.

Each person is followed by their own region; the detector looks for further people from time to time, and for people
lost from sight. The tracker only decides: the networks are run by its caller, side by side where possible.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pose_core.detect.detection import Detection
from pose_core.detect.nms import box_iou
from pose_core.detect.windows import square_tiles
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose import PoseSample
from pose_core.track.affinity import best_pairs, keypoint_similarity
from pose_core.track.motion import RegionMotion
from pose_core.track.person import Person, State
from pose_core.track.prominence import frame_prominence
from pose_core.track.rules import TrackerRules
from pose_core.track.slips import part_doubles
from pose_core.types import FloatArray

Estimate = Callable[[Region], PoseSample | None]
"""Computes keypoints in a region of one frame."""
LookBack = Callable[[], Iterator[tuple[int, float, Estimate]]]
"""Position, time and keypoint network of earlier frames, the newest first."""


@dataclass(frozen=True)
class Moment:
    """A frame, and what can still be asked of it."""

    position: int
    """The frame's place in the clip, from 0."""
    time_s: float
    estimate: Estimate
    """Computes keypoints in a region of this frame."""
    look_back: LookBack = lambda: iter(())
    """The frames before this one, as far as they are still there."""
    begins_part: bool = False
    """A cut or a gap lies before this frame: nobody known is in it."""


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
        self._tiles = square_tiles(image_size)
        self._planned: deque[dict[int, int]] = deque()
        self._last_look_s = -math.inf
        self._last_search_s = -math.inf
        self._last_frame_s = -math.inf

    def plan_regions(self, time_s: float, begins_part: bool = False) -> dict[int, Region]:
        """Where to compute keypoints in the frame of this time: region by person number.

        Every frame is planned, then collected, in this order; frames may be planned before earlier ones are collected.
        """
        expected = {} if begins_part else {p.number: p.motion.predict(time_s) for p in self._followed()}
        self._planned.append({number: self.people[number].restarts for number in expected})
        return {number: region for number, region in expected.items() if not self._is_outside(region)}

    def plan_windows(self, time_s: float, begins_part: bool = False) -> list[Region | None]:
        """Where to run the detector in the frame of this time: windows, None for the whole picture."""
        rules = self._rules
        if begins_part:
            self._last_look_s = self._last_search_s = time_s
            return [None, *self._tiles]
        followed = any(p.state is State.FOLLOWED for p in self.people)
        lost = [p for p in self.people if p.state is State.LOST]
        if time_s >= self._last_look_s + (rules.detect_every_s if followed else rules.search_every_s) - 1e-6:
            self._last_look_s = self._last_search_s = time_s
            tiles = () if self._fills_a_tile() else self._tiles
            return [None, *tiles, *(self._search_window(p, time_s) for p in lost)]
        if lost and time_s >= self._last_search_s + rules.search_every_s - 1e-6:
            self._last_search_s = time_s
            return [self._search_window(p, time_s) for p in lost]
        return [] if followed else [None]

    def collect(
        self,
        moment: Moment,
        samples: Mapping[int, PoseSample | None],
        detections: list[Detection] | None,
    ) -> None:
        """Take in what the networks said of a frame.

        Args:
            moment: the frame; positions go up by one from call to call.
            samples: pose by person number, for the planned regions.
            detections: people found, None if the detector was not run.
        """
        time_s = moment.time_s
        planned = self._planned.popleft()
        if moment.begins_part:
            for person in self.people:
                person.state, person.last_sample = State.ENDED, None
            self._last_frame_s = -math.inf
        frame_s = min(time_s - self._last_frame_s, 0.5) if math.isfinite(self._last_frame_s) else 0.0
        for person in self._followed():
            # Somebody found, or found elsewhere, after this frame was planned has no pose yet.
            known = planned.get(person.number) == person.restarts
            sample = samples.get(person.number) if known else moment.estimate(person.motion.predict(time_s))
            self._take_sample(person, moment, sample)
            if person.last_sample is not None:
                person.prominence_s += frame_s * self._prominence(person.last_sample.box_px)
        part_doubles(self.people, moment.position, time_s, self._rules)
        if detections is not None:
            self._take_detections(moment, detections)
        for person in self.people:
            unseen_s = time_s - person.last_seen_s
            if person.state in (State.LOST, State.WATCHED) and unseen_s > self._rules.most_lost_s:
                person.state = State.ENDED
        self._last_frame_s = time_s

    def _fills_a_tile(self) -> bool:
        """Whether somebody is so large that people seen only in a tile could not matter beside them."""
        largest = max((p.motion.region.width for p in self._followed()), default=0.0)
        return self._rules.only_prominent and largest >= 0.8 * min(self._image_size)

    def _followed(self) -> list[Person]:
        return [p for p in self.people if p.state is State.FOLLOWED]

    def _take_sample(self, person: Person, moment: Moment, sample: PoseSample | None) -> None:
        if sample is not None and self._is_believable(sample):
            if person.slip is None:
                person.motion_before = person.motion.copy()
            person.motion.update(sample.next_region, moment.time_s)
            person.last_sample = sample
            person.last_seen_s = moment.time_s
            person.record(moment.position, sample)
            return
        person.last_sample = None
        if moment.time_s - person.last_seen_s > self._rules.keep_trying_s:
            person.state = State.LOST

    def _take_detections(self, moment: Moment, detections: list[Detection]) -> None:
        """Recognise people in detections; the rest are people lost, or new."""
        visible = [p for p in self.people if p.state in (State.FOLLOWED, State.WATCHED)]
        overlap = _overlap(detections, [p.motion.predict(moment.time_s) for p in visible])
        pairs = best_pairs(overlap, self._rules.least_overlap)
        for d, v in pairs:
            if visible[v].state is State.WATCHED:
                self._take_watched(visible[v], moment, detections[d])
        recognised = {d for d, _ in pairs}
        unknown = [detection for d, detection in enumerate(detections) if d not in recognised]
        lost = [p for p in self.people if p.state is State.LOST]
        closeness = [[self._closeness(d.region, p, moment.time_s) for p in lost] for d in unknown]
        returned = dict(best_pairs(np.array(closeness, dtype=np.float64).reshape(len(unknown), len(lost)), 0.0))
        for d, detection in enumerate(unknown):
            person = lost[returned[d]] if d in returned else None
            self._take_unknown(person, moment, detection)

    def _take_watched(self, person: Person, moment: Moment, detection: Detection) -> None:
        prominence = self._prominence(detection.box_px)
        person.prominence_s += (moment.time_s - person.last_seen_s) * prominence
        person.last_seen_s = moment.time_s
        person.motion.update(detection.region, moment.time_s)
        if not self._is_minor(prominence, person.prominence_s):
            sample = self._estimate_anew(detection.region, moment.estimate)
            if sample is not None and self._known_by_pose(sample) is None:
                self._follow(person, moment, sample)

    def _take_unknown(self, lost: Person | None, moment: Moment, detection: Detection) -> None:
        if lost is None and self._is_minor(self._prominence(detection.box_px), 0.0):
            self._add_person(State.WATCHED, detection.region, moment.time_s)
            return
        sample = self._estimate_anew(detection.region, moment.estimate)
        if sample is None:
            return
        known = self._known_by_pose(sample)
        if known is not None:
            self._look_again(known, moment, sample)
            return
        if self._is_part_of_known(sample.next_region):
            return
        person = lost if lost is not None else self._add_person(State.FOLLOWED, sample.next_region, moment.time_s)
        self._follow(person, moment, sample)

    def _add_person(self, state: State, region: Region, time_s: float) -> Person:
        motion = RegionMotion(region, time_s)
        person = Person(len(self.people), motion, motion.copy(), state, time_s)
        self.people.append(person)
        return person

    def _follow(self, person: Person, moment: Moment, sample: PoseSample) -> None:
        """Begin to follow somebody, or go on after a gap; also in the frames just before, where they went unnoticed."""
        person.state = State.FOLLOWED
        before = self._trace_back(person, moment, sample)
        person.stretch_starts.append(before[-1][0] if before else moment.position)
        for earlier, pose in reversed(before):
            person.record(earlier, pose)
        person.restart(sample.next_region, moment.time_s)
        self._take_sample(person, moment, sample)

    def _trace_back(self, person: Person, moment: Moment, sample: PoseSample) -> list[tuple[int, PoseSample]]:
        """Poses in earlier frames, the newest first, until the person is not seen or was followed already."""
        motion = RegionMotion(sample.next_region, -moment.time_s)
        found: list[tuple[int, PoseSample]] = []
        last_recorded = person.positions[-1] if person.positions else -1
        for position, earlier_s, estimate in moment.look_back():
            if position <= last_recorded:
                break
            pose = estimate(motion.predict(-earlier_s))
            if pose is None or not self._is_believable(pose) or self._was_known_pose(pose, position):
                if -earlier_s - motion.time_s > self._rules.keep_trying_s:
                    break
                continue
            motion.update(pose.next_region, -earlier_s)
            found.append((position, pose))
        return found

    def _estimate_anew(self, region: Region, estimate: Estimate) -> PoseSample | None:
        """Pose from a detector's region; a second look, where the first one says, brings the region onto the person."""
        first = estimate(region)
        if first is None or not self._is_believable(first):
            return None
        second = estimate(first.next_region)
        return second if second is not None and self._is_believable(second) else None

    def _look_again(self, person: Person, moment: Moment, fresh: PoseSample) -> None:
        """Take the detector's word for where somebody is, if the network sees more of them there.

        A region that follows its own landmarks can run away, as while somebody enters the picture head first. The
        frames in which it did so are looked at again too.
        """
        assert person.last_sample is not None
        ratio = fresh.next_region.width / person.last_sample.next_region.width
        if max(ratio, 1 / ratio) < self._rules.run_away or moment.position not in person.positions[-1:]:
            return
        if fresh.mean_confidence <= person.last_sample.mean_confidence:
            return
        better: list[tuple[int, PoseSample]] = []
        motion = RegionMotion(fresh.next_region, -moment.time_s)
        for earlier, earlier_s, estimate in moment.look_back():
            pose, recorded = estimate(motion.predict(-earlier_s)), person.pose_at(earlier, fresh)
            if pose is None or recorded is None or pose.mean_confidence <= recorded.mean_confidence:
                break
            motion.update(pose.next_region, -earlier_s)
            better.append((earlier, pose))
        person.forget(better[-1][0] if better else moment.position)
        for earlier, pose in reversed(better):
            person.record(earlier, pose)
        person.restart(fresh.next_region, moment.time_s)
        self._take_sample(person, moment, fresh)

    def _known_by_pose(self, sample: PoseSample) -> Person | None:
        """Somebody followed who has this very pose."""
        for person in self._followed():
            pose = person.last_sample
            if pose is not None and keypoint_similarity(sample, pose) > self._rules.known_pose:
                return person
        return None

    def _was_known_pose(self, sample: PoseSample, position: int) -> bool:
        poses = (p.pose_at(position, sample) for p in self.people)
        return any(pose is not None and keypoint_similarity(sample, pose) > self._rules.known_pose for pose in poses)

    def _is_believable(self, sample: PoseSample) -> bool:
        """Whether enough of a person is seen for the pose to be more than a guess."""
        enough = sample.mean_confidence >= self._rules.least_mean_confidence
        region = sample.next_region
        too_large = max(region.width, region.height) > self._rules.largest_region * max(self._image_size)
        return enough and region.is_usable and not too_large and not self._is_outside(region)

    def _is_part_of_known(self, region: Region) -> bool:
        """Whether the region is but a part of somebody followed: a leg at the picture's edge looks like a person."""
        for person in self._followed():
            if person.last_sample is None:
                continue
            x0, y0, x1, y1 = person.last_sample.box_px
            inside = x0 <= region.center_x <= x1 and y0 <= region.center_y <= y1
            if inside and region.width < self._rules.part_size * person.last_sample.next_region.width:
                return True
        return False

    def _is_minor(self, prominence: float, prominence_s: float) -> bool:
        """Whether somebody else is clearly more prominent, now and so far."""
        if not self._rules.only_prominent:
            return False
        share = self._rules.watch_below
        return any(
            prominence < share * self._prominence(person.last_sample.box_px)
            and prominence_s <= share * person.prominence_s
            for person in self._followed()
            if person.last_sample is not None
        )

    def _is_outside(self, region: Region) -> bool:
        """Whether the region's middle is so far outside that next to nothing of the person can be seen."""
        width, height = self._image_size
        margin = 0.35 * region.width
        return not (-margin < region.center_x < width + margin and -margin < region.center_y < height + margin)

    def _prominence(self, box_px: FloatArray) -> float:
        return float(frame_prominence(box_px, self._image_size))

    def _reach(self, person: Person, time_s: float) -> float:
        """How far somebody lost may have moved from where they are expected, in sizes of their region."""
        return 0.35 + 1.1 * (time_s - person.last_seen_s)

    def _search_window(self, person: Person, time_s: float) -> Region:
        expected = person.motion.predict(time_s)
        side = 2.0 * expected.width * max(0.7, min(self._reach(person, time_s), 1.2))
        return Region(expected.center_x, expected.center_y, side, side)

    def _closeness(self, region: Region, person: Person, time_s: float) -> float:
        """How well a detection fits somebody lost: 1 = where expected, below 0 = out of reach."""
        expected = person.motion.predict(time_s)
        size = max(region.width, expected.width)
        distance = math.hypot(region.center_x - expected.center_x, region.center_y - expected.center_y) / size
        growth = abs(math.log(region.width / expected.width)) / math.log(1.6)
        return 1.0 - distance / self._reach(person, time_s) - growth / (1.0 + time_s - person.last_seen_s)


def _overlap(detections: list[Detection], regions: list[Region]) -> FloatArray:
    first = np.array([d.region.square_box for d in detections]).reshape(-1, 4)
    second = np.array([r.square_box for r in regions]).reshape(-1, 4)
    return box_iou(first, second)
