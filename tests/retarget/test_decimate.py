"""Fewer keys: the fit itself, the bound over a whole body, planted points, gaps."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.errors import ConfigError
from pose_core.lab.bench.fewer_keys import played
from pose_core.retarget import KeysConfig, KeyTrack, RigDescription, key_tracks, map_bones, pose_bones, transfer
from pose_core.retarget.keys.decimate import PLANTED_MM, decimated
from pose_core.retarget.keys.hermite import Samples, fit_curves, long_stretches
from pose_core.retarget.keys.plan import planted_points
from pose_core.retarget.keys.points import BodyPoints
from pose_core.types import FloatArray
from tests.support.motions import random_motion, sample_motion
from tests.support.rigs import RigShape, make_rig


def dense(rig: RigDescription, frames: int = 120) -> tuple[list[KeyTrack], FloatArray]:
    motion = sample_motion(frames)
    carried = transfer(motion, rig, map_bones(rig))
    return key_tracks(rig, carried, np.arange(frames) + 1.0), carried.times_s


def errors_mm(rig: RigDescription, before: list[KeyTrack], after: list[KeyTrack]) -> FloatArray:
    body, at = BodyPoints(rig, before), before[0].frames
    truth = body.place([track.values for track in before]).points
    seen = body.place([played(track, at) for track in after]).points
    return np.asarray(1000 * rig.scale * np.linalg.norm(seen - truth, axis=-1))


def test_cubics_are_found_again_and_all_knots_pass_through_all_samples() -> None:
    at = np.concatenate([np.arange(20.0), [5.0], np.cumsum(np.linspace(0.5, 2.0, 15))])
    values = np.stack([at**3 / 400 - at, 0.3 * at**2], axis=1)
    samples = Samples(at, values, np.array([0, 20, 21]))
    assert fit_curves(samples, samples.ends_mask()).fitted == pytest.approx(values, abs=1e-3 * np.ptp(values))
    noisy = replace(samples, values=values + np.random.default_rng(1).normal(size=values.shape))
    assert fit_curves(noisy, np.ones(len(at), dtype=np.bool_)).fitted == pytest.approx(noisy.values, abs=1e-9)


def test_stretches_are_as_long_as_they_may_be() -> None:
    at = np.arange(200.0)
    samples = Samples(at, np.sin(at / 8)[:, None], np.array([0]))
    few, many = (int(np.sum(long_stretches(samples, np.full(200, t)))) for t in (1e-2, 1e-5))
    assert 5 < few < many < 120
    straight = Samples(at, at[:, None], np.array([0]))
    assert np.sum(long_stretches(straight, np.full(200, 1e-6))) == 2


@pytest.mark.parametrize("curved", [True, False])
@pytest.mark.parametrize("mm", [0.5, 2.0, 5.0])
def test_no_point_of_the_body_is_off_by_more(mm: float, curved: bool) -> None:
    rig = make_rig(RigShape(rolls=3, scale=0.01, turn=(0.2, 0.1, 2.0)))
    tracks, _ = dense(rig)
    few = decimated(rig, tracks, mm, curved=curved)
    off = errors_mm(rig, tracks, few)
    assert 0.3 * mm < off.max() <= mm
    count, before = (sum(track.key_count for track in some) for some in (few, tracks))
    assert count < before / (2.5 if curved else 1.0)
    for track, old in zip(few, tracks, strict=True):
        assert (track.bone, track.channel) == (old.bone, old.channel)
        assert set(track.frames) <= set(old.frames) and track.frames[0] == 1 and track.frames[-1] == 120


def test_smooth_curves_need_fewer_keys_than_straight_lines() -> None:
    rig = make_rig()
    tracks, _ = dense(rig)
    smooth, straight = (sum(t.key_count for t in decimated(rig, tracks, 2.0, curved=c)) for c in (True, False))
    assert smooth < 0.6 * straight


def test_planted_points_stay_and_cost_little() -> None:
    rig = make_rig()
    motion = sample_motion(120)
    bone_map = map_bones(rig)
    tracks, times = dense(rig)
    planted = planted_points(rig, bone_map, motion, times)
    assert len(planted) == 4 and all(0 < np.sum(p.mask) < 120 for p in planted)
    few = decimated(rig, tracks, 5.0, planted=planted)
    body = BodyPoints(rig, tracks, [(p.bone, p.rest_position) for p in planted])
    truth, seen = (body.place(values).points for values in ([t.values for t in tracks],
                                                             [played(t, tracks[0].frames) for t in few]))  # fmt: skip
    off = 1000 * np.linalg.norm(seen - truth, axis=-1)
    for number, one in zip(body.extra_points, planted, strict=True):
        assert off[one.mask, number].max() <= PLANTED_MM
    assert off.max() > 2.0
    assert sum(t.key_count for t in few) < sum(t.key_count for t in tracks) / 4


@pytest.mark.parametrize("mode", ["XYZ", "ZXY", "AXIS_ANGLE"])
def test_the_bound_holds_in_every_form_of_rotation(mode: str) -> None:
    rig = replace(make_rig(), rotation_modes=(mode,) * len(make_rig()))
    tracks, _ = dense(rig)
    few = decimated(rig, tracks, 2.0)
    assert errors_mm(rig, tracks, few).max() <= 2.0
    assert sum(t.key_count for t in few) < sum(t.key_count for t in tracks) / 2


def test_gaps_are_left_straight_and_uneven_times_are_fine() -> None:
    rig = make_rig()
    motion = random_motion(60)
    carried = transfer(motion, rig, map_bones(rig))
    frames = np.cumsum(np.random.default_rng(2).uniform(0.4, 1.6, 60))
    frames[30:] += 20
    tracks = key_tracks(rig, carried, frames)
    few = decimated(rig, tracks, 2.0, runs=np.array([0, 30]))
    assert errors_mm(rig, tracks, few).max() <= 2.0
    for track in few:
        assert {frames[0], frames[29], frames[30], frames[59]} <= set(track.frames)
        assert track.smooth is not None and not track.smooth[np.searchsorted(track.frames, frames[29])]
        assert np.sum(~track.smooth) == 2  # before the gap, and at the end


def test_the_same_input_gives_the_same_keys() -> None:
    rig = make_rig()
    tracks, _ = dense(rig, 60)
    for a, b in zip(decimated(rig, tracks, 2.0), decimated(rig, tracks, 2.0), strict=True):
        assert np.array_equal(a.frames, b.frames) and np.array_equal(a.values, b.values)
        assert a.slopes is not None and b.slopes is not None and np.array_equal(a.slopes, b.slopes)


def test_short_clips_and_still_ones() -> None:
    rig = make_rig()
    tracks, _ = dense(rig, 60)
    for n in (1, 2):
        part = [replace(t, frames=t.frames[:n], values=t.values[:n]) for t in tracks]
        assert [t.key_count for t in decimated(rig, part, 2.0)] == [t.key_count for t in part]
    still = [replace(t, values=np.repeat(t.values[:1], 60, axis=0)) for t in tracks]
    assert all(len(t.frames) == 2 for t in decimated(rig, still, 2.0))


def test_points_of_the_body_are_where_the_kinematics_put_them() -> None:
    rig = make_rig(RigShape(rolls=1))
    carried = transfer(random_motion(20), rig, map_bones(rig))
    tracks = key_tracks(rig, carried, np.arange(20.0))
    body = BodyPoints(rig, tracks)
    heads, _ = pose_bones(rig, carried)
    pose = body.place([track.values for track in tracks])
    assert pose.heads == pytest.approx(heads[:, body.bones], abs=1e-9)


@pytest.mark.parametrize("mm", [0.0, -2.0, float("nan"), 1e4])
def test_absurd_bounds_are_refused(mm: float) -> None:
    with pytest.raises(ConfigError, match="must be"):
        decimated(make_rig(), [], mm)
    with pytest.raises(ConfigError, match="must be"):
        KeysConfig(error_mm=mm)
