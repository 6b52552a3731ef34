"""The mixture of PPCA: learning it, its density, and lifting by it."""

import numpy as np
import pytest

from pose_core.errors import InsufficientDataError, ModelError, ShapeError
from pose_core.lab.nets.tome2017 import (
    LiftGrid,
    PosePrior,
    fit_pose_prior,
    lift_poses,
    normalise_poses,
    read_pose_prior,
    write_pose_prior,
)
from pose_core.lab.pose_prior.lifting import view_rotations
from pose_core.lab.pose_prior.prior import flatten
from pose_core.lift.features import INPUT_JOINTS
from pose_core.maths.metrics import mpjpe, pa_mpjpe
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.skeletons import CANONICAL, rest_offsets_from_lengths
from pose_core.skeletons.canonical import stature_lengths
from tests.support.shared import shared_file

JOINTS = len(CANONICAL)
REST, _ = CANONICAL.forward_kinematics(
    np.broadcast_to(np.eye(3), (1, JOINTS, 3, 3)), rest_offsets_from_lengths(stature_lengths(1.7)), np.zeros((1, 3))
)


def known_mixture(seed=0):
    """Three components far apart, two directions each."""
    rng = np.random.default_rng(seed)
    mean = REST + rng.normal(0, 0.3, (3, JOINTS, 3))
    basis = rng.normal(0, 0.05, (3, 2, JOINTS, 3))
    mean[:, 0], basis[:, :, 0] = 0, 0
    return PosePrior(np.array([0.5, 0.3, 0.2]), mean, basis, np.array([0.01, 0.015, 0.02]))


def draw(prior, count, seed):
    rng = np.random.default_rng(seed)
    component = rng.choice(len(prior), size=count, p=prior.share)
    coefficients = rng.normal(size=(count, prior.basis_m.shape[1]))
    poses = prior.mean_m[component] + np.einsum("nq,nqjx->njx", coefficients, prior.basis_m[component])
    poses[:, 1:] += rng.normal(size=poses[:, 1:].shape) * prior.noise_m[component][:, None, None]
    return poses, component


def test_likelihood_never_falls_and_a_known_mixture_is_found():
    true = known_mixture()
    poses, component = draw(true, 3000, 1)
    found, history = fit_pose_prior(poses, 3, 2, seed=4, tolerance=1e-7)
    assert np.all(np.diff(history) > -1e-9)
    assert len(history) > 1
    order = [int(np.argmin(np.linalg.norm(flatten(found.mean_m - m), axis=1))) for m in true.mean_m]
    assert sorted(order) == [0, 1, 2]
    assert found.share[order] == pytest.approx(true.share, abs=0.03)
    assert found.noise_m[order] == pytest.approx(true.noise_m, rel=0.01)
    for m, k in enumerate(order):
        theirs, ours = flatten(true.basis_m[m]), flatten(found.basis_m[k])
        assert ours.T @ ours == pytest.approx(theirs.T @ theirs, abs=0.15 * np.max(theirs.T @ theirs))
    assert np.mean(np.argmax(found.component_log_likelihoods(poses)[:, order], axis=1) == component) > 0.999
    assert history[-1] == pytest.approx(float(np.mean(true.log_likelihood(poses))), abs=0.5)


def test_likelihood_rises_where_components_overlap():
    rng = np.random.default_rng(2)
    # a heavy-tailed cloud in three directions that no component has to itself
    directions = rng.normal(size=(3, JOINTS, 3))
    poses = REST + 0.1 * np.einsum("nk,kjx->njx", rng.standard_t(3, size=(1500, 3)), directions)
    poses += rng.normal(0, 0.01, poses.shape)
    _, history = fit_pose_prior(poses, 4, 3, seed=0, iterations=60, tolerance=0.0)
    assert len(history) > 20 and np.all(np.diff(history) > -1e-9) and history[-1] > history[0] + 0.02


def test_density_is_that_of_a_full_gaussian():
    prior = known_mixture()
    one = PosePrior(np.ones(1), prior.mean_m[:1], prior.basis_m[:1], prior.noise_m[:1])
    poses, _ = draw(one, 5, 3)
    W = flatten(one.basis_m[0]).T
    C = W @ W.T + one.noise_m[0] ** 2 * np.eye(len(W))
    off = flatten(poses) - flatten(one.mean_m)
    expected = -0.5 * (len(W) * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + np.sum(off * (off @ np.linalg.inv(C)), 1))
    assert one.log_likelihood(poses) == pytest.approx(expected)


def test_same_seed_same_model_and_file_round_trip(tmp_path):
    poses, _ = draw(known_mixture(), 400, 5)
    first, second = (fit_pose_prior(poses, 3, 2, seed=1)[0] for _ in range(2))
    assert np.array_equal(first.basis_m, second.basis_m)
    write_pose_prior(tmp_path / "p.npz", first)
    again = read_pose_prior(tmp_path / "p.npz")
    assert again.mean_m == pytest.approx(first.mean_m, abs=1e-6) and len(again) == 3
    (tmp_path / "q.npz").write_bytes(b"something else")
    with pytest.raises(ModelError):
        read_pose_prior(tmp_path / "q.npz")
    with pytest.raises(InsufficientDataError, match="too few"):
        fit_pose_prior(poses[:10], 3, 2, seed=1)


def test_normal_form_is_blind_to_place_heading_and_size():
    pose = REST[0] + np.random.default_rng(0).normal(0, 0.1, (JOINTS, 3))
    turned = 0.8 * pose @ rotation_vector_to_matrix(np.array([0, 0, 2.0])).T + [3, -1, 1]
    normal = normalise_poses(pose, 1.7)
    assert normalise_poses(turned, 0.8 * 1.7) == pytest.approx(normal)
    across = normal[CANONICAL.index("left_hip")] - normal[CANONICAL.index("right_hip")]
    assert across[0] > 0 and across[1] == pytest.approx(0)


def test_lifts_poses_of_the_model_from_any_side_and_scale():
    prior = known_mixture()
    poses, component = draw(prior, 24, 7)
    rng = np.random.default_rng(8)
    R = view_rotations(rng.uniform(0, 6.28, 24), rng.uniform(-0.2, 0.5, 24), rng.uniform(-0.2, 0.2, 24))
    camera = poses @ np.swapaxes(R, -1, -2)
    scale = rng.uniform(50, 500, (24, 1, 1))
    xy = camera[:, INPUT_JOINTS, :2] * scale + rng.uniform(-900, 900, (24, 1, 2))
    weight = np.ones(xy.shape[:2])
    weight[:, 3] = 0
    xy[:, 3] = np.nan
    weight[5] = 0
    lifted = lift_poses(prior, xy, weight, INPUT_JOINTS, LiftGrid(image_noise_m=0.005))
    seen = np.arange(24) != 5
    assert np.array_equal(lifted.component[seen], component[seen])
    assert pa_mpjpe(lifted.joints_m[seen], camera[seen]) < 0.03
    assert mpjpe(lifted.joints_m[seen], camera[seen]) < 0.06
    assert lifted.scale[seen] == pytest.approx(scale[seen, 0, 0], rel=0.1)
    assert np.all(np.isnan(lifted.joints_m[5])) and lifted.component[5] == -1
    with pytest.raises(ShapeError):
        lift_poses(prior, xy, weight[:, :4], INPUT_JOINTS)


def test_mixture_beats_one_component_and_the_mean_pose_on_held_out_people():
    from pose_core.lab.datasets.mocap import read_mocap, split_mocap
    from pose_core.lab.evaluation.prior_data import draw_poses
    from pose_core.lab.evaluation.prior_report import measure_prior

    split = split_mocap(read_mocap([shared_file("mocap/cmu_amc.npz"), shared_file("mocap/ui_prmd.npz")]))
    poses = draw_poses(split.train, 6000, np.random.default_rng(0))
    priors = {"mixture": fit_pose_prior(poses, 6, 12, seed=1)[0], "single": fit_pose_prior(poses, 1, 12, seed=1)[0]}
    figures = measure_prior(priors, split.subjects, poses.mean(axis=0), 150, seed=0)
    mean = figures["mean pose, true direction"]["mpjpe_mm"]
    assert figures["mixture"]["log_likelihood"] > figures["single"]["log_likelihood"]
    assert figures["mixture"]["mpjpe_mm"] < figures["single"]["mpjpe_mm"] < mean
