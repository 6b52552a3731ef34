import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pose_core.maths import rotations as rot

vectors = arrays(np.float64, (5, 3), elements=st.floats(-3.0, 3.0))
# float64 round trips through trigonometric functions
EXACT = 1e-9


def test_matrix_and_quaternion_round_trip_over_the_whole_group():
    q = np.random.default_rng(0).normal(size=(2000, 4))
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    R = rot.quaternion_to_matrix(q)
    back = rot.matrix_to_quaternion(R)
    assert np.allclose(np.abs(np.sum(q * back, axis=-1)), 1.0, atol=EXACT)
    assert np.allclose(rot.quaternion_to_matrix(-q), R, atol=EXACT)


@given(vectors)
@settings(max_examples=50, deadline=None)
def test_rotation_vectors_round_trip_below_pi(v):
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    v = np.where(length > 3.1, v * 3.1 / np.maximum(length, 1e-12), v)
    assert np.allclose(rot.matrix_to_rotation_vector(rot.rotation_vector_to_matrix(v)), v, atol=1e-7)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-6, np.pi - 1e-6, np.pi])
def test_exponential_and_logarithm_near_zero_and_pi(angle):
    v = angle * np.array([0.6, 0.0, -0.8])
    R = rot.rotation_vector_to_matrix(v)
    assert np.allclose(R @ R.T, np.eye(3), atol=EXACT)
    assert np.allclose(rot.rotation_vector_to_matrix(rot.matrix_to_rotation_vector(R)), R, atol=1e-7)


def test_quaternion_product_is_matrix_product():
    q = np.random.default_rng(1).normal(size=(2, 50, 4))
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    product = rot.quaternion_to_matrix(rot.quaternion_multiply(q[0], q[1]))
    assert np.allclose(product, rot.quaternion_to_matrix(q[0]) @ rot.quaternion_to_matrix(q[1]), atol=EXACT)
    identity = rot.quaternion_multiply(q[0], rot.quaternion_conjugate(q[0]))
    assert np.allclose(identity, [1, 0, 0, 0], atol=EXACT)


def test_swing_turns_one_direction_onto_the_other_without_twist():
    rng = np.random.default_rng(2)
    a, b = rot.unit(rng.normal(size=(100, 3))), rot.unit(rng.normal(size=(100, 3)))
    R = rot.swing_between(a, b)
    assert np.allclose(np.einsum("nij,nj->ni", R, a), b, atol=EXACT)
    angle = np.linalg.norm(rot.matrix_to_rotation_vector(R), axis=-1)
    assert np.allclose(angle, np.arccos(np.clip(np.sum(a * b, axis=-1), -1, 1)), atol=1e-6)


def test_swing_between_opposite_directions_is_a_half_turn():
    a = np.eye(3)
    assert np.allclose(np.einsum("nij,nj->ni", rot.swing_between(a, -a), a), -a, atol=EXACT)


def test_best_rotation_recovers_a_known_one_and_never_mirrors():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(20, 6, 3))
    R = rot.rotation_vector_to_matrix(rng.normal(size=(20, 3)))
    found = rot.best_rotation(points, np.einsum("tij,tnj->tni", R, points))
    assert np.allclose(found, R, atol=1e-8)
    mirrored = points * np.array([-1.0, 1.0, 1.0])
    assert np.all(np.linalg.det(rot.best_rotation(points, mirrored)) > 0)


def test_twist_about_reads_the_angle_about_its_axis():
    axis = np.array([0.0, 0.6, 0.8])
    swing = rot.swing_between(axis, rot.unit(np.array([0.3, 0.5, 0.9])))
    for angle in (-2.0, 0.0, 0.7, 3.0):
        assert rot.twist_about(swing @ rot.rotation_vector_to_matrix(axis * angle), axis) == pytest.approx(angle)


def test_continuous_quaternions_never_jump_sides_and_pass_over_gaps():
    angle = np.linspace(0, 6 * np.pi, 200)
    q = np.stack([np.cos(angle / 2), np.sin(angle / 2), 0 * angle, 0 * angle], axis=-1)
    flipped = q * np.where(np.random.default_rng(4).random(200) < 0.5, -1, 1)[:, None]
    flipped[90:100] = np.nan
    fixed = rot.continuous_quaternions(flipped)
    known = np.isfinite(fixed[:, 0])
    steps = np.sum(fixed[known][1:] * fixed[known][:-1], axis=-1)
    assert np.all(steps > 0)
    assert np.array_equal(known, np.isfinite(flipped[:, 0]))
