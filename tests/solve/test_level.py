import numpy as np
import pytest

from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.solve.ground.level import LevelConfig, up_from_footprints

UP = np.array([0.0, 0.0, 1.0])
TIME_S = np.arange(180) / 30


def _walk(spread_m=4.0, noise_m=0.01, seed=1):
    """Feet of somebody who walks in a circle, half a second a step, and their contacts."""
    rng = np.random.default_rng(seed)
    step = (np.arange(180) // 15) % 12
    angle = 2 * np.pi * step / 12
    feet = np.zeros((180, 4, 3))
    feet[..., 0] = (0.5 * spread_m * np.cos(angle))[:, None] + [0.0, 0.1, 0.0, 0.1]
    feet[..., 1] = (0.5 * spread_m * np.sin(angle))[:, None] + [0.1, 0.1, -0.1, -0.1]
    feet[..., 2] = rng.normal(0, noise_m, (12, 4))[step]
    contacts = np.zeros((180, 4))
    contacts[step % 2 == 0, :2] = 1.0
    contacts[step % 2 == 1, 2:] = 1.0
    return feet, contacts


def _off_deg(up):
    return float(np.degrees(np.arccos(np.clip(up @ UP, -1, 1))))


@pytest.mark.parametrize("off_deg", [0.0, 5.0, 12.0])
def test_footprints_of_a_walk_are_level(off_deg):
    feet, contacts = _walk()
    first = rotation_vector_to_matrix(np.radians(off_deg) * np.array([0.6, 0.8, 0.0])) @ UP
    up = up_from_footprints(feet, contacts, TIME_S, first)
    assert np.linalg.norm(up) == pytest.approx(1.0)
    assert _off_deg(up) < max(0.15 * off_deg, 0.5)


def test_treading_on_the_spot_says_little_however_long():
    feet, contacts = _walk(spread_m=0.0, noise_m=0.04)
    first = rotation_vector_to_matrix(np.radians(3.0) * np.array([1.0, 0.0, 0.0])) @ UP
    assert _off_deg(up_from_footprints(feet, contacts, TIME_S, first)) == pytest.approx(3.0, abs=2.0)


def test_a_step_onto_a_box_is_left_out():
    feet, contacts = _walk(noise_m=0.0)
    feet[45:75, :, 2] += 0.5
    assert _off_deg(up_from_footprints(feet, contacts, TIME_S, UP)) < 1.0
    # were it believed, the level would tilt
    assert _off_deg(up_from_footprints(feet, contacts, TIME_S, UP, LevelConfig(gate_m=100.0))) > 3.0


def test_nothing_planted_changes_nothing():
    feet, contacts = _walk()
    assert np.array_equal(up_from_footprints(feet, 0 * contacts, TIME_S, UP), UP)
