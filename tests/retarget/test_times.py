"""Video times to scene frames."""

import numpy as np
import pytest

from pose_core.errors import ConfigError, InsufficientDataError
from pose_core.maths.rotations import matrix_to_quaternion, rotation_vector_to_matrix
from pose_core.retarget import RigMotion, frames_of_times, rate_of_times, resampled, split_rate
from pose_core.retarget.keys.times import slerp


def turning(frames: int, rate: float, valid: np.ndarray | None = None) -> RigMotion:
    """A bone that turns at a steady speed about X and moves at a steady speed along X."""
    t = np.arange(frames) / rate
    angle = 2.0 * t
    q = np.stack([np.cos(angle / 2), np.sin(angle / 2), 0 * t, 0 * t], axis=-1)[:, None]
    location = np.stack([3 * t, 0 * t, 0 * t], axis=-1)
    ok = np.ones(frames, dtype=np.bool_) if valid is None else valid
    q, location = np.where(ok[:, None, None], q, np.nan), np.where(ok[:, None], location, np.nan)
    return RigMotion(("bone",), q, "bone", location, t, ok)


@pytest.mark.parametrize(
    ("rate", "fps", "base"),
    [(30000 / 1001, 30, 1.001), (24000 / 1001, 24, 1.001), (25, 25, 1.0), (60, 60, 1.0), (12.5, 12, 0.96)],
)
def test_rates_are_kept_exactly(rate: float, fps: int, base: float) -> None:
    assert (split_rate(rate).fps, split_rate(rate).fps_base) == (fps, pytest.approx(base))
    measured = rate_of_times(np.arange(200) / rate)
    assert measured.value == pytest.approx(rate, rel=1e-9)


def test_times_rounded_to_a_millisecond_still_tell_the_rate() -> None:
    for rate in (30000 / 1001, 30, 24000 / 1001, 24, 25, 50, 60):
        for frames in (100, 2000):
            times = np.round(np.arange(frames) / rate, 3)
            value = rate_of_times(times).value
            assert value == pytest.approx(rate, rel=1e-3 if frames == 100 else 1e-6), (rate, frames)


def test_dropped_frames_do_not_lower_the_rate() -> None:
    times = np.delete(np.arange(300) / 30, [5, 6, 50, 200, 201, 202])
    assert rate_of_times(times).value == pytest.approx(30)


def test_an_odd_steady_rate_is_kept() -> None:
    assert rate_of_times(np.arange(500) / 27.3).value == pytest.approx(27.3)


def test_a_variable_rate_gives_a_usable_one() -> None:
    steps = np.random.default_rng(0).uniform(0.02, 0.06, 300)
    assert 15 < rate_of_times(np.cumsum(steps)).value < 50


def test_a_single_frame_has_a_rate() -> None:
    assert rate_of_times(np.array([3.0])).value == 30


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), 1e9])
def test_absurd_rates_are_refused(rate: float) -> None:
    with pytest.raises(ConfigError):
        split_rate(rate)


def test_a_steady_video_lands_on_whole_frames() -> None:
    rate = 30000 / 1001
    frames = frames_of_times(5.0 + np.arange(5000) / rate, rate, 1, 5.0)
    assert np.array_equal(frames, np.arange(1, 5001))
    rounded = frames_of_times(np.round(np.arange(5000) / rate, 3), rate, 1, 0.0)
    assert np.array_equal(rounded, np.arange(1, 5001))


def test_another_scene_rate_gives_subframes_at_the_true_times() -> None:
    frames = frames_of_times(np.arange(10) / 30, 24.0, 101, 0.0)
    assert frames == pytest.approx(101 + np.arange(10) * 0.8)


def test_variable_times_stay_where_they_are() -> None:
    times = np.array([0.0, 0.033, 0.081, 0.1])
    assert frames_of_times(times, 30.0, 1, 0.0) == pytest.approx(1 + 30 * times)


def test_resampling_keeps_speed_and_covers_the_clip() -> None:
    motion = turning(61, 30.0)
    frames = frames_of_times(motion.times_s, 24.0, 1, 0.0)
    new, whole = resampled(motion, frames)
    assert np.array_equal(whole, np.arange(1, 50))
    t = (whole - 1) / 24
    assert new.times_s == pytest.approx(t)
    assert new.root_location[:, 0] == pytest.approx(3 * t)
    angle = 2 * np.arctan2(new.quaternions[:, 0, 1], new.quaternions[:, 0, 0])
    assert np.unwrap(angle) == pytest.approx(2 * t)


def test_resampling_on_the_same_frames_changes_nothing() -> None:
    motion = turning(20, 30.0)
    new, _ = resampled(motion, np.arange(1.0, 21.0))
    assert new.quaternions == pytest.approx(motion.quaternions)
    assert new.root_location == pytest.approx(motion.root_location)


def test_resampling_leaves_gaps_open() -> None:
    valid = np.ones(60, dtype=np.bool_)
    valid[20:40] = False
    motion = turning(60, 30.0, valid)
    _, whole = resampled(motion, 1 + np.arange(60) * 0.8)
    assert not np.any((whole > 1 + 19 * 0.8) & (whole < 1 + 40 * 0.8))
    assert whole[0] == 1 and whole[-1] == 48


def test_resampling_a_single_frame_and_none() -> None:
    _, whole = resampled(turning(1, 30.0), np.array([7.0]))
    assert np.array_equal(whole, [7])
    with pytest.raises(InsufficientDataError, match="shorter than one frame"):
        resampled(turning(1, 30.0), np.array([7.4]))
    with pytest.raises(InsufficientDataError, match="no frame with a pose"):
        resampled(turning(3, 30.0, np.zeros(3, dtype=np.bool_)), np.arange(3.0))


def test_slerp_turns_evenly_and_the_short_way() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(50, 3))
    vectors *= rng.uniform(1e-6, 3.0, (50, 1)) / np.linalg.norm(vectors, axis=-1, keepdims=True)
    a = matrix_to_quaternion(rotation_vector_to_matrix(np.zeros((50, 3))))
    b = -matrix_to_quaternion(rotation_vector_to_matrix(vectors))
    share = rng.uniform(size=50)
    expected = matrix_to_quaternion(rotation_vector_to_matrix(share[:, None] * vectors))
    assert np.abs(np.sum(slerp(a, b, share) * expected, axis=-1)) == pytest.approx(1.0, abs=1e-9)
