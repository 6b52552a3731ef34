import dataclasses

import numpy as np
import pytest

from pose_core.maths.cameras import camera_matrix
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import forward
from pose_core.solve.sequence.assembly import Assembler
from pose_core.solve.sequence.problem import Problem, TermWeights
from tests.solve.test_kinematics import random_state

FRAMES = 5
KEYPOINTS = tuple(range(len(BODY.tree)))
LIFTED = tuple(range(1, BODY.joint_count))


def make_problem(seed=0, **weights):
    """Evidence near a random state, with gaps, so that every term is alive."""
    rng = np.random.default_rng(seed)
    state = random_state(FRAMES, seed, spread=0.1)
    state = dataclasses.replace(state, root_m=0.05 * state.root_m + [0, 0, 0.9])
    pose = forward(state)
    R = np.broadcast_to(np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), (FRAMES, 3, 3))
    t = np.broadcast_to([0.0, 0.9, 5.0], (FRAMES, 3))
    camera = np.einsum("tij,tpj->tpi", R, pose.points_m) + t[:, None]
    K = camera_matrix(900.0, (1280, 720))
    xy = camera[..., :2] / camera[..., 2:] * 900.0 + K[:2, 2] + rng.normal(0, 8, camera[..., :2].shape)
    lifted = (camera - camera[:, :1])[:, LIFTED] + rng.normal(0, 0.05, (FRAMES, len(LIFTED), 3))
    confidence = rng.uniform(0.2, 1.0, xy.shape[:2])
    sigma = rng.uniform(0.03, 0.1, lifted.shape[:2])
    confidence[2, :9], xy[2, :9] = 0.0, np.nan
    sigma[1, 3:8], lifted[1, 3:8] = np.inf, np.nan
    problem = Problem(
        time_s=np.cumsum(rng.uniform(0.02, 0.05, FRAMES)), R_camera_world=R, t_camera_world_m=t, K=K,
        keypoint_points=KEYPOINTS, xy_px=xy, confidence=confidence, person_px=np.full(FRAMES, 400.0),
        lifted_points=LIFTED, lifted_m=lifted, lifted_sigma_m=sigma, contacts=rng.uniform(0, 1, (FRAMES, 4)),
        grounded=rng.uniform(0.2, 1, FRAMES),
        log_length_prior=state.log_length + 0.05, fit_lengths=True, fit_focal=True,
        weights=TermWeights(contact_velocity_m=0.02, **weights),
    )  # fmt: skip
    return problem, state.moved(rng.normal(0, 0.02, (FRAMES, BODY.dof_count)))


def numeric_gradient(assembler, state, log_focal):
    def total(step, clip):
        return assembler.energy(state.moved(step, clip[:-1]), log_focal + clip[-1]).total

    size, clip_size, h = (FRAMES, BODY.dof_count), BODY.length_count + 1, 1e-6
    by_dof, by_clip = np.zeros(size), np.zeros(clip_size)
    for index in np.ndindex(size):
        step = np.zeros(size)
        step[index] = h
        by_dof[index] = (total(step, np.zeros(clip_size)) - total(-step, np.zeros(clip_size))) / (2 * h)
    for index in range(clip_size):
        clip = np.zeros(clip_size)
        clip[index] = h
        by_clip[index] = (total(np.zeros(size), clip) - total(np.zeros(size), -clip)) / (2 * h)
    return by_dof, by_clip


def test_gradient_of_the_energy_equals_differences():
    # free joints' priors, limits and angular smoothness use first-order derivatives; here they are switched off
    problem, state = make_problem(smoothness=0.0, ball_prior_rad=1e6, limits=False)
    assembler = Assembler(problem)
    _, equations = assembler.equations(state, 0.02)
    by_dof, by_clip = numeric_gradient(assembler, state, 0.02)
    scale = np.max(np.abs(by_dof))
    assert np.allclose(equations.gradient, by_dof, atol=1e-5 * scale)
    assert np.allclose(equations.corner_gradient, by_clip, atol=1e-5 * np.max(np.abs(by_clip)))


def information_of_sigma(problem):
    """What the one sigma of every lifted joint says, written as matrices in camera axes."""
    known = np.isfinite(problem.lifted_sigma_m)
    across = np.where(known, np.where(known, problem.lifted_sigma_m, 1.0) ** -2.0, 0.0)
    shape = np.diag([1.0, 1.0, problem.weights.depth_ratio**-2.0])
    return across[..., None, None] * shape * problem.weights.covariance_looser**2


def test_information_matrices_that_say_what_sigma_says_change_nothing():
    problem, state = make_problem(covariance_looser=1.5)
    same = dataclasses.replace(problem, lifted_information=information_of_sigma(problem))
    before, equations = Assembler(problem).equations(state, 0.02)
    after, others = Assembler(same).equations(state, 0.02)
    assert np.isclose(before.terms["lifted"], after.terms["lifted"])
    assert np.allclose(equations.gradient, others.gradient) and np.allclose(equations.diagonal, others.diagonal)
    unused = dataclasses.replace(problem, lifted_information=10 * same.lifted_information, weights=TermWeights())
    plain = dataclasses.replace(problem, weights=TermWeights())
    assert Assembler(unused).energy(state, 0.0).total == Assembler(plain).energy(state, 0.0).total
    assert same.at(slice(1, 3)).lifted_information.shape == (2, len(LIFTED), 3, 3)


def test_gradient_with_slanted_information():
    problem, state = make_problem(smoothness=0.0, ball_prior_rad=1e6, limits=False, covariance_looser=1.5)
    slant = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    information = slant @ information_of_sigma(problem) @ slant.T
    assembler = Assembler(dataclasses.replace(problem, lifted_information=information))
    _, equations = assembler.equations(state, 0.02)
    by_dof, _ = numeric_gradient(assembler, state, 0.02)
    assert np.allclose(equations.gradient, by_dof, atol=1e-5 * np.max(np.abs(by_dof)))


def test_gradient_of_smoothness_and_limits_is_right_to_first_order():
    problem, state = make_problem()
    assembler = Assembler(problem)
    _, equations = assembler.equations(state, 0.0)
    by_dof, _ = numeric_gradient(assembler, state, 0.0)
    cosine = np.sum(equations.gradient * by_dof) / np.linalg.norm(equations.gradient) / np.linalg.norm(by_dof)
    assert cosine > 0.98


def test_matrix_predicts_the_change_of_the_gradient_where_residuals_vanish():
    """Gauss-Newton's matrix is exact where residuals are zero: compare it with differences of the gradient there."""
    problem, state = make_problem(smoothness=0.0, ball_prior_rad=1e6, hinge_prior_rad=1e6, limits=False, floor=False)
    pose = forward(state)
    camera = np.einsum("tij,tpj->tpi", problem.R_camera_world, pose.points_m) + problem.t_camera_world_m[:, None]
    xy = camera[..., :2] / camera[..., 2:] * 900.0 + problem.K[:2, 2]
    lifted = (camera - camera[:, :1])[:, LIFTED]
    problem = dataclasses.replace(
        problem, xy_px=xy, lifted_m=lifted, contacts=np.zeros((FRAMES, 4)), log_length_prior=state.log_length
    )
    assembler = Assembler(problem)
    _, e = assembler.equations(state, 0.0)
    assert np.max(np.abs(e.gradient)) < 1e-6
    rng = np.random.default_rng(5)
    step, clip = rng.normal(size=(FRAMES, BODY.dof_count)), rng.normal(size=BODY.length_count + 1)
    h = 1e-6
    _, ahead = assembler.equations(state.moved(h * step, h * clip[:-1]), h * clip[-1])
    _, back = assembler.equations(state.moved(-h * step, -h * clip[:-1]), -h * clip[-1])
    predicted = np.einsum("tij,tj->ti", e.diagonal, step) + e.border @ clip
    measured = (ahead.gradient - back.gradient) / (2 * h)
    assert np.allclose(predicted, measured, atol=1e-4 * np.max(np.abs(measured)))
    corner = e.corner @ clip + np.einsum("tdg,td->g", e.border, step)
    measured = (ahead.corner_gradient - back.corner_gradient) / (2 * h)
    assert np.allclose(corner, measured, atol=1e-4 * np.max(np.abs(measured)))


@pytest.mark.parametrize(
    "term", ["reprojection", "lifted", "bone_direction", "contact_velocity", "smoothness", "limits"]
)
def test_every_term_is_alive(term):
    problem, state = make_problem()
    assert Assembler(problem).energy(state, 0.0).terms[term] > 0
