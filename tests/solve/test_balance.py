import numpy as np
import pytest

from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import forward
from pose_core.solve.ground.balance import centre_of_mass, up_from_balance
from tests.solve.test_kinematics import random_state

UP = np.array([0.0, 0.0, 1.0])
SIGHT = np.broadcast_to([0.0, 1.0, 0.0], (60, 3))


def _standing(lean_rad=0.0):
    """A person who stands, and leans by so much as long as the feet stay under the weight."""
    state = random_state(frames=60, seed=1, spread=0.0)
    state.root_m[:] = [0.0, 0.0, 0.95]
    state.hinge_rad[:] = 0.0
    points = forward(state).points_m
    points[..., :2] -= np.linspace(0, 1, 60)[:, None, None] * lean_rad * points[..., 2:] * [1.0, 0.0]
    return points


@pytest.mark.parametrize("off_deg", [0.0, 8.0, 15.0])
def test_up_is_found_from_a_wrong_start(off_deg):
    points = _standing()
    first = rotation_vector_to_matrix(np.radians(off_deg) * np.array([0.6, 0.8, 0.0])) @ UP
    found = up_from_balance(points, np.arange(60) / 30, first, SIGHT)
    assert np.degrees(np.arccos(found @ UP)) < max(0.4 * off_deg, 3.0)


def test_centre_of_mass_is_a_mean():
    points = _standing()
    moved = centre_of_mass(points + [1.0, 2.0, 3.0]) - centre_of_mass(points)
    assert np.allclose(moved, [1.0, 2.0, 3.0])
    middle = centre_of_mass(points)
    assert np.all(middle[:, 2] > points[:, BODY.tree.index("left_knee"), 2])
    assert np.all(middle[:, 2] < points[:, BODY.tree.index("neck"), 2])


def test_two_frames_say_nothing():
    assert np.array_equal(up_from_balance(_standing()[:2], np.arange(2) / 30, UP, SIGHT[:2]), UP)
