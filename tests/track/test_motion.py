from __future__ import annotations

import math

import numpy as np
import pytest

from pose_core.keypoints.crop import Region
from pose_core.track.motion import RegionMotion


def feed(path: object, fps: float, seconds: float, noise: float = 0.0) -> tuple[RegionMotion, np.random.Generator]:
    rng = np.random.default_rng(3)
    motion = RegionMotion(path(0.0), 0.0)  # type: ignore[operator]
    for k in range(1, round(seconds * fps)):
        region = path(k / fps)  # type: ignore[operator]
        x, y = rng.normal(0, noise, 2)
        motion.update(
            Region(region.center_x + x, region.center_y + y, region.width, region.height, region.rotation_rad), k / fps
        )
    return motion, rng


@pytest.mark.parametrize("fps", [10.0, 24.0, 60.0])
def test_even_motion_is_predicted(fps: float) -> None:
    def path(t: float) -> Region:
        return Region(100 + 300 * t, 200 - 120 * t, 400 * math.exp(0.2 * t), 300 * math.exp(0.2 * t), 0.3 * t)

    motion, _ = feed(path, fps, 1.5)
    ahead = 1.5 + 1 / fps
    expected, truth = motion.predict(ahead), path(ahead)
    # A hundredth of the size is what one measurement is good for.
    assert math.hypot(expected.center_x - truth.center_x, expected.center_y - truth.center_y) < 0.01 * truth.width
    assert expected.width == pytest.approx(truth.width, rel=0.02)
    assert expected.rotation_rad == pytest.approx(truth.rotation_rad, abs=0.02)


def test_noise_is_smoothed_out() -> None:
    still = Region(500, 500, 400, 400)
    errors = []
    motion, rng = feed(lambda _: still, 60, 1.0)
    for k in range(60, 240):
        motion.update(Region(500 + rng.normal(0, 4), 500, 400, 400), k / 60)
        errors.append(motion.predict((k + 1) / 60).center_x - 500)
    assert np.std(errors) < 3.0


def test_rotation_goes_the_short_way_round() -> None:
    motion, _ = feed(lambda t: Region(0, 0, 100, 100, math.remainder(2.2 + 1.0 * t, 2 * math.pi)), 30, 1.0)
    expected = motion.predict(31 / 30).rotation_rad
    assert math.cos(expected - (2.2 + 1.0 * 31 / 30)) > math.cos(0.15)


def test_prediction_does_not_run_away() -> None:
    motion, _ = feed(lambda t: Region(500 * t, 0, 100, 100), 30, 1.0)
    assert motion.predict(10.0).center_x < 1000


def test_proportions_are_kept() -> None:
    motion = RegionMotion(Region(0, 0, 90, 120), 0.0)
    motion.update(Region(5, 5, 99, 132), 0.1)
    region = motion.predict(0.2)
    assert region.width / region.height == pytest.approx(0.75)


def test_a_copy_is_independent() -> None:
    motion = RegionMotion(Region(0, 0, 100, 100), 0.0)
    copy = motion.copy()
    motion.update(Region(50, 0, 100, 100), 0.1)
    assert copy.predict(0.2).center_x == pytest.approx(0.0)
