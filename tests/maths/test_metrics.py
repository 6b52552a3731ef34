import numpy as np
import pytest

from pose_core.errors import ConfigError, ShapeError
from pose_core.maths.metrics import (
    acceleration_error,
    bone_length_variation,
    contact_scores,
    foot_skate,
    jitter,
    mpjpe,
    n_mpjpe,
    pa_mpjpe,
    pck_3d,
    pck_auc,
    scores_3dhp,
    within_sigma,
)
from pose_core.maths.rotations import rotation_vector_to_matrix


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


def test_n_mpjpe_is_blind_to_the_scale_of_every_frame():
    truth = np.random.default_rng(1).normal(size=(3, 6, 3))
    assert n_mpjpe(truth * np.array([0.5, 1.0, 3.0])[:, None, None] + [5, 0, 0], truth) < 1e-12
    # estimate (1, 0), truth (1, 1): scale 1 / 1, distance 1; the root counts with 0
    estimate, wanted = np.zeros((1, 2, 3)), np.zeros((1, 2, 3))
    estimate[0, 1, 0], wanted[0, 1, :2] = 2.0, 1.0
    assert n_mpjpe(estimate, wanted) == pytest.approx(0.5)


def test_pck_and_its_area_by_hand():
    truth, estimate = np.zeros((1, 4, 3)), np.zeros((1, 4, 3))
    estimate[0, 1:, 0] = [0.0751, 0.1499, 0.16]
    assert pck_3d(estimate, truth) == pytest.approx(3 / 4)
    assert pck_3d(estimate, truth, 0.1) == pytest.approx(2 / 4)
    # thresholds 0, 5, ... 150 mm: right at 31, 15 (80 to 150), 1 and 0 of them
    assert pck_auc(estimate, truth) == pytest.approx((31 + 15 + 1) / (4 * 31))


def test_a_joint_that_was_not_found_is_wrong_and_one_nobody_knows_does_not_count():
    truth, estimate = np.zeros((1, 3, 3)), np.zeros((1, 3, 3))
    estimate[0, 1] = np.nan
    truth[0, 2] = np.nan
    assert pck_3d(estimate, truth) == pytest.approx(1 / 2)
    assert np.isnan(pck_3d(estimate, np.full_like(truth, np.nan)))


def test_jitter_of_a_cubic():
    time_s = np.arange(12) / 25.0
    joints = np.zeros((12, 2, 3))
    joints[:, 1, 2] = 3.0 * time_s**3
    assert jitter(joints, time_s) == pytest.approx(18.0 / 2)
    assert np.isnan(jitter(joints[:3], time_s[:3]))


def test_contact_scores_by_hand():
    said = np.array([[0.9, 0.8, 0.7, np.nan]])
    true = np.array([[1.0, 0.0, 1.0, 1.0]])
    scores = contact_scores(said, true)
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    few = contact_scores(said, true, np.array([[True, True, False, False]]))
    assert (few.precision, few.recall, few.f1) == pytest.approx((1 / 2, 1.0, 2 / 3))
    assert np.isnan(contact_scores(np.zeros((1, 4)), true).precision)


def test_share_within_sigma_by_axis():
    rng = np.random.default_rng(2)
    spread = np.array([0.02, 0.04, 0.08])
    truth = np.zeros((4000, 3, 3))
    estimate = rng.normal(size=truth.shape) * spread
    estimate[:, 0] = 0.0
    shares = within_sigma(estimate, truth, np.full((4000, 3), 0.04))
    assert shares == pytest.approx([0.9545, 0.6827, 0.3829], abs=0.015)
    assert within_sigma(estimate, truth, np.broadcast_to(spread, truth.shape)) == pytest.approx(0.6827, abs=0.015)
    # the root is put together, so that it says nothing; neither do joints without a sigma
    sigma = np.full((4000, 3), np.inf)
    sigma[:, 0] = 1.0
    assert np.all(np.isnan(within_sigma(estimate, truth, sigma)))


def _two_joints(first, second):
    return np.array([[[0.0, 0.0, 0.0], [first, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, second, 0.0]]])


def test_3dhp_unscaled_by_hand():
    """Errors 0, 0.1, 0, 0.3 m: three of four within 150 mm."""
    scores = scores_3dhp(_two_joints(0.5, 0.7), _two_joints(0.4, 0.4), "unscaled")
    assert scores.pck == pytest.approx(0.75)
    assert scores.mpjpe_m == pytest.approx(0.1)
    # The roots are right at all 31 thresholds; 0.1 m at those from 0.1 m on (11), 0.3 m at none.
    assert scores.auc == pytest.approx((31 + 31 + 11) / (4 * 31), abs=0.011)


def test_3dhp_global_scale_is_one_for_all_frames():
    """<e, t> / <e, e> = (1 * 0.5 + 1 * 1) / 2 = 0.75; errors 0.25 and 0.25 over four joints."""
    scores = scores_3dhp(_two_joints(1.0, 1.0), _two_joints(0.5, 1.0), "glob_scaled")
    assert scores.mpjpe_m == pytest.approx(0.125)
    assert scores_3dhp(3.0 * _two_joints(0.5, 1.0), _two_joints(0.5, 1.0), "glob_scaled").mpjpe_m == pytest.approx(0.0)


def test_3dhp_procrustes_forgives_turn_scale_and_shift():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(3, 8, 3))
    turned = truth @ np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]).T
    estimate = turned * np.array([0.5, 2.0, 3.0])[:, None, None] + 1.0
    scores = scores_3dhp(estimate, truth, "procrustes")
    assert scores.mpjpe_m == pytest.approx(0.0, abs=1e-9) and scores.pck == 1.0
    assert scores_3dhp(estimate, truth, "unscaled").pck < 0.5


def test_3dhp_unknown_protocol():
    with pytest.raises(ConfigError, match="no protocol 'scaled'"):
        scores_3dhp(np.zeros((1, 2, 3)), np.zeros((1, 2, 3)), "scaled")
