from __future__ import annotations

import math

import numpy as np
import pytest

from pose_core.keypoints.blazepose import (
    BlazePoseLandmarks,
    decode_pose,
    inside_weight,
    refine_by_heatmap,
    region_from_alignment,
)
from pose_core.keypoints.crop import Region
from pose_core.runtime.store import ModelStore
from pose_core.video.frame import VideoFrame
from pose_core.video.reader import open_video
from tests.support.shared import shared_file


@pytest.mark.parametrize("angle", [0.0, 0.5, -1.2, 3.0])
def test_the_region_stands_upright_on_the_person(angle: float) -> None:
    """`angle`: how far the person is turned clockwise from upright."""
    hips = np.array([400.0, 500.0])
    up = np.array([math.sin(angle), -math.cos(angle)])
    region = region_from_alignment(hips, hips + 200 * up)
    assert region.width == region.height == pytest.approx(500.0)
    assert math.cos(region.rotation_rad - angle) == pytest.approx(1.0)
    above = region.to_image(np.array([0.5, 0.0])) - hips
    np.testing.assert_allclose(above / 250, up, atol=1e-9)


def test_world_landmarks_are_turned_back_into_camera_axes() -> None:
    angle = 0.7
    region = Region(100, 100, 200, 200, angle)
    person = np.zeros((33, 3))
    person[0] = (0.0, -0.6, 0.1)  # the nose, above the hips in the turned crop
    pose = decode_pose(region, np.full((35, 2), 0.5), np.full((33, 2), 9.0), person, 1.0, (400, 400))
    assert pose.joints_m is not None
    np.testing.assert_allclose(pose.joints_m[0], (0.6 * math.sin(angle), -0.6 * math.cos(angle), 0.1), atol=1e-12)


def test_points_outside_the_picture_lose_trust() -> None:
    xy = np.array([[50.0, 50], [0, 0], [-3, 50], [-60, 50], [50, 400]])
    weight = inside_weight(xy, (200, 100))
    assert weight[0] == weight[1] == 1.0
    assert 0.8 < weight[2] < 1.0
    assert weight[3] < 1e-6 and weight[4] < 1e-6


def test_landmarks_move_to_the_heatmap_where_it_is_sure() -> None:
    y, x = np.mgrid[:64, :64]
    logits = np.full((64, 64, 3), -20.0)
    logits[..., 0] = 4 - ((x - 31) ** 2 + (y - 20) ** 2)
    logits[..., 1] = -3 - ((x - 31) ** 2 + (y - 20) ** 2)  # never above one half
    unit = np.array([[30.2 / 64, 21.4 / 64], [30.2 / 64, 21.4 / 64], [1.5, -0.2]])
    refined = refine_by_heatmap(unit, logits)
    np.testing.assert_allclose(refined[0], (31 / 64, 20 / 64), atol=0.002)
    np.testing.assert_array_equal(refined[1:], unit[1:])


@pytest.fixture(scope="module")
def network() -> BlazePoseLandmarks:
    return BlazePoseLandmarks(ModelStore().path("blazepose-full"))


@pytest.mark.model
def test_a_black_picture_holds_nobody(network: BlazePoseLandmarks) -> None:
    assert network.estimate(VideoFrame.from_rgb(np.zeros((480, 640, 3), np.uint8)), Region(320, 240, 300, 300)) is None


@pytest.mark.model
def test_a_real_person_stays_put_when_the_region_turns_and_grows(network: BlazePoseLandmarks) -> None:
    with open_video(shared_file("clips/balance_cam04.mp4"), end_frame=1) as reader:
        (frame,) = reader
    base = Region(400, 980, 1230, 1230, -0.4)
    pose = network.estimate(frame, base)
    assert pose is not None and pose.score > 0.99
    assert pose.xy_px.shape == (33, 2) and pose.joints_m is not None
    for change in (
        Region(400, 980, 1350, 1350, -0.4),
        Region(400, 980, 1230, 1230, -0.3),
        Region(430, 960, 1230, 1230, -0.4),
    ):
        other = network.estimate(frame, change)
        assert other is not None and other.joints_m is not None
        # A body of 1000 px: the network answers a little differently for every crop, but 3 % would be a wrong mapping.
        assert np.median(np.linalg.norm(other.xy_px - pose.xy_px, axis=1)) < 15
        assert np.median(np.linalg.norm(other.joints_m - pose.joints_m, axis=1)) < 0.08
    hips = pose.joints_m[[23, 24]].mean(axis=0)
    np.testing.assert_allclose(hips, 0, atol=0.03)
    head_above = pose.joints_m[0] - hips
    assert head_above[1] < -0.4, "y points down"
