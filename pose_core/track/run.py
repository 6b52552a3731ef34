"""From frames to the keypoints of everybody in them."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.cancel import stop_if
from pose_core.config import TrackConfig
from pose_core.detect.detection import Detection, PersonDetector
from pose_core.detect.windows import merge_detections
from pose_core.errors import CancelledError
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose import KeypointEstimator, PoseSample
from pose_core.track.cuts import GAP, Break, with_breaks
from pose_core.track.history import FrameHistory
from pose_core.track.networks import Networks, open_networks
from pose_core.track.person import Person
from pose_core.track.rules import TrackerRules
from pose_core.track.tracker import Estimate, Moment, PeopleTracker
from pose_core.types import CancelCallback, FloatArray, IntArray, KeypointTrack, Progress, ProgressCallback

if TYPE_CHECKING:
    from pose_core.runtime.store import ModelStore
    from pose_core.video.frame import VideoFrame

SIDE_BY_SIDE_MIN_FPS = 22.0
"""From this rate on two frames are computed at once: a region two frames old is then less than 0.1 s old."""
_PROGRESS_EVERY_S = 0.1
_LONG_STRETCH_S = 1.0
"""False alarms do not last as long."""


@dataclass(frozen=True, eq=False)
class TrackResult:
    """Everybody found, most prominent first."""

    tracks: tuple[KeypointTrack, ...]
    timestamps_s: FloatArray
    """(T,) times of all frames."""
    frame_indices: IntArray
    """(T,) indices of all frames in the video."""
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    breaks: tuple[Break, ...] = ()
    """Cuts and gaps, which nobody is followed across."""


@dataclass(frozen=True)
class _Job:
    """A frame on its way through the networks."""

    position: int
    frame: VideoFrame
    poses: dict[int, Future[PoseSample | None]]
    detection: Future[list[Detection]] | None
    part_break: Break | None = None
    """What lies between this frame and the one before."""


def track_people(
    frames: Iterable[VideoFrame],
    config: TrackConfig,
    store: ModelStore,
    *,
    frame_count: int = 0,
    progress: ProgressCallback | None = None,
    cancel: CancelCallback | None = None,
) -> TrackResult:
    """Find people and follow their keypoints through a clip.

    Memory for pictures is bounded, however long the clip: the frames under way and those of the last half second.

    Args:
        frames: the clip, in order of time; wrap a reader in `pose_core.video.prefetch` to decode beside the networks.
        config: which model, whom to follow.
        store: where model files are.
        frame_count: expected number of frames, for the progress; 0 = unknown.
        progress: called about ten times a second.
        cancel: asked before every frame.
    Returns:
        The tracks that `config` asks for; ids count from 1, most prominent first. No tracks if nobody is in the
        frames, or not the person asked for.
    Raises:
        ModelError, RuntimeUnavailableError: a model is absent or cannot be run.
        CancelledError: the user cancelled.
    """
    source = iter(frames)
    head = list(itertools.islice(source, 2))
    if not head:
        return TrackResult((), np.zeros(0), np.zeros(0, dtype=np.int64), {"frames": 0, "people_found": 0})
    image_size = (head[0].width, head[0].height)
    fps = 1.0 / (head[1].time_s - head[0].time_s) if len(head) > 1 else 0.0
    side_by_side = 2 if fps >= SIDE_BY_SIDE_MIN_FPS else 1
    cores = config.threads or os.cpu_count() or 1
    lanes = min(side_by_side, cores)
    networks = open_networks(config, store, lanes=lanes, cores=cores)
    rules = TrackerRules(
        detect_every_s=config.detect_every_s, only_prominent=config.people == 1 and config.person_id is None
    )
    tracker = PeopleTracker(image_size, rules)
    history = FrameHistory(config.detect_every_s)
    times: list[float] = []
    indices: list[int] = []
    breaks: list[Break] = []
    started = time.perf_counter()
    report = _Reporter(progress, frame_count, started)
    with ThreadPoolExecutor(lanes, thread_name_prefix="pose-core-network") as pool:
        for job in _jobs(itertools.chain(head, source), tracker, networks, pool, side_by_side, cancel):
            times.append(job.frame.time_s)
            indices.append(job.frame.index)
            if job.part_break is not None:
                breaks.append(job.part_break)
                history.clear()
            _collect(job, tracker, networks.estimator, history)
            report(len(times))
    report.finish(len(times))
    diagnostics = {
        "model": config.model,
        "networks": networks.diagnostics,
        "frames": len(times),
        "side_by_side": side_by_side,
    }
    gaps_s = [b.time_s - b.before_s for b in breaks if b.kind == GAP]
    clip = _Clip(np.array(times), np.array(indices, dtype=np.int64), image_size, gaps_s)
    result = _result(tracker, networks.estimator, config, clip, breaks, diagnostics)
    diagnostics["seconds"] = round(time.perf_counter() - started, 3)
    return result


def _result(
    tracker: PeopleTracker,
    estimator: KeypointEstimator,
    config: TrackConfig,
    clip: _Clip,
    breaks: list[Break],
    diagnostics: dict[str, Any],
) -> TrackResult:
    """The people who are real and asked for, as tracks; what was found is added to the diagnostics."""
    for person in tracker.people:
        person.drop_doubtful(estimator.sure_score, clip.frames_in(_LONG_STRETCH_S))
    real = _real_people(tracker.people, config.min_track_s, clip)
    tracks = tuple(
        person.to_track(
            number,
            estimator.keypoint_set,
            clip.timestamps_s,
            clip.frame_indices,
            clip.image_size,
            config.min_keypoint_confidence,
        )
        for number, person in _chosen(real, config)
    )
    diagnostics["people_found"] = len(real)
    if breaks:
        diagnostics["breaks"] = [{"kind": b.kind, "before_s": b.before_s, "time_s": b.time_s} for b in breaks]
    return TrackResult(tracks, clip.timestamps_s, clip.frame_indices, diagnostics, tuple(breaks))


@dataclass(frozen=True)
class _Clip:
    timestamps_s: FloatArray
    frame_indices: IntArray
    image_size: tuple[int, int]
    gaps_s: list[float]

    def frames_in(self, seconds: float) -> int:
        """How many frames, at the average rate and rounded down, there are in so many seconds; at least 1."""
        span_s = float(self.timestamps_s[-1] - self.timestamps_s[0]) - sum(self.gaps_s)
        steps = len(self.timestamps_s) - 1 - len(self.gaps_s)
        return max(1, math.floor(seconds * steps / span_s)) if span_s > 0 else 1


def _jobs(
    frames: Iterator[VideoFrame],
    tracker: PeopleTracker,
    networks: Networks,
    pool: ThreadPoolExecutor,
    side_by_side: int,
    cancel: CancelCallback | None,
) -> Iterator[_Job]:
    """Start the networks on each frame and hand the frames back in order.

    A frame is started when the one `side_by_side` before it is collected: always the same one, so that the result does
    not depend on how fast the machine is.
    """
    under_way: deque[_Job] = deque()
    for position, (frame, part_break) in enumerate(with_breaks(frames)):
        if cancel is not None and cancel():
            raise CancelledError("Cancelled while following people.")
        while len(under_way) >= side_by_side:
            yield under_way.popleft()
        begins_part = part_break is not None
        regions = tracker.plan_regions(frame.time_s, begins_part)
        windows = tracker.plan_windows(frame.time_s, begins_part)
        detection = pool.submit(_detect, networks.detector, frame, windows, cancel) if windows else None
        poses = {number: pool.submit(networks.estimator.estimate, frame, region) for number, region in regions.items()}
        under_way.append(_Job(position, frame, poses, detection, part_break))
    while under_way:
        yield under_way.popleft()


def _detect(
    detector: PersonDetector, frame: VideoFrame, windows: list[Region | None], cancel: CancelCallback | None
) -> list[Detection]:
    found = []
    for window in windows:
        stop_if(cancel)
        found.append(detector.detect(frame, window))
    return merge_detections(found)


def _collect(job: _Job, tracker: PeopleTracker, estimator: KeypointEstimator, history: FrameHistory) -> None:
    samples = {number: future.result() for number, future in job.poses.items()}
    detections = None if job.detection is None else job.detection.result()

    def look_back() -> Iterator[tuple[int, float, Estimate]]:
        for position, frame in history.backwards():
            yield position, frame.time_s, partial(estimator.estimate, frame)

    begins_part = job.part_break is not None
    moment = Moment(job.position, job.frame.time_s, partial(estimator.estimate, job.frame), look_back, begins_part)
    tracker.collect(moment, samples, detections)
    history.append(job.position, job.frame)


def _real_people(people: list[Person], min_track_s: float, clip: _Clip) -> list[Person]:
    """Those seen for long enough, most prominent first; in a clip shorter than that, whoever is seen throughout."""
    least = min(clip.frames_in(min_track_s), len(clip.timestamps_s))
    real = [person for person in people if person.positions and len(person.positions) >= least]
    return sorted(real, key=lambda person: (-person.prominence_s, person.number))


def _chosen(people: list[Person], config: TrackConfig) -> list[tuple[int, Person]]:
    """Those that the settings ask for, with the numbers by which the user knows them."""
    numbered = list(enumerate(people, start=1))
    if config.person_id is not None:
        return [(number, person) for number, person in numbered if number == config.person_id]
    return numbered[: config.people] if config.people else numbered


class _Reporter:
    """Progress about ten times a second."""

    def __init__(self, callback: ProgressCallback | None, total: int, started: float) -> None:
        self._callback, self._total, self._started, self._last = callback, total, started, 0.0

    def __call__(self, done: int) -> None:
        now = time.perf_counter()
        if self._callback is not None and now - self._last >= _PROGRESS_EVERY_S:
            self._last = now
            self._send(done, now)

    def finish(self, done: int) -> None:
        if self._callback is not None:
            self._total = done
            self._send(done, time.perf_counter())

    def _send(self, done: int, now: float) -> None:
        assert self._callback is not None
        rate = done / max(now - self._started, 1e-6)
        left = max(self._total - done, 0) / rate if self._total and rate > 0 else None
        self._callback(Progress("track", done, self._total, rate, left))
