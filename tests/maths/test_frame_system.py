"""Least squares over a clip by cyclic reduction, against the dense solution."""

import numpy as np
import pytest

from pose_core.maths.frame_system import FrameSystem, inverse_of_small, solve_block_tridiagonal
from pose_core.maths.frame_times import second_difference


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 9, 37])
def test_all_terms_together_solve_as_a_dense_least_squares(frames: int) -> None:
    rng = np.random.default_rng(frames)
    times = np.cumsum(rng.uniform(0.02, 0.05, frames))
    system = FrameSystem(frames, 2, 3)
    rows, wanted = [], []

    def row(weight: float, columns: dict[int, float], value: np.ndarray) -> None:
        line = np.zeros(2 * frames)
        for column, coefficient in columns.items():
            line[column] = coefficient
        rows.append(np.sqrt(weight) * line)
        wanted.append(np.sqrt(weight) * value)

    for u in range(2):
        w, v = rng.uniform(0.1, 1.0, frames), rng.normal(size=(frames, 3))
        system.add_value(u, w, v)
        w_step, v_step = rng.uniform(0, 1e3, frames - 1), rng.normal(size=(frames - 1, 3))
        system.add_step(u, w_step, v_step)
        system.add_smoothness(u, times, 1e-3)
        for t in range(frames):
            row(w[t], {2 * t + u: 1.0}, v[t])
        for t in range(frames - 1):
            row(w_step[t], {2 * t + u: -1.0, 2 * t + 2 + u: 1.0}, v_step[t])
        if frames >= 3:
            for t, (c, span) in enumerate(zip(*second_difference(times), strict=True)):
                row(1e-3 * span, {2 * (t + k) + u: c[k] for k in range(3)}, np.zeros(3))
    together = rng.uniform(0, 5, frames)
    system.add_difference(0, 1, together)
    for t in range(frames):
        row(together[t], {2 * t: 1.0, 2 * t + 1: -1.0}, np.zeros(3))
    dense = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0].reshape(frames, 2, 3)
    assert np.abs(system.solve() - dense).max() < 1e-10


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
def test_block_tridiagonal_systems_of_any_length(count: int) -> None:
    rng = np.random.default_rng(count)
    L = np.tril(rng.normal(size=(3 * count, 3 * count)))
    for i in range(count):
        for j in range(count):
            if abs(i - j) > 1:
                L[3 * i : 3 * i + 3, 3 * j : 3 * j + 3] = 0
    A = L @ L.T + np.eye(3 * count)
    D = np.stack([A[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] for i in range(count)])
    U = np.array([A[3 * i : 3 * i + 3, 3 * i + 3 : 3 * i + 6] for i in range(count - 1)]).reshape(-1, 3, 3)
    b = rng.normal(size=(count, 3, 2))
    x = solve_block_tridiagonal(D, U, b).reshape(3 * count, 2)
    assert np.abs(A @ x - b.reshape(3 * count, 2)).max() < 1e-9


def test_combinations_are_what_least_squares_says() -> None:
    """The terms written out as rows of a dense problem."""
    rng = np.random.default_rng(5)
    T, n = 9, 3
    time_s = np.cumsum(rng.uniform(0.02, 0.06, T))
    scale, wanted, weight = rng.normal(size=(T, n)), rng.normal(size=T), rng.uniform(0.1, 2, T)
    system = FrameSystem(T, n, 1)
    for unknown in range(n):
        system.add_value(unknown, np.full(T, 0.3))
    system.add_combination(weight, scale, wanted)
    system.add_smooth_combination(time_s, 1e-4, scale, wanted)
    rows, right = [np.sqrt(0.3) * np.eye(T * n)], [np.zeros(T * n)]
    values = np.zeros((T, T * n))
    for t in range(T):
        values[t, t * n : (t + 1) * n] = scale[t]
    rows.append(np.sqrt(weight)[:, None] * values)
    right.append(np.sqrt(weight) * wanted)
    coefficients, spans = second_difference(time_s)
    for t in range(T - 2):
        factor = coefficients[t] * np.sqrt(1e-4 * spans[t])
        rows.append((factor @ values[t : t + 3])[None])
        right.append(np.array([factor @ wanted[t : t + 3]]))
    dense = np.linalg.lstsq(np.concatenate(rows), np.concatenate(right), rcond=None)[0]
    assert system.solve().ravel() == pytest.approx(dense, abs=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6, 8])
def test_inverses_of_small_matrices(k: int) -> None:
    rng = np.random.default_rng(k)
    half = rng.normal(size=(20, k, k))
    A = half @ np.swapaxes(half, 1, 2) + 0.1 * np.eye(k)
    assert inverse_of_small(A) @ A == pytest.approx(np.tile(np.eye(k), (20, 1, 1)), abs=1e-8)
