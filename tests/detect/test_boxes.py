"""YOLOX and RTMDet: decoding of made-up outputs, and the real networks on a real picture."""

from __future__ import annotations

import numpy as np
import pytest

from pose_core.detect.box_detector import finished_boxes
from pose_core.detect.letterbox import cut_bgr, to_detections, top_left_window
from pose_core.detect.nms import box_iou
from pose_core.detect.rtmdet import RtmdetDetector
from pose_core.detect.yolox import YoloxDetector, decode_yolox
from pose_core.errors import ModelError
from pose_core.keypoints.crop import Region
from pose_core.video.frame import VideoFrame
from pose_core.video.reader import open_video
from tests.support.shared import shared_file

SIZE = (416, 416)


def yolox_rows(*people: tuple[int, int, int, float, float]) -> np.ndarray:
    """(3549, 85) raw rows with people at (stride, column, row, objectness, person score), 64 px wide and 128 tall."""
    rows = np.zeros((3549, 85), np.float32)
    start = {8: 0, 16: 52 * 52, 32: 52 * 52 + 26 * 26}
    for stride, column, row, objectness, score in people:
        k = start[stride] + row * (416 // stride) + column
        rows[k, :4] = [0.5, 0.25, np.log(64 / stride), np.log(128 / stride)]
        rows[k, 4:6] = objectness, score
    return rows


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_yolox_boxes_come_back(stride: int) -> None:
    boxes, scores = decode_yolox(yolox_rows((stride, 5, 6, 0.9, 0.8)), SIZE, 0.5)
    cx, cy = 5.5 * stride, 6.25 * stride
    np.testing.assert_allclose(boxes, [[cx - 32, cy - 64, cx + 32, cy + 64]], rtol=1e-5)
    np.testing.assert_allclose(scores, [0.72], rtol=1e-6)


def test_yolox_drops_overlaps_low_scores_and_other_classes() -> None:
    rows = yolox_rows((8, 20, 20, 0.9, 0.9), (8, 21, 20, 0.9, 0.8), (8, 40, 40, 0.5, 0.5), (32, 9, 9, 0.9, 0.0))
    rows[:, 6] = 1.0  # everything is surely a bicycle as well
    boxes, scores = decode_yolox(rows, SIZE, 0.5)
    assert len(boxes) == 1 and scores[0] == pytest.approx(0.81)


def test_yolox_of_another_input_size_is_refused() -> None:
    with pytest.raises(ModelError, match="rows"):
        decode_yolox(np.zeros((8400, 85)), SIZE, 0.5)


def test_finished_boxes_keep_people_only() -> None:
    dets = np.array([[[0, 0, 10, 20, 0.9], [5, 5, 9, 9, 0.8], [1, 1, 4, 4, 0.2]]])
    boxes, scores = finished_boxes([dets, np.array([[0, 3, 0]])], 0.5)
    np.testing.assert_array_equal(boxes, [[0, 0, 10, 20]])
    assert scores.tolist() == [0.9]
    assert len(finished_boxes([dets], 0.5)[0]) == 2


def test_the_letterbox_is_undone_and_boxes_are_cut_at_the_edge() -> None:
    window = top_left_window((832, 416))
    boxes = np.array([[10.0, 20, 110, 220], [-50, 150, 50, 300], [20, 210, 25, 211]])
    found = to_detections(boxes, np.array([0.5, 0.9, 0.7]), window, SIZE, (832, 416), 0.75)
    np.testing.assert_allclose(found[0].box_px, [0, 300, 100, 416])  # the most certain first
    np.testing.assert_allclose(found[1].box_px, [20, 40, 220, 416])
    assert len(found) == 2, "a box that lies outside the picture is nobody"
    assert found[0].region.width / found[0].region.height == pytest.approx(0.75)


def test_the_input_is_bgr_on_grey() -> None:
    frame = VideoFrame.from_rgb(np.full((100, 200, 3), (250, 120, 10), np.uint8))
    picture = cut_bgr(frame, top_left_window((200, 100)), (100, 100))
    np.testing.assert_array_equal(picture[10, 50], (10, 120, 250))
    np.testing.assert_array_equal(picture[80, 50], (114, 114, 114))


@pytest.mark.parametrize("kind", ["yolox", "rtmdet"])
def test_a_real_person_is_found(kind: str) -> None:
    path = shared_file("models/yolox_nano.onnx" if kind == "yolox" else "models/rtmdet_nano_person_end2end.onnx")
    detector = (YoloxDetector if kind == "yolox" else RtmdetDetector)(path, least_score=0.4)
    with open_video(shared_file("clips/balance_cam04.mp4"), end_frame=1) as reader:
        (frame,) = reader
    found = detector.detect(frame)
    truth = np.array([[150.0, 530, 670, 1450]])
    assert box_iou(found[0].box_px[None], truth)[0, 0] > 0.75
    near = detector.detect(frame, Region(420, 980, 1300, 1300))
    assert box_iou(near[0].box_px[None], truth)[0, 0] > 0.7
    assert detector.detect(VideoFrame.from_rgb(np.zeros((480, 640, 3), np.uint8))) == []
