from __future__ import annotations

import numpy as np
import pytest

from pose_core.detect.detection import Detection
from pose_core.detect.windows import merge_detections, square_tiles
from pose_core.keypoints.crop import Region


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (3840, 1080), (768, 432), (1000, 700)])
def test_tiles_cover_the_picture_and_overlap(size: tuple[int, int]) -> None:
    tiles = square_tiles(size)
    boxes = np.array([t.square_box for t in tiles])
    axis = 0 if size[0] > size[1] else 1
    assert boxes[0, axis] == pytest.approx(0) and boxes[-1, axis + 2] == pytest.approx(max(size))
    assert np.all(boxes[1:, axis] < boxes[:-1, axis + 2])
    assert all(t.width == t.height == min(size) for t in tiles)


def test_a_squarish_picture_needs_no_tiles() -> None:
    assert square_tiles((720, 720)) == () and square_tiles((800, 640)) == ()


def person(x: float, score: float, size: float = 100.0) -> Detection:
    return Detection(np.array([x - 20, 0, x + 20, 100]), score, Region(x, 50, size, size))


def test_somebody_seen_in_two_windows_counts_once_at_the_best_score() -> None:
    merged = merge_detections([[person(100, 0.6), person(300, 0.9)], [person(105, 0.8)], []])
    assert [(d.region.center_x, d.score) for d in merged] == [(300, 0.9), (105, 0.8)]


def test_two_people_close_together_in_one_window_stay_two() -> None:
    assert len(merge_detections([[person(100, 0.6), person(108, 0.9)]])) == 2


def test_a_child_before_an_adult_is_somebody_else() -> None:
    assert len(merge_detections([[person(100, 0.6, size=100)], [person(100, 0.9, size=180)]])) == 2
