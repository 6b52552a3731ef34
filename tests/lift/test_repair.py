from dataclasses import replace

import numpy as np
import pytest

from pose_core.lift.repair import RepairTuning, SwapSpan, body_sizes, find_swaps, repair_track
from pose_core.lift.swaps import SwapTuning, groups_of
from pose_core.skeletons import keypoint_set
from pose_core.types import KeypointTrack
from tests.support.swapped import draw_swap, sequences, swap_sides
from tests.support.synthetic import observe, walking_joints

NO_SPIKES = RepairTuning(spikes=False)


def walk(frames=120, set_name="halpe26", heading=0.6, fps=30.0, noise_px=1.0, **kwargs):
    joints = walking_joints(frames, heading_rad=heading, fps=fps)
    return observe(joints, set_name=set_name, noise_px=noise_px, noise_m=0.01, fps=fps, **kwargs).track


def span(frames, start, stop, *limbs):
    out = np.zeros((frames, 3), dtype=bool)
    out[start:stop] = [name in limbs for name in ("head", "arms", "legs")]
    return out


def assert_same(a, b):
    np.testing.assert_array_equal(a.xy_px, b.xy_px)
    np.testing.assert_array_equal(a.confidence, b.confidence)
    if a.model_joints_m is not None:
        np.testing.assert_array_equal(a.model_joints_m, b.model_joints_m)


def part(track, frames, stop=None):
    s = slice(frames, stop)
    model = track.model_joints_m
    return KeypointTrack(
        track.person_id, track.keypoint_set, track.timestamps_s[s], track.frame_indices[s], track.xy_px[s],
        track.confidence[s], track.image_size, track.boxes_px[s], None if model is None else model[s],
    )  # fmt: skip


@pytest.mark.parametrize("set_name", ["blazepose33", "coco17", "halpe26", "h36m17", "wholebody133"])
@pytest.mark.parametrize("limbs", [("arms",), ("legs",), ("head", "arms", "legs")])
@pytest.mark.parametrize("length", [1, 4, 30])
def test_exchanged_limbs_come_back_in_every_keypoint_set(set_name, limbs, length):
    track = walk(set_name=set_name)
    repaired, report = repair_track(swap_sides(track, span(120, 50, 50 + length, *limbs)), NO_SPIKES)
    body = groups_of(keypoint_set(set_name)) != 0  # the head of this walk has no sides
    np.testing.assert_array_equal(repaired.xy_px[:, body], track.xy_px[:, body])
    np.testing.assert_array_equal(repaired.confidence[:, body], track.confidence[:, body])
    assert [(s.start, s.stop) for s in report.swapped] == [(50, 50 + length)]
    assert set(limbs) - {"head"} <= set(report.swapped[0].limbs) <= {*limbs, "head"}


@pytest.mark.parametrize("heading", np.linspace(0, 2 * np.pi, 9)[:-1])
@pytest.mark.parametrize("set_name", ["blazepose33", "halpe26"])
def test_legs_that_pass_each_other_are_left_alone(heading, set_name):
    track = walk(240, heading=heading, set_name=set_name)
    repaired, report = repair_track(track, NO_SPIKES)
    assert report.swapped == ()
    assert repaired is track


@pytest.mark.parametrize("fps", [10.0, 25.0, 60.0, 120.0])
def test_seconds_matter_not_frames(fps):
    frames = round(4 * fps)
    track = walk(frames, fps=fps)
    a, b = round(1.5 * fps), round(2.2 * fps)
    repaired, report = repair_track(swap_sides(track, span(frames, a, b, "legs")), NO_SPIKES)
    assert report.swapped == (SwapSpan(a, b, ("legs",)),)
    assert_same(repaired, track)


def test_the_models_own_depth_goes_with_the_picture_or_stays():
    track = walk(set_name="blazepose33", heading=1.2)
    for depth_too in (True, False):
        swapped = swap_sides(track, span(120, 40, 60, "legs"), depth_too)
        repaired, report = repair_track(swapped, NO_SPIKES)
        assert report.swapped == (SwapSpan(40, 60, ("legs",)),)
        assert_same(repaired, track)


def test_an_exchange_at_an_end_of_the_clip_is_the_shorter_part():
    track = walk()
    for a, b in ((0, 20), (100, 120)):
        repaired, _ = repair_track(swap_sides(track, span(120, a, b, "arms", "legs")), NO_SPIKES)
        body = groups_of(keypoint_set(track.keypoint_set)) != 0
        np.testing.assert_array_equal(repaired.xy_px[:, body], track.xy_px[:, body])


def test_gaps_do_not_hide_an_exchange_nor_make_one():
    track = walk(150)
    swapped = swap_sides(track, span(150, 60, 90, "legs"))
    for t in (track, swapped):
        gaps = np.zeros(150, dtype=bool)
        gaps[[10, 11, 12, 13, 14, 58, 59, 75, 100, 101, 102, 103]] = True
        lost = replace(
            t, xy_px=np.where(gaps[:, None, None], np.nan, t.xy_px), confidence=t.confidence * ~gaps[:, None]
        )
        repaired, _ = repair_track(lost, NO_SPIKES)
        np.testing.assert_array_equal(repaired.xy_px[~gaps], track.xy_px[~gaps])
        assert np.all(np.isnan(repaired.xy_px[gaps]))


@pytest.mark.parametrize("set_name", ["blazepose33", "coco17"])
@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_short_tracks_stay_as_they_are(set_name, frames):
    track = part(walk(20, set_name=set_name), 0, frames)
    repaired, report = repair_track(track)
    assert_same(repaired, track)
    assert report.swapped == ()
    assert report.spikes_removed == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("frames", [1, 30])
def test_nothing_seen_is_no_trouble(frames):
    track = part(walk(30, set_name="blazepose33"), 0, frames)
    empty = replace(
        track, xy_px=np.full_like(track.xy_px, np.nan), confidence=np.zeros_like(track.confidence),
        boxes_px=np.full_like(track.boxes_px, np.nan), model_joints_m=np.full_like(track.model_joints_m, np.nan),
    )  # fmt: skip
    repaired, report = repair_track(empty)
    assert np.all(np.isnan(repaired.xy_px))
    assert report.swapped == ()


def test_spikes_become_gaps_and_nothing_else_does():
    track = walk(90, noise_px=0.8)
    xy, at = track.xy_px.copy(), [(20, "left_wrist"), (40, "right_ankle"), (41, "right_ankle"), (60, "left_knee")]
    keypoints = keypoint_set(track.keypoint_set)
    wrong = np.zeros(track.confidence.shape, dtype=bool)
    for frame, name in at:
        wrong[frame, keypoints.index(name)] = True
        xy[frame, keypoints.index(name)] += 70.0
    repaired, report = repair_track(replace(track, xy_px=xy))
    taken = (repaired.confidence == 0) & (track.confidence > 0)
    assert np.all(taken[wrong])
    assert np.all(np.isnan(repaired.xy_px[wrong]))
    assert report.spikes_removed == np.sum(taken)
    assert np.sum(taken & ~wrong) <= 2
    same = ~taken & (track.confidence > 0)
    np.testing.assert_array_equal(repaired.xy_px[same], track.xy_px[same])


def test_at_a_low_rate_fast_limbs_are_not_spikes():
    _, report = repair_track(walk(60, fps=6.0))
    assert report.spikes_removed == 0


def test_what_a_model_makes_up_beyond_the_edge_does_not_count():
    track = walk(set_name="blazepose33")
    beyond = span(120, 117, 120, "head", "arms", "legs")
    outside = replace(track, xy_px=track.xy_px - np.array([np.nanmin(track.xy_px[117:, :, 0]) + 2000, 0]))
    moved = np.where(beyond.any(axis=1)[:, None, None], outside.xy_px, track.xy_px)
    swapped = swap_sides(replace(track, xy_px=moved), beyond)
    assert repair_track(swapped, NO_SPIKES)[1].swapped == ()


def test_either_repair_can_be_left_out():
    swapped = swap_sides(walk(), span(120, 50, 60, "legs"))
    repaired, report = repair_track(swapped, RepairTuning(swaps=False, spikes=False))
    assert repaired is swapped
    assert report.swapped == ()


@pytest.mark.parametrize("set_name", ["halpe26", "blazepose33"])
def test_recorded_movement_with_exchanges_of_3_to_60_frames(set_name, capsys):
    rng = np.random.default_rng(5)
    exchanged = repaired = clean = false = clean_alone = false_alone = 0
    for k, archive in enumerate(("cmu_amc2", "cmu_acrnn")):
        for track in sequences(archive, 10, 200, set_name, seed=k):
            truth = draw_swap(rng, 200)
            swapped = swap_sides(track, truth, depth_too=bool(rng.integers(2)))
            found = find_swaps(swapped, body_sizes(swapped), SwapTuning())[:, 1:]  # these heads have no sides
            limbs = truth[:, 1:]
            exchanged, repaired = exchanged + np.sum(limbs), repaired + np.sum(found & limbs)
            clean, false = clean + np.sum(~limbs), false + np.sum(found & ~limbs)
            alone = find_swaps(track, body_sizes(track), SwapTuning())
            clean_alone, false_alone = clean_alone + alone.size, false_alone + np.sum(alone)
    with capsys.disabled():
        print(
            f"\n{set_name}: {repaired}/{exchanged} exchanged limb-frames repaired ({repaired / exchanged:.1%}), "
            f"{false}/{clean} falsely changed beside them, {false_alone}/{clean_alone} in clips without any"
        )
    assert repaired > 0.96 * exchanged
    assert false < 0.005 * clean
    assert false_alone < 0.005 * clean_alone
