import numpy as np
import pytest

from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import BodyState, forward, length_jacobian, point_jacobian, state_from_rotations

# central differences with this step are good to about its square
STEP = 1e-5
TOLERANCE = 1e-7


def random_state(frames=4, seed=0, spread=0.6):
    rng = np.random.default_rng(seed)
    low, high = BODY.hinge_limits_rad.T
    return BodyState(
        rng.normal(size=(frames, 3)),
        rotation_vector_to_matrix(rng.normal(0, spread, (frames, len(BODY.balls), 3))),
        rng.uniform(low, high, (frames, len(low))),
        np.log(BODY.lengths_of_stature(1.7)[np.unique(BODY.length_groups, return_index=True)[1][1:]]),
    )


ALL_POINTS = list(range(len(BODY.tree)))


@pytest.mark.parametrize("dof", range(BODY.dof_count))
def test_jacobian_by_degrees_of_freedom_equals_differences(dof):
    state = random_state()
    step = np.zeros((4, BODY.dof_count))
    step[:, dof] = STEP
    numeric = (forward(state.moved(step)).points_m - forward(state.moved(-step)).points_m) / (2 * STEP)
    assert np.allclose(point_jacobian(forward(state), ALL_POINTS)[..., dof], numeric, atol=TOLERANCE)


@pytest.mark.parametrize("length", range(BODY.length_count))
def test_jacobian_by_lengths_equals_differences(length):
    state = random_state(seed=1)
    step = np.zeros(BODY.length_count)
    step[length] = STEP
    zero = np.zeros((4, BODY.dof_count))
    numeric = (forward(state.moved(zero, step)).points_m - forward(state.moved(zero, -step)).points_m) / (2 * STEP)
    assert np.allclose(length_jacobian(forward(state), ALL_POINTS)[..., length], numeric, atol=TOLERANCE)


def test_lengths_are_exact_and_sides_tied():
    pose = forward(random_state(frames=20, seed=2))
    parents = np.array(BODY.tree.parents[1:])
    measured = np.linalg.norm(pose.points_m[:, 1:] - pose.points_m[:, parents], axis=-1)
    assert np.allclose(measured, pose.length_m[1:], atol=1e-12)
    assert np.array_equal(pose.length_m, pose.length_m[BODY.tree.mirror])


def test_mirrored_state_gives_mirrored_points():
    state = random_state(frames=3, seed=3)
    flip = np.diag([-1.0, 1.0, 1.0])
    other_ball = [BODY.balls.index(int(BODY.tree.mirror[b])) for b in BODY.balls]
    hinges = BODY.mirror_dofs[3 + 3 * len(BODY.balls) :] - 3 - 3 * len(BODY.balls)
    mirrored = BodyState(
        state.root_m @ flip,
        flip @ state.ball_rotations[:, other_ball] @ flip,
        state.hinge_rad[:, hinges],
        state.log_length,
    )
    expected = forward(state).points_m[:, BODY.tree.mirror] @ flip
    assert np.allclose(forward(mirrored).points_m, expected, atol=1e-9)


def test_state_comes_back_from_its_rotations():
    state = random_state(frames=5, seed=4)
    single_axis = [h for h, j in enumerate(BODY.hinge_joints) if BODY.hinge_joints.count(j) == 1]
    for h in set(range(len(BODY.hinge_joints))) - set(single_axis):
        state.hinge_rad[:, h] = 0.0
    pose = forward(state)
    back = state_from_rotations(pose.R_local, state.root_m, pose.length_m)
    assert np.allclose(forward(back).points_m, pose.points_m, atol=1e-9)


def test_limits_are_those_of_the_other_side_mirrored():
    # x-components keep their sign under a mirror across the body's middle, y and z change it
    balls = [BODY.tree.names[b] for b in BODY.balls]
    left, right = balls.index("left_hip"), balls.index("right_hip")
    assert np.allclose(BODY.ball_limits_rad[left, 0], BODY.ball_limits_rad[right, 0])
    assert np.allclose(BODY.ball_limits_rad[left, 1:], -BODY.ball_limits_rad[right, 1:, ::-1])
