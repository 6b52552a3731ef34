"""Repair of time stamps and thinning to a rate."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core.video.timeline import TimestampRepair, thin_to_rate

MS = Fraction(1, 1000)
PERIOD = Fraction(1, 25)


@dataclass(frozen=True)
class Stub:
    index: int
    time_s: float


def repaired(stamps: list[int | None]) -> tuple[list[float], int]:
    repair = TimestampRepair(MS, PERIOD)
    times = [float(repair.time_of(stamp)) for stamp in stamps]
    return times, repair.repaired


def test_good_stamps_stay_as_they_are():
    assert repaired([5, 45, 46, 900]) == ([0.005, 0.045, 0.046, 0.9], 0)


def test_missing_stamp_is_one_period_on():
    assert repaired([0, None, 80]) == ([0.0, 0.04, 0.08], 1)


def test_repeated_stamp_goes_between():
    assert repaired([0, 0, 40]) == ([0.0, 0.02, 0.04], 1)


def test_a_new_count_goes_on_from_the_old_one():
    times, count = repaired([90_000, 90_040, 0, 40, 80])
    assert times == pytest.approx([90.0, 90.04, 90.08, 90.12, 90.16])
    assert count == 1


@given(st.lists(st.none() | st.integers(-(10**6), 10**6), max_size=50))
def test_times_always_increase(stamps):
    times, _ = repaired(stamps)
    assert all(before < after for before, after in pairwise(times))


def thinned(times: list[float], fps: float) -> list[int]:
    return [stub.index for stub in thin_to_rate((Stub(k, t) for k, t in enumerate(times)), fps)]


def test_halving_takes_every_second_picture():
    assert thinned([k / 60 for k in range(100)], 30) == list(range(0, 100, 2))
    ntsc = [k * 1001 / 60000 for k in range(1000)]
    assert thinned(ntsc, 30000 / 1001) == list(range(0, 1000, 2))


def test_uneven_video_gives_the_nearest_pictures():
    assert thinned([0.0, 0.04, 0.09, 0.12, 0.29, 0.34, 0.41], 10) == [0, 2, 3, 4, 6]


def test_beats_in_a_gap_are_not_made_up_for_after_it():
    times = [k / 50 for k in range(11)] + [10.0 + k / 50 for k in range(11)]
    assert thinned(times, 10) == [0, 5, 10, 11, 16, 21]


def test_edge_cases():
    assert thinned([], 10) == []
    assert thinned([3.0], 10) == [0]
    assert thinned([0.0, 100.0], 10) == [0, 1]


@given(
    st.lists(st.floats(0.001, 0.5), min_size=1, max_size=60),
    st.floats(0.5, 200.0),
)
def test_thinning_properties(steps, fps):
    times = [0.0]
    for step in steps:
        times.append(times[-1] + step)
    kept = thinned(times, fps)
    assert kept[0] == 0
    assert all(before < after for before, after in pairwise(kept))
    if fps > 1.001 / min(steps):
        assert kept == list(range(len(times)))
    assert len(kept) <= times[-1] * fps + 2
