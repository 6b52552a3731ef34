from __future__ import annotations

import numpy as np
import pytest

from pose_core.detect.nms import blend_overlapping, box_iou, suppress


def test_iou_of_known_boxes() -> None:
    a = np.array([[0.0, 0, 10, 10]])
    b = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 10], [np.nan] * 4])
    np.testing.assert_allclose(box_iou(a, b), [[1.0, 1 / 3, 0, 0, 0]])
    assert box_iou(np.zeros((0, 4)), b).shape == (0, 5)


def test_iou_is_symmetric() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 50, (20, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 40, (20, 2))], axis=1)
    iou = box_iou(boxes, boxes)
    np.testing.assert_allclose(iou, iou.T)
    np.testing.assert_allclose(np.diag(iou), 1.0)


def test_suppression_keeps_the_best_of_each_group() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60], [0, 1, 10, 11]], dtype=float)
    np.testing.assert_array_equal(suppress(boxes, np.array([0.6, 0.9, 0.5, 0.8]), 0.45), [1, 2])
    assert suppress(np.zeros((0, 4)), np.zeros(0), 0.45).size == 0


def test_blending_averages_by_score() -> None:
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]], dtype=float)
    values, scores = blend_overlapping(boxes, np.array([0.9, 0.3, 0.5]), boxes[:, :1], 0.3)
    np.testing.assert_allclose(values[:, 0], [(0.9 * 0 + 0.3 * 2) / 1.2, 50])
    assert scores.tolist() == pytest.approx([0.9, 0.5])
