"""Reaching with a limb of two bones."""

import numpy as np
import pytest

from pose_core.maths.rotations import matrix_to_rotation_vector, rotation_vector_to_matrix, unit
from pose_core.retarget.feet.two_bone import bend_for_distance, reach, soft_reach, steady_bend

UPPER, LOWER = np.array([0.02, 0.0, -0.4]), np.array([0.0, 0.03, -0.45])
LENGTH = float(np.linalg.norm(UPPER) + np.linalg.norm(LOWER))
LEFT = np.array([1.0, 0.0, 0.0])


def posed(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random thighs with knees bent about the hinge."""
    rng = np.random.default_rng(seed)
    D = rotation_vector_to_matrix(rng.uniform(-1.0, 1.0, (count, 3)))
    bend = rotation_vector_to_matrix(LEFT * rng.uniform(0.05, 1.8, count)[:, None])
    return D, D @ bend, D @ LEFT


def end_of(D: np.ndarray, E: np.ndarray) -> np.ndarray:
    return D @ UPPER + E @ LOWER


def test_targets_within_reach_are_met_exactly() -> None:
    D, E, hinge = posed(50)
    direction = unit(np.random.default_rng(1).normal(size=(50, 3)) + end_of(D, E))
    target = direction * np.random.default_rng(2).uniform(0.35, 0.998, 50)[:, None] * LENGTH
    D2, E2 = reach(D, E, UPPER, LOWER, hinge, target, np.ones(50))
    assert np.abs(end_of(D2, E2) - target).max() < 1e-12
    assert np.abs(np.swapaxes(D2, -1, -2) @ D2 - np.eye(3)).max() < 1e-12


def test_a_target_where_the_limb_is_already_changes_nothing() -> None:
    D, E, hinge = posed(50)
    keep = np.linalg.norm(end_of(D, E), axis=1) < 0.998 * LENGTH
    D2, E2 = reach(D, E, UPPER, LOWER, hinge, end_of(D, E), np.ones(50))
    bent = bend_for_distance(np.linalg.norm(end_of(D, E), axis=1), 0.4005, 0.451) > 0.4
    turned = np.linalg.norm(matrix_to_rotation_vector(np.swapaxes(D, -1, -2) @ D2), axis=1)
    assert np.sum(keep & bent) > 20
    assert turned[keep & bent].max() < 0.06  # the plane of a bent knee stays; the hinge axis has a small say in it
    assert np.abs(end_of(D2, E2) - end_of(D, E))[keep].max() < 1e-12


def test_a_limb_never_stretches_and_never_turns_inside_out() -> None:
    D, E, hinge = posed(30)
    for factor in (1.0, 1.5, 100.0, 0.0):
        target = factor * LENGTH * unit(end_of(D, E))
        D2, E2 = reach(D, E, UPPER, LOWER, hinge, target, np.ones(30))
        distance = np.linalg.norm(end_of(D2, E2), axis=1)
        assert np.all(distance < LENGTH) and np.all(distance > 0.04 * LENGTH)
        assert np.all(np.isfinite(D2))


def test_reach_is_smooth_and_stops_below_the_length() -> None:
    distance = np.linspace(0.9, 1.2, 4001)
    reached = soft_reach(distance, 1.0)
    assert np.all(np.diff(reached) >= 0) and reached[-1] < 1.0
    assert np.abs(np.diff(reached, 2)).max() < 1e-4
    assert np.array_equal(reached[distance < 0.99], distance[distance < 0.99])


def test_the_steady_bend_has_the_slope_it_says() -> None:
    distance = np.linspace(0.5, 1.1, 2001)
    bend, slope = steady_bend(distance, 0.45, 0.55)
    assert (
        np.abs(np.gradient(bend, distance) - slope)[2:-2].max() < 0.1
    )  # where it becomes straight the slope has a corner
    assert np.all(np.diff(bend) < 0)
    exact = bend_for_distance(distance, 0.45, 0.55) > 0.26
    assert np.abs(bend - bend_for_distance(distance, 0.45, 0.55))[exact].max() < 1e-12


def test_a_free_limb_slows_down_before_it_is_straight() -> None:
    frames = 400
    D, E, hinge = (np.repeat(v[:1], frames, axis=0) for v in posed(1))
    target = unit(end_of(D, E)) * np.linspace(0.8, 1.1, frames)[:, None] * LENGTH
    D2, E2 = reach(D, E, UPPER, LOWER, hinge, target, np.zeros(frames))
    v, w = D2 @ UPPER, E2 @ LOWER
    bend = np.arctan2(np.linalg.norm(np.cross(v, w), axis=1), np.sum(v * w, axis=1))
    hard = bend_for_distance(np.minimum(np.linalg.norm(target, axis=1), LENGTH), *map(np.linalg.norm, (UPPER, LOWER)))
    assert np.abs(np.diff(bend)).max() < 0.2 * np.abs(np.diff(hard)).max()
    assert bend.min() > 0.0


@pytest.mark.parametrize("seed", range(3))
def test_reaching_turns_with_the_whole_figure(seed: int) -> None:
    D, E, hinge = posed(10, seed)
    target = 0.9 * end_of(D, E) + 0.05
    R = rotation_vector_to_matrix(np.array([0.4, -1.1, 2.0]))
    D2, E2 = reach(D, E, UPPER, LOWER, hinge, target, np.ones(10))
    D3, E3 = reach(R @ D, R @ E, UPPER, LOWER, hinge @ R.T, target @ R.T, np.ones(10))
    assert np.abs(R @ D2 - D3).max() < 1e-9 and np.abs(R @ E2 - E3).max() < 1e-9
