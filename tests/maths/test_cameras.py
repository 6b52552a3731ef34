import numpy as np
import pytest

from pose_core.errors import ConfigError
from pose_core.maths.axes import UP_WORLD, camera_angles, camera_rotation
from pose_core.maths.cameras import (
    camera_matrix,
    default_focal_px,
    focal_from_35mm,
    focal_from_fov,
    invert_rigid,
    project_points,
    rays_from_pixels,
    rigid_transform,
    transform_points,
)


def test_a_level_camera_sees_up_as_up_and_left_as_left():
    R = camera_rotation(0.0, 0.0)
    assert np.allclose(R.T @ UP_WORLD, [0, -1, 0])  # image y points down
    assert np.allclose(R @ [0, 0, 1], [0, 1, 0])  # it looks along +Y
    assert np.allclose(R.T @ [1, 0, 0], [1, 0, 0])


@pytest.mark.parametrize("pitch", [-60, -8, 0, 25])
@pytest.mark.parametrize("roll", [-90, -20, 0, 45])
def test_pitch_and_roll_round_trip(pitch, roll):
    R = camera_rotation(np.radians(pitch), np.radians(roll))
    assert np.allclose(R @ R.T, np.eye(3)) and np.linalg.det(R) == pytest.approx(1)
    assert np.degrees(camera_angles(R.T @ UP_WORLD)) == pytest.approx((pitch, roll))


def test_a_camera_that_looks_down_has_negative_pitch():
    assert (camera_rotation(np.radians(-30), 0) @ [0, 0, 1])[2] < 0


def test_projection_and_rays_are_inverse():
    K = camera_matrix(900.0, (1280, 720))
    points = np.random.default_rng(0).uniform([-2, -2, 1], [2, 2, 9], (50, 3))
    rays = rays_from_pixels(project_points(points, K), K)
    assert np.allclose(rays * points[:, 2:], points)


def test_points_behind_the_camera_have_no_pixel():
    assert np.all(np.isnan(project_points(np.array([0.0, 0.0, -1.0]), np.eye(3))))


def test_rigid_transforms_invert_with_one_matrix_a_frame():
    T = np.stack([rigid_transform(camera_rotation(0.1 * i, 0.2 * i), np.array([i, 2.0, 3.0])) for i in range(4)])
    points = np.random.default_rng(1).normal(size=(4, 7, 3))
    assert np.allclose(transform_points(invert_rigid(T), transform_points(T, points)), points)
    assert np.allclose(transform_points(T[2], points[2]), transform_points(T, points)[2])


def test_field_of_view():
    assert focal_from_fov(90.0, (1000, 500)) == pytest.approx(500.0)
    assert default_focal_px((300, 400)) == pytest.approx(500.0)
    with pytest.raises(ConfigError, match="1 to 175"):
        focal_from_fov(180.0, (10, 10))


def test_focal_length_from_35mm_counts_the_diagonal():
    assert focal_from_35mm(43.27, (1920, 1080)) == pytest.approx(np.hypot(1920, 1080))
    assert focal_from_35mm(26.0, (1080, 1920)) == pytest.approx(focal_from_35mm(26.0, (1920, 1080)))
