import numpy as np
import pytest

from pose_core.solve.sequence.assembly import Assembler
from pose_core.solve.sequence.plausible import default_prior, unlikeliness
from tests.solve.test_assembly import make_problem


def test_gradient_of_unlikeliness_equals_differences():
    prior = default_prior()
    rng = np.random.default_rng(0)
    poses = prior.mean_m[:3] + rng.normal(0, 0.03, prior.mean_m[:3].shape)
    poses[:, 0] = 0.0
    cost, gradient, weight = unlikeliness(poses, prior)
    assert np.all(cost >= 0) and np.all(weight > 0)
    step = rng.normal(size=poses.shape)
    step[:, 0] = 0.0
    h = 1e-6
    ahead, _, _ = unlikeliness(poses + h * step, prior)
    back, _, _ = unlikeliness(poses - h * step, prior)
    assert np.allclose((ahead - back) / (2 * h), np.sum(gradient * step, axis=(1, 2)), rtol=1e-4)


def test_a_twisted_body_is_less_likely_than_a_usual_one():
    prior = default_prior()
    usual, twisted = prior.mean_m[:1], prior.mean_m[:1] * [1.0, 1.0, -1.0]
    assert unlikeliness(twisted, prior)[0][0] > unlikeliness(usual, prior)[0][0] + 50


def test_term_is_off_by_default_and_alive_when_asked_for():
    problem, state = make_problem()
    assert "pose" not in Assembler(problem).energy(state, 0.0).terms
    problem, state = make_problem(pose_sigmas=3.0)
    assert Assembler(problem).energy(state, 0.0).terms["pose"] > 0


@pytest.mark.parametrize("dof", [0, 3, 8, 20, 35, 48])
def test_gradient_on_the_body_is_right_to_first_order(dof):
    problem, state = make_problem(pose_sigmas=2.0)
    off, _ = make_problem()
    with_term, without = Assembler(problem), Assembler(off)
    gradient = with_term.equations(state, 0.0)[1].gradient - without.equations(state, 0.0)[1].gradient
    step = np.zeros(gradient.shape)
    step[:, dof] = 1e-5
    ahead = with_term.energy(state.moved(step), 0.0).terms["pose"]
    back = with_term.energy(state.moved(-step), 0.0).terms["pose"]
    # the turn about the vertical is held
    scale = np.max(np.abs(gradient).sum(axis=0))
    assert (ahead - back) / 2e-5 == pytest.approx(np.sum(gradient[:, dof]), abs=0.15 * scale)
