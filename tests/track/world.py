"""A made-up world of moving people, with a detector and a keypoint network that see exactly what is in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from pose_core.detect.detection import Detection
from pose_core.keypoints.crop import Region, box_of_points
from pose_core.keypoints.pose import PoseSample
from pose_core.video.frame import VideoFrame

IMAGE_SIZE = (640, 360)
FPS = 30.0
_RNG = np.random.default_rng(7)
TEMPLATE = _RNG.uniform(-0.3, 0.3, (17, 2)) * (0.5, 1.0)
"""Keypoints about the centre, in region sizes."""


@dataclass(frozen=True)
class Actor:
    """Somebody: where they are in each frame, how large, and how far in front."""

    centre: Callable[[int], tuple[float, float] | None]
    size: float = 150.0
    nearness: float = 0.0
    shape: float = 1.0

    def keypoints(self, index: int) -> np.ndarray | None:
        at = self.centre(index)
        if at is None:
            return None
        return TEMPLATE * (self.size * self.shape, self.size) + at


def walks(x0: float, x1: float, frames: int, y: float = 180.0) -> Callable[[int], tuple[float, float] | None]:
    """Across the picture at an even pace."""
    return lambda index: (x0 + (x1 - x0) * index / (frames - 1), y)


def present(
    path: Callable[[int], tuple[float, float] | None], *spans: tuple[int, int]
) -> Callable[[int], tuple[float, float] | None]:
    """The same path, but only there in these half-open spans of frames."""
    return lambda index: path(index) if any(a <= index < b for a, b in spans) else None


@dataclass
class World:
    """Actors, and the two networks that look at them."""

    actors: list[Actor]
    false_alarms: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Frames in which both networks see somebody where nobody is."""
    keypoint_set = "coco17"
    sure_score = 0.5
    noise_px: float = 0.0
    runs_away_in: range = range(0)
    """Frames in which the region that the keypoint network asks for next is too large, and its certainty lower."""
    score: float = 0.99
    estimates: list[tuple[int, float]] = field(default_factory=list)
    """Frame and centre x of every region that keypoints were asked for."""
    detections: list[int] = field(default_factory=list)
    """Frames in which the detector ran."""

    def frames(self, count: int, fps: float = FPS, alive: list[object] | None = None) -> Iterator[VideoFrame]:
        import weakref

        for index in range(count):
            frame = VideoFrame.from_rgb(
                np.zeros((IMAGE_SIZE[1], IMAGE_SIZE[0], 3), np.uint8), index=index, time_s=index / fps
            )
            if alive is not None:
                alive.append(weakref.ref(frame))
            yield frame

    def visible(self, index: int) -> list[Actor]:
        there = [a for a in self.actors if a.centre(index) is not None]
        if index in self.false_alarms:
            there.append(Actor(lambda _: self.false_alarms[index], size=90.0))
        return [a for a in there if not any(self._covers(b, a, index) for b in there)]

    def _covers(self, front: Actor, back: Actor, index: int) -> bool:
        if front.nearness <= back.nearness:
            return False
        a, b = front.centre(index), back.centre(index)
        assert a is not None and b is not None
        return math.dist(a, b) < 0.22 * front.size

    def detect(self, frame: VideoFrame, window: Region | None = None) -> list[Detection]:
        self.detections.append(frame.index)
        found = []
        for actor in self.visible(frame.index):
            at = actor.centre(frame.index)
            assert at is not None
            if window is not None:
                x0, y0, x1, y1 = window.square_box
                if not (x0 < at[0] < x1 and y0 < at[1] < y1):
                    continue
            half = actor.size / 2
            box = np.array([at[0] - half / 2, at[1] - half, at[0] + half / 2, at[1] + half])
            found.append(Detection(box, 0.9, Region(*at, actor.size, actor.size)))
        return found

    def estimate(self, frame: VideoFrame, region: Region) -> PoseSample | None:
        self.estimates.append((frame.index, region.center_x))
        reachable = []
        for actor in self.visible(frame.index):
            at = actor.centre(frame.index)
            assert at is not None
            distance = math.dist(at, (region.center_x, region.center_y))
            if distance < 0.4 * region.width:
                reachable.append((distance, actor))
        if not reachable:
            return None
        actor = min(reachable, key=lambda item: item[0])[1]
        at, xy = actor.centre(frame.index), actor.keypoints(frame.index)
        assert at is not None and xy is not None
        if self.noise_px:
            # A real network's answer also depends a little on the crop.
            off_centre = np.array([region.center_x - at[0], region.center_y - at[1]])
            xy = xy + np.random.default_rng(frame.index).normal(0, self.noise_px, xy.shape) + 0.01 * off_centre
        inside = np.all((xy >= 0) & (xy < IMAGE_SIZE), axis=1)
        confidence = np.where(inside, 0.9, 0.02)
        size = actor.size
        if frame.index in self.runs_away_in and (region.width > 1.03 * size or frame.index == self.runs_away_in[0]):
            xy, confidence, size = xy + 5.0, 0.6 * confidence, 1.3 * region.width
        return PoseSample(xy, confidence, self.score, box_of_points(xy, confidence), Region(*at, size, size))
