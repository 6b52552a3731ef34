"""Rendered clips as plans and numbers: what they hold, frame times, postures, takes, the truth's file."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from pose_core.errors import ConfigError, DatasetError, InsufficientDataError
from pose_core.lab.clip_measures.figures import knee_flexion_deg
from pose_core.lab.datasets.mocap import HELD_OUT_SOURCES, HELD_OUT_SUBJECTS
from pose_core.lab.datasets.mocap_folder import read_folder
from pose_core.lab.mannequin.head import HAIR_STYLES
from pose_core.lab.rendered_clips.clip_times import frame_ticks, seconds_of
from pose_core.lab.rendered_clips.clips import CLIPS, clips_by_name
from pose_core.lab.rendered_clips.outfits import CLOTHING, OUTFITS, Body, person_of
from pose_core.lab.rendered_clips.plan import Act, Actor, Camera, Clip, video_path
from pose_core.lab.rendered_clips.postures import POSTURES
from pose_core.lab.rendered_clips.produce import chosen_clips
from pose_core.lab.rendered_clips.take import camera_path, make_take, resampled
from pose_core.lab.rendered_clips.truth import read_truth, truth_of, write_truth
from pose_core.skeletons import CANONICAL
from tests.support.shared import shared_file


@pytest.fixture(scope="module")
def mocap():
    return read_folder(shared_file("mocap/README.md").parent)


def test_the_clips_hold_what_validation_needs():
    assert len(CLIPS) >= 18 and len(clips_by_name()) == len(CLIPS)
    kinds = Counter(clip.kind for clip in CLIPS)
    for kind in ("standing", "walking", "sitting", "lying", "kneeling", "jumping", "kicking", "turning", "half body",
                 "occluded", "two people", "three people"):  # fmt: skip
        assert kinds[kind] >= 1, kind
    assert {"24", "30000/1001", "60", "variable"} <= {clip.rate for clip in CLIPS}
    pitches = [clip.camera.pitch_deg for clip in CLIPS]
    assert min(pitches) <= -45 and max(pitches) >= 30
    heights = [actor.body.height_m for clip in CLIPS for actor in clip.actors]
    assert min(heights) < 1.3 and max(heights) >= 2.0
    assert {CLOTHING[a.outfit] for clip in CLIPS for a in clip.actors} == set(CLOTHING.values())
    assert any(clip.camera.orbit_deg_s for clip in CLIPS)


def test_every_clip_is_of_people_that_training_never_sees():
    sources = {f"{source}_actor" for source in HELD_OUT_SOURCES}
    for clip in CLIPS:
        for actor in clip.actors:
            assert actor.act.subject in HELD_OUT_SUBJECTS | sources, clip.name
            assert actor.act.posture in POSTURES


def test_every_outfit_counts_as_a_kind_of_clothing_and_names_hair_that_exists():
    assert set(CLOTHING) == set(OUTFITS)
    assert all(not o.hair or o.hair in HAIR_STYLES for o in OUTFITS.values())


def test_bodies_are_as_tall_as_asked_for_and_outfits_must_exist():
    from pose_core.lab.mannequin.shape import shaped_points

    for body in (Body(1.22, 0.95, child=True), Body(2.0, 1.06), Body(1.6, 0.94, female=True)):
        points = shaped_points(person_of("fitted", body, np.random.default_rng(1)).shape)
        assert abs(points["head_top"][2] - body.height_m) < 1e-9
    long, short = (
        shaped_points(person_of("fitted", Body(1.8, legs), np.random.default_rng(1)).shape) for legs in (1.06, 0.94)
    )
    assert long["left_hip"][2] > short["left_hip"][2] + 0.05
    with pytest.raises(ConfigError, match="no outfit 'toga'"):
        person_of("toga", Body(), np.random.default_rng(1))


def test_frame_times():
    assert frame_ticks("25", 0.2, 0) == [0, 3600, 7200, 10800, 14400]
    assert len(frame_ticks("30000/1001", 1.0, 0)) == 30
    uneven = frame_ticks("variable", 2.0, 5)
    assert uneven == frame_ticks("variable", 2.0, 5) != frame_ticks("variable", 2.0, 6)
    assert len(set(np.diff(uneven))) > 2 and seconds_of(uneven)[-1] < 2.0
    with pytest.raises(ConfigError, match="no frame rate"):
        frame_ticks("often", 1.0, 0)


def test_the_fingerprint_follows_every_option(tmp_path):
    clip = CLIPS[0]
    others = [
        dataclasses.replace(clip, seconds=clip.seconds + 1),
        dataclasses.replace(clip, camera=dataclasses.replace(clip.camera, pitch_deg=3.0)),
        clip.shortened(3),
    ]
    assert len({video_path(tmp_path, c).name for c in (clip, *others)}) == 4
    assert chosen_clips(f"{clip.name}", 3) == [clip.shortened(3)]
    with pytest.raises(ConfigError, match="no clip 'nothing'"):
        chosen_clips("nothing")
    with pytest.raises(ConfigError, match="1 or more"):
        chosen_clips("", 0)


def test_standing_people_stand_and_sitting_people_sit(mocap):
    for name, low, high in (("stand_coat_above", 0, 20), ("sit_coat", 70, 110), ("kneel_skirt", 80, 110)):
        take = make_take(clips_by_name()[name].shortened(20), mocap)
        knees = np.median(knee_flexion_deg(take.performers[0].joints_m), axis=0)
        assert np.all((knees > low - 1) & (knees < high)), (name, knees)


def test_standing_ankles_are_as_high_as_the_body_has_them(mocap):
    for name in ("stand_child", "stand_wide_side", "stand_skirt_below"):
        performer = make_take(clips_by_name()[name].shortened(20), mocap).performers[0]
        ankles = performer.joints_m[:, CANONICAL.indices("left_ankle", "right_ankle"), 2]
        assert np.all(np.abs(np.median(ankles, axis=0) - performer.points["left_ankle"][2]) < 0.012), name


def test_somebody_lying_lies_on_the_floor(mocap):
    joints = make_take(clips_by_name()["lie"].shortened(10), mocap).performers[0].joints_m
    trunk = joints[:, CANONICAL.index("neck")] - joints[:, 0]
    assert np.all(np.abs(trunk[:, 2]) < 0.25 * np.linalg.norm(trunk, axis=-1))
    assert 0.0 < joints[:, 0, 2].mean() < 0.3
    nose, head = (joints[:, CANONICAL.index(n), 2] for n in ("nose", "head"))
    assert np.all(nose > head)


def test_headings_places_and_the_truth_as_a_file(mocap, tmp_path):
    act = Act("cmu_13", "drink soda", 0.8, posture="upright")
    clip = Clip("trial", "standing", (Actor(act, "fitted", Body(1.7), 90.0, (0.5, -0.25)),), Camera(), seconds=0.5)
    take = make_take(clip, mocap)
    joints = take.performers[0].joints_m
    left = joints[0, CANONICAL.index("left_hip")] - joints[0, CANONICAL.index("right_hip")]
    assert np.cross(left, [0, 0, 1.0])[0] > 0.9 * np.linalg.norm(left)  # looks along +X
    np.testing.assert_allclose(np.median(joints[:, 0, :2], axis=0), [0.5, -0.25], atol=0.01)
    truth = truth_of(clip, take)
    write_truth(tmp_path, clip, truth)
    again = read_truth(tmp_path, clip)
    np.testing.assert_allclose(again.joints_world_m, truth.joints_world_m, atol=1e-6)
    assert again.image_size == clip.size_px and again.inside.all()
    with pytest.raises(DatasetError, match="render_clips"):
        read_truth(tmp_path, clip.shortened(2))


def test_the_camera_goes_round_what_it_looks_at():
    time = np.linspace(0, 2, 9)
    camera = Camera(pitch_deg=-20, orbit_deg_s=10, dolly_m_s=0.2, roll_deg=5, aim_m=(0.2, 0.1, 1.0))
    T = camera_path(camera, time)
    R, eye = T[:, :3, :3], T[:, :3, 3]
    np.testing.assert_allclose(R @ np.swapaxes(R, 1, 2), np.broadcast_to(np.eye(3), R.shape), atol=1e-12)
    to_aim = np.array(camera.aim_m) - eye
    distance = np.linalg.norm(to_aim, axis=-1)
    np.testing.assert_allclose(to_aim / distance[:, None], R[:, :, 2], atol=1e-12)
    np.testing.assert_allclose([distance[0], distance[-1]], [4.4, 4.0])
    assert np.all(R[:, 2, 2] < 0) and np.all(eye[:, 2] > 1.0)  # looks down, from above


def test_resampling_keeps_frames_and_rotations(mocap):
    pose = make_take(clips_by_name()["jump"].shortened(30), mocap).performers[0].pose
    same, between = resampled(pose, np.arange(30.0)), resampled(pose, np.arange(29.0) + 0.5)
    np.testing.assert_allclose(same.D, pose.D, atol=1e-9)
    np.testing.assert_allclose(same.root_m, pose.root_m, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(between.D), 1.0, atol=1e-9)
    assert np.all(np.abs(between.root_m - (pose.root_m[:-1] + pose.root_m[1:]) / 2) < 0.01)


def test_a_recording_that_is_not_there_or_too_short_is_named(mocap):
    for act, seconds, message in (
        (Act("cmu_13", "fly"), 1.0, "no recording"),
        (Act("cmu_35", "walk"), 9.0, "too short"),
    ):
        clip = Clip("trial", "walking", (Actor(act, "fitted", Body()),), Camera(), seconds=seconds)
        with pytest.raises(InsufficientDataError, match=message):
            make_take(clip, mocap)
