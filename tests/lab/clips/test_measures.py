"""What is measured on clips: a fault that is put in must come out, with its size and sign."""

import numpy as np
import pytest

from pose_core.lab.clip_measures.figures import (
    Solved,
    figures_of,
    knee_flexion_deg,
    pair_up,
    path_error,
    trunk_lean_deg,
)
from pose_core.lab.clip_measures.offset_table import (
    OFFSETS_FILE,
    Measured,
    as_data,
    build_offset_page,
    read_data,
    spread_of,
    view_of,
    write_data,
)
from pose_core.lab.clip_measures.offsets import PARTS, joint_offsets
from pose_core.lab.clip_measures.page import build_clips_page
from pose_core.lab.clip_measures.run_clips import ClipMeasures, ClipResult, PersonResult
from pose_core.lab.clip_measures.standing import STANDING_SPANS, hip_share, standing_frames
from pose_core.lab.clip_measures.who import match_people
from pose_core.lab.mannequin.skeleton import HEIGHT_M, JOINT_REST_M
from pose_core.lab.rendered_clips.clips import CLIPS
from pose_core.lab.rendered_clips.truth import Truth
from pose_core.skeletons import CANONICAL, keypoint_set
from pose_core.types import KeypointTrack
from tests.support.motions import random_motion

FRAMES = 20
AT = CANONICAL.index


def _truth(places=((0.0, 0.0),), pitch_deg=0.0):
    """People in the rest pose, seen from 4 m by a level camera in front of them."""
    p = np.radians(pitch_deg)
    T = np.eye(4)
    T[:3, :3] = np.array([[1, 0, 0], [0, -np.sin(-p), np.cos(p)], [0, -np.cos(p), np.sin(p)]])
    T[:3, 3] = [0, -4.0 * np.cos(p), 0.9 - 4.0 * np.sin(p)]
    people = np.stack([np.repeat((JOINT_REST_M + [*xy, 0.0])[None], FRAMES, axis=0) for xy in places])
    K = np.array([[600.0, 0, 320], [0, 600.0, 320], [0, 0, 1]])
    return Truth(
        np.arange(FRAMES) / 25, people, np.full(len(places), HEIGHT_M), K, np.tile(T, (FRAMES, 1, 1)), (640, 640)
    )


def _track(truth, joints_world_m, number=1, frames=None):
    """A COCO track of joints (T, 24, 3)."""
    names = keypoint_set("coco17").keypoints
    moved = Truth(truth.time_s, joints_world_m[None], truth.height_m[:1], truth.K, truth.T_world_camera, (640, 640))
    px = moved.joints_px[0]
    xy = np.stack([px[:, AT("head" if n.endswith(("ear", "eye")) else n)] for n in names], axis=1)
    use = np.arange(FRAMES) if frames is None else frames
    boxes = np.concatenate([px.min(axis=1), px.max(axis=1)], axis=1)
    return KeypointTrack(number, "coco17", truth.time_s[use], use, xy[use], np.ones((len(use), len(names))), (640, 640),
                         boxes[use])  # fmt: skip


@pytest.mark.parametrize("pitch_deg", [0.0, -40.0, 25.0])
def test_low_hips_come_out_along_the_trunk_whatever_the_view(pitch_deg):
    truth = _truth(pitch_deg=pitch_deg)
    seen = truth.joints_world_m[0].copy()
    for side in ("left", "right"):
        seen[:, AT(f"{side}_hip"), 2] -= 0.10
    found = joint_offsets(_track(truth, seen), truth, 0)
    hips = [o for o in found if o.part == "hip"]
    assert len(hips) == 2 and {o.part for o in found} <= set(PARTS)
    # the chord of perspective is the small rest
    assert all(abs(o.along + 0.10 / HEIGHT_M) < 0.008 and abs(o.across) < 0.004 for o in hips)
    assert all(abs(o.along) < 0.002 and abs(o.across) < 0.002 for o in found if o.part in ("shoulder", "knee", "ankle"))


def test_outwards_is_positive_on_both_sides_and_jitter_is_no_offset():
    truth = _truth()
    seen = truth.joints_world_m[0].copy()
    rng = np.random.default_rng(1)
    shake = 0.02 * rng.standard_normal(FRAMES)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        seen[:, AT(f"{side}_hip"), 0] += sign * 0.05 + shake
        seen[:, AT(f"{side}_elbow"), 0] += sign * 0.03
    found = joint_offsets(_track(truth, seen), truth, 0)
    for o in (o for o in found if o.part == "hip"):
        assert abs(o.across - 0.05 / HEIGHT_M) < 0.009 and 0.005 < o.spread_across < 0.02 and o.spread_along < 1e-3
    for o in (o for o in found if o.part == "elbow"):  # arms are level in the rest pose: outwards is along
        assert abs(o.along - 0.03 / HEIGHT_M) < 1e-3


def test_joints_outside_of_the_picture_and_bones_towards_the_camera_do_not_count():
    truth = _truth(((2.2, 0.0),))
    assert {o.part for o in joint_offsets(_track(truth, truth.joints_world_m[0]), truth, 0)} < set(PARTS)
    above = _truth(pitch_deg=-80.0)
    assert "knee" not in {o.part for o in joint_offsets(_track(above, above.joints_world_m[0]), above, 0)}


def test_the_table_its_data_and_a_missing_joint(tmp_path):
    truth = _truth()
    own = joint_offsets(_track(truth, truth.joints_world_m[0] - [0, 0, 0.017]), truth, 0)
    measured = [Measured("m", c, "coat", "level", o) for c in ("a", "b") for o in own]
    spread = spread_of(m for m in measured if m.offset.part == "hip")
    assert spread is not None and spread.clips == 4 and abs(spread.mean_along + 0.017 / HEIGHT_M) < 1e-3
    assert spread_of([]) is None
    write_data(measured, tmp_path / "o.json")
    again = read_data("m", "coat", tmp_path / "o.json")
    assert abs(again["hip"].mean_along - spread.mean_along) < 1e-5 and "hand" not in again
    assert as_data(measured)["models"]["m"]["all"]["hip"]["clips"] == 4
    page = build_offset_page(measured, ["fact"])
    assert "| hip | -1.0 |" in page and "- fact" in page
    assert [view_of(p) for p in (-45, 0, 30)] == ["from above", "level", "from below"]


def test_the_shipped_data_is_there_for_training():
    hip = read_data("blazepose-full", path=OFFSETS_FILE)["hip"]
    assert hip.clips > 20 and -0.2 < hip.mean_along < 0.05 and 0 < hip.between_along < 0.2


def _solved(camera_m, true_m, **more):
    up = np.broadcast_to([0.0, -1.0, 0.0], (len(true_m), 3))
    world = {"world_m": true_m, "true_world_m": true_m, **more}
    return Solved(np.arange(len(true_m)) / 25, camera_m, world["world_m"], up, true_m, world["true_world_m"], up)


def _camera(truth):
    return truth.joints_camera_m[0]


def test_a_crouch_is_told_by_its_knees():
    true = _camera(_truth())
    bent = true.copy()
    for side in ("left", "right"):
        bent[:, AT(f"{side}_knee"), 2] -= 0.12  # towards the camera
    assert knee_flexion_deg(true).max() < 5
    figures = figures_of(_solved(bent, true))
    bend = float(knee_flexion_deg(bent).mean())
    assert 25 < bend < 45 and abs(figures["knee_bias_deg"] - bend) < 5
    assert figures["standing_share"] == 0.0 and figures["standing_knees"] == 2 * FRAMES
    right = figures_of(_solved(true, true))
    assert right["mpjpe_mm"] == 0 and right["standing_share"] == 1.0 and abs(right["knee_bias_deg"]) < 1e-9
    assert right["up_error_deg"] < 1e-3 and np.isnan(right["path_share"])


def test_a_trunk_that_leans_away_from_the_camera_is_positive():
    true = _camera(_truth())
    leaning = true.copy()
    trunk = true[0, AT("left_shoulder"), 1] - true[0, AT("left_hip"), 1]
    for name in ("left_shoulder", "right_shoulder"):
        leaning[:, AT(name), 2] += abs(trunk) * np.tan(np.radians(10))
    up = np.array([0.0, -1.0, 0.0])
    error = trunk_lean_deg(leaning, up) - trunk_lean_deg(true, up)
    assert np.allclose(error, 10, atol=0.7)
    assert abs(figures_of(_solved(leaning, true))["lean_deg"] - 10) < 0.7


def test_the_way_is_compared_whatever_its_heading_and_start():
    way = np.zeros((50, 24, 3))
    way[:, 0] = np.stack([np.linspace(0, 4, 50), np.sin(np.linspace(0, 2, 50)), np.zeros(50)], axis=-1)
    c, s = np.cos(0.7), np.sin(0.7)
    turned = way @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]) + [1.0, -2.0, 0.3]
    assert path_error(turned, way)[0] < 1e-9
    error, share = path_error(1.1 * way, way)
    length = np.linalg.norm(np.diff(way[:, 0, :2], axis=0), axis=-1).sum()
    assert 0.05 < error < 0.2 and abs(share - error / length) < 1e-12


def test_who_is_who():
    truth = _truth(((-0.9, 0.0), (0.9, 0.3)))
    first, second = truth.joints_world_m
    swapped = np.concatenate([second[:15], first[15:]])
    late = np.arange(5, FRAMES)
    match = match_people([_track(truth, second), _track(truth, first, 2, late)], truth)
    assert match.person_of_track.tolist() == [1, 0] and match.right_share == 1.0 and match.track_of(0) == 1
    assert abs(match.lost_share - 5 / (2 * FRAMES)) < 1e-9
    stolen = match_people([_track(truth, swapped)], truth)
    assert stolen.person_of_track.tolist() == [1] and stolen.right_share == 0.75 and stolen.track_of(0) is None
    phantom = match_people([_track(truth, first + [3.0, 0.0, 0.4])], truth)
    assert phantom.person_of_track.tolist() == [-1] and phantom.lost_share == 1.0
    nobody = match_people([], truth)
    assert np.isnan(nobody.right_share) and nobody.lost_share == 1.0


def test_people_who_are_not_found_count_in_no_mean_but_are_told():
    clip = CLIPS[0]
    good = figures_of(_solved(_camera(_truth()), _camera(_truth())))
    people = [PersonResult("blazepose-full", clip, 0, good, 20), PersonResult("blazepose-full", CLIPS[7], 0, {}, 20)]
    page = build_clips_page(ClipMeasures(people, [ClipResult("blazepose-full", clip, 1.0, 0.25)], []), [], ["fact"], "")
    assert "| blazepose-full | 2 | 1 | 0 | 0 |" in page and "| stand_coat | blazepose-full | 100.0 | 25.0 |" in page
    assert "Real people" not in page


def test_hips_on_the_way_from_shoulders_to_ankles_and_times_of_standing():
    joints = _truth().joints_px[0]
    low = joints.copy()
    low[:, [AT("left_hip"), AT("right_hip")], 1] += 40
    assert 0.34 < hip_share(joints) < 0.40 and hip_share(low) > hip_share(joints) + 0.1
    span = STANDING_SPANS[1]
    assert standing_frames(np.array([0.1, 0.2, 0.5, 1.0, 2.8]), span).tolist() == [False, True, True, False, True]


def test_a_motion_and_the_truth_are_brought_onto_the_same_frames():
    motion = random_motion(12, valid=np.arange(12) % 5 != 0)
    frames = np.arange(len(motion.timestamps_s)) + 2
    true = np.arange(100 * 24 * 3, dtype=float).reshape(100, 24, 3)
    solved = pair_up(motion, frames, true, true, np.tile(np.eye(4), (100, 1, 1)))
    assert len(solved.time_s) == motion.valid.sum() and solved.camera_m.shape[1:] == (24, 3)
    np.testing.assert_array_equal(solved.true_camera_m, true[frames[motion.valid]])
