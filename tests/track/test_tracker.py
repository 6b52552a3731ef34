"""Where the tracker asks for keypoints, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from pose_core.detect.detection import Detection
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose import PoseSample
from pose_core.track.rules import TrackerRules
from pose_core.track.tracker import Moment, PeopleTracker
from tests.track.world import FPS, IMAGE_SIZE

SIZE_PX = 100.0
STEP_PX = 5.0
MARGIN = 0.35
"""How far outside, in sizes, the middle of a region may be."""


def sample_at(region: Region) -> PoseSample:
    x, y, half = region.center_x, region.center_y, SIZE_PX / 2
    xy = np.array([[x - half, y - half], [x + half, y + half], [x, y]])
    return PoseSample(xy, np.full(3, 0.9), 0.99, np.array([x - half, y - half, x + half, y + half]), region)


def last_planned(start: tuple[float, float], direction: tuple[float, float]) -> tuple[float, float]:
    """Follow somebody who walks evenly and is always seen; where keypoints were asked for last."""
    tracker = PeopleTracker(IMAGE_SIZE, TrackerRules())
    asked = start
    for k in range(60):
        region = Region(start[0] + k * STEP_PX * direction[0], start[1] + k * STEP_PX * direction[1], SIZE_PX, SIZE_PX)
        planned = tracker.plan_regions(k / FPS)
        asked = next(((r.center_x, r.center_y) for r in planned.values()), asked)
        found = [Detection(sample_at(region).box_px, 0.9, region)] if k == 0 else None
        tracker.collect(
            Moment(k, k / FPS, lambda _, region=region: sample_at(region)),
            {n: sample_at(region) for n in planned},
            found,
        )
    return asked


@pytest.mark.parametrize(
    ("start", "direction"),
    [((500.0, 180.0), (1, 0)), ((140.0, 180.0), (-1, 0)), ((320.0, 220.0), (0, 1)), ((320.0, 140.0), (0, -1))],
)
def test_somebody_is_looked_for_until_little_of_them_is_left_in_the_picture(
    start: tuple[float, float], direction: tuple[float, float]
) -> None:
    last = np.array(last_planned(start, direction))
    outside = float(np.max(np.maximum(-last, last - IMAGE_SIZE)))
    # the last region inside the margin lies at most one step before it; its place is known to a few pixels
    assert MARGIN * SIZE_PX - STEP_PX - 3.0 < outside < MARGIN * SIZE_PX + 3.0


def test_somebody_lost_is_searched_where_they_should_be_in_twice_their_size_growing_with_time() -> None:
    tracker = PeopleTracker(IMAGE_SIZE, TrackerRules())
    here = Region(300.0, 180.0, SIZE_PX, SIZE_PX)
    sides = []
    for k in range(40):
        windows = [window for window in tracker.plan_windows(k / FPS) if window is not None and k > 20]
        planned = tracker.plan_regions(k / FPS)
        sample = sample_at(here) if k < 20 else None
        found = [Detection(sample_at(here).box_px, 0.9, here)] if k == 0 else []
        tracker.collect(Moment(k, k / FPS, lambda _, sample=sample: sample), dict.fromkeys(planned, sample), found)
        around = [w for w in windows if (w.center_x, w.center_y) == pytest.approx((300.0, 180.0), abs=2.0)]
        sides += [w.width for w in around]
    assert len(sides) >= 3
    assert 2 * 0.7 * SIZE_PX - 2.0 <= min(sides) < max(sides) <= 2 * 1.2 * SIZE_PX + 2.0
    assert sides == sorted(sides)
