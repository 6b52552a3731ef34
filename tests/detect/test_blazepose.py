from __future__ import annotations

import numpy as np
import pytest

from pose_core.detect.blazepose import INPUT_SIZE, BlazePoseDetector, anchor_centres, decode_detections
from pose_core.keypoints.crop import Region
from pose_core.runtime.store import ModelStore
from pose_core.video.frame import VideoFrame
from pose_core.video.reader import open_video
from tests.support.shared import shared_file


def test_there_is_an_anchor_for_each_row_of_the_network() -> None:
    centres = anchor_centres()
    assert centres.shape == (2254, 2)
    assert centres.min() == 4 and centres.max() == INPUT_SIZE - 4
    np.testing.assert_array_equal(centres[:3], [[4, 4], [4, 4], [12, 4]])  # two a cell, row by row
    np.testing.assert_array_equal(centres[1568:1570], [[8, 8], [8, 8]])
    np.testing.assert_array_equal(centres[-6:], np.full((6, 2), 208))


def raw(*people: tuple[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Network outputs with people at these anchors, with these logits; all points 10 px right of the anchor."""
    numbers, logits = np.zeros((2254, 12), np.float32), np.full(2254, -9.0, np.float32)
    for anchor, logit in people:
        numbers[anchor] = [10, 0, 40, 20, *([10, 0] * 4)]
        logits[anchor] = logit
    return numbers, logits


def test_boxes_and_points_are_relative_to_the_anchor() -> None:
    points, scores = decode_detections(*raw((100, 2.0)), 0.5)
    x, y = anchor_centres()[100]
    np.testing.assert_allclose(points[0], [[x - 10, y - 10], [x + 30, y + 10], *[[x + 10, y]] * 4])
    assert scores[0] == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_overlapping_detections_are_blended_by_score() -> None:
    points, scores = decode_detections(*raw((102, 3.0), (104, 0.5)), 0.5)
    assert len(scores) == 1
    first, second = anchor_centres()[102, 0] + 10, anchor_centres()[104, 0] + 10
    assert min(first, second) < points[0, 2, 0] < (first + second) / 2 + 4


def test_nothing_above_the_score_is_nobody() -> None:
    points, scores = decode_detections(*raw((100, -0.1)), 0.5)
    assert points.shape == (0, 6, 2) and scores.shape == (0,)


@pytest.fixture(scope="module")
def detector() -> BlazePoseDetector:
    return BlazePoseDetector(ModelStore().files("blazepose-full")["detector"])


@pytest.mark.model
def test_a_black_picture_holds_nobody(detector: BlazePoseDetector) -> None:
    assert detector.detect(VideoFrame.from_rgb(np.zeros((480, 640, 3), np.uint8))) == []


@pytest.mark.model
def test_a_real_person_is_found_the_same_in_the_whole_picture_and_in_a_window(detector: BlazePoseDetector) -> None:
    with open_video(shared_file("clips/balance_cam04.mp4"), end_frame=1) as reader:
        (frame,) = reader
    (whole,) = detector.detect(frame)
    (near,) = detector.detect(frame, Region(420, 980, 1400, 1400))
    assert whole.score > 0.8 and near.score > 0.8
    # The man's hips are near (400, 980); he is about 1000 px tall and leans to the left.
    for found in (whole, near):
        assert np.hypot(found.region.center_x - 400, found.region.center_y - 980) < 60
        assert 950 < found.region.width < 1500
        assert -0.6 < found.region.rotation_rad < -0.2


@pytest.mark.model
def test_other_networks_get_an_upright_region_around_the_whole_person() -> None:
    detector = BlazePoseDetector(ModelStore().files("blazepose-full")["detector"], aspect=0.75)
    with open_video(shared_file("clips/balance_cam04.mp4"), end_frame=1) as reader:
        (frame,) = reader
    (found,) = detector.detect(frame)
    region = found.region
    assert region.rotation_rad == 0.0 and region.width / region.height == pytest.approx(0.75)
    x0, y0, x1, y1 = region.square_box
    assert x0 <= found.box_px[0] and y0 <= found.box_px[1] and x1 >= found.box_px[2] and y1 >= found.box_px[3]
