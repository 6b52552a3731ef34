from __future__ import annotations

import numpy as np
import pytest

from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose import PoseSample
from pose_core.track.affinity import best_pairs, keypoint_similarity
from pose_core.track.prominence import frame_prominence


def pose(offset: float, confidence: float = 0.9) -> PoseSample:
    xy = np.random.default_rng(0).uniform(0, 100, (17, 2)) + offset
    return PoseSample(xy, np.full(17, confidence), 1.0, np.array([0.0, 0, 100, 100]), Region(50, 50, 100, 100))


def test_the_same_pose_is_1_and_a_distant_one_is_0() -> None:
    assert keypoint_similarity(pose(0), pose(0)) == pytest.approx(1.0)
    assert keypoint_similarity(pose(0), pose(80)) < 1e-6
    assert keypoint_similarity(pose(0), pose(3)) > keypoint_similarity(pose(0), pose(6))


def test_similarity_is_symmetric_and_0_without_confidence() -> None:
    assert keypoint_similarity(pose(0), pose(5, 0.3)) == pytest.approx(keypoint_similarity(pose(5, 0.3), pose(0)))
    assert keypoint_similarity(pose(0, 0.0), pose(0)) == 0.0


def test_pairs_have_the_greatest_sum_not_the_greatest_first() -> None:
    affinity = np.array([[0.9, 0.8], [0.85, 0.1]])
    assert sorted(best_pairs(affinity, 0.05)) == [(0, 1), (1, 0)]


def test_pairs_below_the_limit_are_not_made() -> None:
    assert best_pairs(np.array([[0.2, 0.9], [0.1, 0.3]]), 0.35) == [(0, 1)]
    assert best_pairs(np.zeros((0, 3)), 0.0) == []
    assert best_pairs(np.zeros((3, 0)), 0.0) == []


def test_prominence_grows_with_size_and_towards_the_middle() -> None:
    boxes = np.array(
        [[270.0, 130, 370, 230], [20, 130, 120, 230], [295, 155, 345, 205], [np.nan] * 4, [-90, 130, 10, 230]]
    )
    middle, side, small, unseen, cut = frame_prominence(boxes, (640, 360))
    assert middle > side > cut > 0
    assert middle == pytest.approx(4 * small)
    assert unseen == 0
