"""`track_people` with the embedded model on real footage."""

from __future__ import annotations

import numpy as np
import pytest

from pose_core.config import TrackConfig
from pose_core.maths.cameras import project_points, transform_points
from pose_core.runtime.store import ModelStore
from pose_core.skeletons import KEYPOINT_SETS
from pose_core.track import TrackResult, track_people
from pose_core.video import open_video, prefetch
from pose_core.video.frame import VideoFrame
from tests.support.shared import shared_file

pytestmark = pytest.mark.model


def track(clip: str, start: int, end: int, **settings: object) -> TrackResult:
    path = shared_file(f"clips/{clip}.mp4")
    with open_video(path, start_frame=start, end_frame=end) as reader, prefetch(reader) as frames:
        return track_people(frames, TrackConfig(**settings), ModelStore())  # type: ignore[arg-type]


def test_keypoints_lie_on_the_body() -> None:
    result = track("balance_cam04", 0, 40)
    (person,) = result.tracks
    assert person.seen.all()
    assert person.keypoint_set == "blazepose33" and person.model_joints_m is not None
    with np.load(shared_file("clips/balance_reference.npz"), allow_pickle=False) as reference:
        camera = list(reference["camera_names"]).index("cam04")
        in_camera = transform_points(reference["T_camera_world"][camera], reference["positions"][:40])
        K = np.eye(3)
        K[:2] = reference["K"][camera].reshape(-1, 3)[:2]
        expected = project_points(in_camera, K)
        names = [str(n) for n in reference["joint_names"]]
    keypoints = KEYPOINT_SETS["blazepose33"]
    limbs = [f"{s}_{n}" for s in ("left", "right") for n in ("shoulder", "elbow", "hip", "knee", "ankle")]
    errors = [np.linalg.norm(person.xy_px[:, keypoints.index(n)] - expected[:, names.index(n)], axis=1) for n in limbs]
    # The reference itself is good to 8 px here, lens distortion (left out) to 10 px; the man is 1000 px tall.
    assert np.nanmedian(errors) < 20


def test_model_joints_are_metres_in_camera_axes() -> None:
    (person,) = track("sit_single", 105, 120).tracks
    joints = person.model_joints_m
    assert joints is not None
    keypoints = KEYPOINT_SETS["blazepose33"]
    head, feet = joints[:, keypoints.index("nose")], joints[:, keypoints.index("left_ankle")]
    assert np.all(head[:, 1] < -0.3) and np.all(feet[:, 1] > 0.5), "y points down, hips at 0"
    left, right = joints[:, keypoints.index("left_shoulder")], joints[:, keypoints.index("right_shoulder")]
    assert np.all(left[:, 0] > right[:, 0]), "he faces the camera: his left is on the picture's right"
    assert np.all(joints[:, keypoints.index("nose"), 2] < 0), "z points away from the camera: the face is nearer"


@pytest.mark.parametrize(("start", "end"), [(0, 56), (200, 226), (890, 916), (1362, 1393)])
def test_an_empty_room_holds_nobody(start: int, end: int) -> None:
    result = track("corridor_empty_spans", start, end, people=0)
    assert result.tracks == ()
    assert len(result.timestamps_s) == end - start


def test_somebody_leaving_is_not_followed_into_the_empty_room() -> None:
    result = track("corridor_empty_spans", 420, 475, people=0)
    assert result.tracks[0].seen[:20].all()
    assert not any(t.seen[32:].any() for t in result.tracks)


def test_two_people_close_together_keep_their_ids() -> None:
    first, second = track("two_people_cam01", 30, 90, people=0).tracks
    for person in (first, second):
        assert person.seen.all()
        steps = np.linalg.norm(np.diff(person.xy_px[:, [11, 12, 23, 24]], axis=0), axis=2)
        assert np.nanmedian(steps, axis=1).max() < 30, "no torso jumps over to the other"
    gap = np.linalg.norm(np.nanmean(first.xy_px[:, 11:13], axis=1) - np.nanmean(second.xy_px[:, 11:13], axis=1), axis=1)
    assert gap.min() > 150


def test_a_black_video_holds_nobody() -> None:
    black = np.zeros((180, 320, 3), np.uint8)
    result = track_people(
        (VideoFrame.from_rgb(black, index=k, time_s=k / 25) for k in range(10)), TrackConfig(), ModelStore()
    )
    assert result.tracks == () and len(result.frame_indices) == 10
