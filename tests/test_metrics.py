import numpy as np
import pytest

from pose_core.errors import ShapeError
from pose_core.metrics import acceleration_error, bone_length_variation, foot_skate, mpjpe, pa_mpjpe
from pose_core.rotations import rotation_vector_to_matrix


def test_mpjpe_by_hand():
    truth = np.zeros((1, 3, 3))
    estimate = np.array([[[1.0, 0, 0], [1.0, 3, 4], [1.0, 0, 2]]])
    assert mpjpe(estimate, truth) == pytest.approx((0 + 5 + 2) / 3)
    assert mpjpe(estimate, truth, root=None) == pytest.approx((1 + np.sqrt(26) + np.sqrt(5)) / 3)


def test_unknown_joints_do_not_count():
    truth = np.zeros((2, 2, 3))
    estimate = truth.copy()
    estimate[0, 1] = [0, 0, 1]
    estimate[1, 1] = np.nan
    assert mpjpe(estimate, truth) == pytest.approx(1 / 3)
    assert np.isnan(mpjpe(np.full((1, 2, 3), np.nan), np.zeros((1, 2, 3))))


def test_pa_mpjpe_is_blind_to_similarity_but_not_to_mirroring():
    truth = np.random.default_rng(0).normal(size=(4, 8, 3))
    R = rotation_vector_to_matrix(np.array([0.3, -1.0, 2.0]))
    assert pa_mpjpe(1.7 * truth @ R.T + [1, 2, 3], truth) < 1e-9
    assert pa_mpjpe(truth * [-1, 1, 1], truth) > 0.1


def test_acceleration_error_of_a_parabola():
    time_s = np.arange(10) / 50.0
    estimate = np.zeros((10, 2, 3))
    estimate[:, 1, 0] = 0.5 * 4.0 * time_s**2
    assert acceleration_error(estimate, np.zeros_like(estimate), time_s) == pytest.approx(2.0)


def test_bone_length_variation_and_skate():
    joints = np.zeros((2, 2, 3))
    joints[:, 1, 0] = [1.0, 3.0]
    assert bone_length_variation(joints, (-1, 0)) == pytest.approx(0.5)
    points = np.zeros((3, 1, 3))
    points[:, 0, 0] = [0.0, 0.01, 5.0]
    assert foot_skate(points, np.array([[1.0], [1.0], [0.0]])) == pytest.approx(0.01)
    assert np.isnan(foot_skate(points, np.zeros((3, 1))))


def test_shapes_must_agree():
    with pytest.raises(ShapeError, match="same shape"):
        mpjpe(np.zeros((1, 2, 3)), np.zeros((1, 3, 3)))
