import numpy as np
import pytest

from pose_core.solve.sequence.arrow import NormalEquations, dense_matrix


def random_equations(frames, unknowns, clip_wide, seed=0):
    """Normal equations of random residuals that couple up to three neighbouring frames and the clip-wide unknowns."""
    rng = np.random.default_rng(seed)
    e = NormalEquations.zeros(frames, unknowns, clip_wide)
    for t in range(frames):
        near = min(3, frames - t)
        J = rng.normal(size=(3 * unknowns, near * unknowns))
        Jg = rng.normal(size=(3 * unknowns, clip_wide))
        r = rng.normal(size=3 * unknowns)
        parts = [J[:, k * unknowns : (k + 1) * unknowns] for k in range(near)]
        for a in range(near):
            e.gradient[t + a] += parts[a].T @ r
            e.border[t + a] += parts[a].T @ Jg
            for b in range(a + 1):
                (e.diagonal, e.next, e.after_next)[a - b][t + b] += parts[a].T @ parts[b]
        e.corner += Jg.T @ Jg
        e.corner_gradient += Jg.T @ r
    return e


@pytest.mark.parametrize(("frames", "unknowns", "clip_wide"), [(1, 4, 2), (2, 3, 1), (3, 5, 0), (12, 6, 4), (40, 2, 3)])
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_step_equals_a_dense_solve(frames, unknowns, clip_wide, damping):
    e = random_equations(frames, unknowns, clip_wide)
    dense = dense_matrix(e)
    dense += damping * np.diag(np.diagonal(dense))
    gradient = np.concatenate([e.gradient.ravel(), e.corner_gradient])
    expected = -np.linalg.solve(dense, gradient)
    step, clip_step = e.solve(damping)
    assert np.allclose(np.concatenate([step.ravel(), clip_step]), expected, rtol=1e-6, atol=1e-8)


def test_what_is_not_positive_definite_is_reported_not_raised():
    e = random_equations(5, 3, 0)
    e.diagonal[2] = -np.eye(3)
    assert e.solve(0.0) is None
    e.diagonal[2] = np.nan
    assert e.solve(0.0) is None
