"""The temporal lifter around its network: rates, gaps, lengths; and the network in the package on a known scene."""

import dataclasses

import numpy as np
import pytest

from pose_core.errors import InsufficientDataError, ModelError
from pose_core.lift.features import FRAMES_PER_S
from pose_core.lift.resample import from_grid, seconds_from_seen, stretches, to_grid
from pose_core.lift.temporal import LONGEST_GAP_S, WEIGHTS, TemporalLifter, lift_by_network, open_lifter
from pose_core.maths.metrics import mpjpe, pa_mpjpe
from pose_core.skeletons import CANONICAL, KEYPOINT_SETS
from pose_core.types import KeypointTrack
from tests.support.synthetic import observe, walking_joints

needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the weights are not in the package yet")


def film_walk(frames, set_name="blazepose33"):
    return observe(walking_joints(frames), set_name=set_name)


class EchoSession:
    """A network that answers with what it saw: joint j gets the features 0, 1, 62 of its frame."""

    provider = "echo"

    def run(self, inputs):
        x = inputs["features"].astype(np.float64)
        joints = np.repeat(x[..., None, [0, 1, 62]], len(CANONICAL), axis=-2)
        return [joints, np.full(joints.shape[:-1], np.log(0.05)), np.zeros((*x.shape[:3], 4))]


ECHO = TemporalLifter(EchoSession(), np.ones(len(CANONICAL)), 3, 2)


def at_times(track, times):
    """The track as seen at other times: nearest frame."""
    nearest = np.argmin(np.abs(track.timestamps_s[:, None] - times), axis=0)
    return dataclasses.replace(
        track, timestamps_s=times, frame_indices=np.arange(len(times)), xy_px=track.xy_px[nearest],
        confidence=track.confidence[nearest], boxes_px=track.boxes_px[nearest], model_joints_m=None,
    )  # fmt: skip


def without(track, frames):
    xy, confidence = track.xy_px.copy(), track.confidence.copy()
    xy[frames], confidence[frames] = np.nan, 0
    return dataclasses.replace(track, xy_px=xy, confidence=confidence, model_joints_m=None)


def test_grid_covers_the_clip():
    time = np.array([0.0, 0.04, 0.08, 0.12, 5.0, 5.04])
    first, second = stretches(time)
    assert first.frames == slice(0, 4) and second.frames == slice(4, 6)
    assert first.grid_s[0] == 0 and first.grid_s[-1] >= 0.12 and np.allclose(np.diff(first.grid_s), 1 / FRAMES_PER_S)
    assert len(stretches(np.array([3.0]))[0].grid_s) == 1


@pytest.mark.parametrize("fps", [10.0, 24000 / 1001, 30.0, 50.0, 60.0, 240.0])
def test_a_straight_motion_survives_the_grid(fps):
    time = 7.0 + np.arange(int(2 * fps)) / fps
    values = np.stack([time, -2 * time], axis=-1)[:, None]
    grid = stretches(time)[0].grid_s
    on_grid, confidence = to_grid(values, np.full((len(time), 1), 0.8), time, grid)
    inside = slice(1, -2)
    assert np.allclose(confidence[inside], 0.8)
    assert np.abs(on_grid[inside, 0, 0] - grid[inside]).max() < 0.4 / fps + 1e-9
    # the ends see neighbours on one side only
    away = (time > grid[2]) & (time < grid[-4])
    back = from_grid(on_grid, grid, time)
    assert np.abs(back[away] - values[away]).max() < 1.0 / fps + 1e-6


def test_a_smooth_motion_comes_back_from_the_grid():
    time = np.arange(120) / 60
    grid = stretches(time)[0].grid_s
    assert np.abs(from_grid(np.sin(8 * grid), grid, time) - np.sin(8 * time)).max() < 5e-3


def test_unseen_points_stay_unseen():
    time = np.arange(30) / 30
    confidence = np.ones((30, 1))
    confidence[10:20] = 0
    values = np.full((30, 1, 2), 5.0)
    values[10:20] = np.nan
    for t in (time, time / 2, time * 2):
        grid = stretches(t)[0].grid_s
        on_grid, sure = to_grid(values, confidence, t, grid)
        middle = (grid > t[10]) & (grid < t[19])
        assert np.all(sure[middle] == 0) and np.all(on_grid[middle] == 0)
        assert np.allclose(on_grid[sure > 0], 5.0)


def test_seconds_from_seen():
    time = np.arange(6.0)
    assert list(seconds_from_seen(np.array([0, 1, 0, 0, 0, 1], dtype=bool), time)) == [1, 0, 1, 2, 1, 0]
    assert np.all(np.isinf(seconds_from_seen(np.zeros(6, dtype=bool), time)))


@pytest.mark.parametrize("set_name", sorted(KEYPOINT_SETS))
def test_every_keypoint_set(set_name):
    scene = film_walk(30, set_name=set_name)
    lifted = lift_by_network(scene.track, scene.K, ECHO)
    assert lifted.joints_m.shape == (30, len(CANONICAL), 3) and np.all(np.isfinite(lifted.joints_m))
    assert lifted.method == "temporal" and np.all(lifted.contact_probability == 0.5)


@pytest.mark.parametrize("frames,fps", [(1, 30.0), (2, 30.0), (9, 1.0), (200, 240.0), (3, 0.2)])
def test_any_length_and_rate(frames, fps):
    scene = film_walk(60)
    times = np.arange(frames) / fps
    track = at_times(scene.track, times)
    lifted = lift_by_network(track, scene.K, ECHO)
    assert lifted.joints_m.shape[0] == frames and np.all(np.isfinite(lifted.joints_m))


def test_a_clip_of_ten_thousand_frames():
    scene = film_walk(50)
    time = np.arange(10_000) / 30
    picked = np.arange(10_000) % 50
    track = KeypointTrack(
        1, scene.track.keypoint_set, time, np.arange(10_000), scene.track.xy_px[picked],
        scene.track.confidence[picked], scene.track.image_size, scene.track.boxes_px[picked],
    )  # fmt: skip
    lifted = lift_by_network(track, scene.K, ECHO)
    assert np.all(np.isfinite(lifted.joints_m)) and lifted.diagnostics["frames_lifted"] == 10_000


def test_long_gaps_are_unknown_and_short_ones_guessed():
    scene = film_walk(120)
    lifted = lift_by_network(without(scene.track, slice(30, 90)), scene.K, ECHO)
    unknown = np.isnan(lifted.joints_m[:, 0, 0])
    time = scene.track.timestamps_s
    expected = (time > time[29] + LONGEST_GAP_S) & (time < time[90] - LONGEST_GAP_S)
    assert np.array_equal(unknown, expected) and np.any(expected)
    assert np.all(np.isnan(lifted.sigma_m[unknown])) and np.all(lifted.contact_probability[unknown] == 0)
    short = lift_by_network(without(scene.track, slice(30, 35)), scene.K, ECHO)
    assert np.all(np.isfinite(short.joints_m)) and short.diagnostics["frames_guessed"] == 5


def test_nobody_seen():
    scene = film_walk(20)
    with pytest.raises(InsufficientDataError):
        lift_by_network(without(scene.track, slice(None)), scene.K, ECHO)


def test_missing_or_foreign_weights(tmp_path):
    with pytest.raises(ModelError, match=r"lifter\.json"):
        open_lifter(tmp_path / "lifter.onnx")
    (tmp_path / "lifter.json").write_text(
        '{"sigma_factor": [1], "reach_steps": 1, "frames_per_step": 1, "joint_names": []}'
    )
    with pytest.raises(ModelError, match="skeleton"):
        open_lifter(tmp_path / "lifter.onnx")


@needs_weights
def test_the_network_lifts_a_walk():
    scene = film_walk(90)
    lifted = lift_by_network(scene.track, scene.K)
    truth = scene.joints_camera_m - scene.joints_camera_m[:, :1]
    assert pa_mpjpe(lifted.joints_m, truth) < 0.10 and mpjpe(lifted.joints_m, truth) < 0.16
    error = np.linalg.norm(lifted.joints_m - truth, axis=-1)
    assert 0.2 < np.mean(error < 2.0 * lifted.sigma_m) <= 1.0
    assert np.all(lifted.sigma_m > 0)


@needs_weights
def test_a_mirrored_clip_gives_the_mirrored_answer():
    scene = film_walk(60)
    track = scene.track
    kset = KEYPOINT_SETS[track.keypoint_set]
    other = [kset.index(n.replace("left", "*").replace("right", "left").replace("*", "right")) for n in kset.keypoints]
    mirrored = dataclasses.replace(
        track,
        xy_px=(track.xy_px * np.array([-1, 1]) + np.array([track.image_size[0], 0]))[:, other],
        confidence=track.confidence[:, other],
        model_joints_m=None,
    )
    a, b = lift_by_network(track, scene.K), lift_by_network(mirrored, scene.K)
    expected = a.joints_m[:, CANONICAL.mirror] * np.array([-1, 1, 1])
    # steps of the two passes begin at different frames, so not to the last digit
    assert np.abs(b.joints_m - expected).mean() < 0.01


@needs_weights
def test_one_frame_more_before_the_clip_changes_little():
    scene = film_walk(61)
    late = dataclasses.replace(
        scene.track, **{k: getattr(scene.track, k)[1:] for k in (
            "timestamps_s", "frame_indices", "xy_px", "confidence", "boxes_px")}, model_joints_m=None,
    )  # fmt: skip
    a, b = lift_by_network(scene.track, scene.K), lift_by_network(late, scene.K)
    assert np.linalg.norm(a.joints_m[1:] - b.joints_m, axis=-1)[10:].mean() < 0.01
