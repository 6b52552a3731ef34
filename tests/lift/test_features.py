"""What the lifter sees: invariances of the virtual camera."""

import numpy as np

from pose_core.lift.features import (
    FEATURE_COUNT,
    INPUT_JOINTS,
    INPUT_MIRROR,
    INPUT_NAMES,
    make_features,
    mirror_features,
    rotations_to_axis,
)
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.skeletons import CANONICAL
from tests.support.synthetic import walking_joints


def camera_points(frames=40, distance=5.0):
    """(T, I, 3) a walker in front of a level camera, camera axes."""
    world = walking_joints(frames)[:, INPUT_JOINTS]
    return np.stack([world[..., 0], 1.0 - world[..., 2], distance + world[..., 1]], axis=-1)


def rays_of(points):
    return points[..., :2] / points[..., 2:]


def test_order_and_size():
    made = make_features(rays_of(camera_points()), np.ones((40, len(INPUT_NAMES))))
    assert made.features.shape == (40, FEATURE_COUNT) and made.features.dtype == np.float32
    assert [CANONICAL.names[j] for j in INPUT_JOINTS] == list(INPUT_NAMES)
    assert [INPUT_NAMES[m].replace("right", "left") for m in INPUT_MIRROR] == [
        n.replace("right", "left") for n in INPUT_NAMES
    ]


def test_rotations_turn_the_direction_onto_the_axis():
    direction = np.random.default_rng(0).normal(0, 0.7, (50, 2))
    R = rotations_to_axis(direction)
    assert np.allclose(R @ np.swapaxes(R, -1, -2), np.eye(3)) and np.allclose(np.linalg.det(R), 1)
    turned = np.einsum("nij,nj->ni", R, np.concatenate([direction, np.ones((50, 1))], axis=1))
    assert np.allclose(turned[:, :2], 0, atol=1e-12) and np.all(turned[:, 2] > 0)


def test_panning_the_camera_changes_nothing_but_the_direction():
    points = camera_points()
    R = rotation_vector_to_matrix(np.array([0.05, 0.25, 0.0]))
    confidence = np.ones(points.shape[:2])
    a = make_features(rays_of(points), confidence)
    b = make_features(rays_of(points @ R.T), confidence)
    # not exactly: the box is measured in a turned picture, and a turn about two axes rolls it a little
    assert np.abs(a.features[:, :-3] - b.features[:, :-3]).max() < 0.12
    assert np.abs(a.features[:, -3:-1] - b.features[:, -3:-1]).max() > 0.2


def test_scale_of_the_scene_does_not_matter():
    points = camera_points()
    confidence = np.ones(points.shape[:2])
    a, b = (make_features(rays_of(p), confidence) for p in (points, 3.0 * points))
    assert np.allclose(a.features, b.features, atol=1e-6)


def test_mirrored_scene_gives_mirrored_features():
    points = camera_points()
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, points.shape[:2]) * (rng.uniform(size=points.shape[:2]) < 0.9)
    mirrored = points[:, INPUT_MIRROR] * np.array([-1.0, 1.0, 1.0])
    a = make_features(rays_of(points), confidence)
    b = make_features(rays_of(mirrored), confidence[:, INPUT_MIRROR])
    assert np.allclose(mirror_features(a.features), b.features, atol=1e-6)
    assert np.array_equal(mirror_features(mirror_features(a.features)), a.features)


def test_what_is_not_seen_does_not_matter():
    rays = rays_of(camera_points())
    confidence = np.ones(rays.shape[:2])
    confidence[5:9, 3], confidence[20:30] = 0, 0
    a = make_features(rays, confidence)
    rays[5:9, 3], rays[20:30] = np.nan, 1e6
    b = make_features(rays, confidence)
    assert np.array_equal(a.features, b.features) and np.all(np.isfinite(a.features))


def test_batches_are_independent():
    rays = np.stack([rays_of(camera_points(30, d)) for d in (3.0, 7.0)])
    confidence = np.ones(rays.shape[:3])
    confidence[1, 10:15] = 0
    both = make_features(rays, confidence)
    for k in range(2):
        alone = make_features(rays[k], confidence[k])
        assert np.allclose(both.features[k], alone.features, atol=1e-7)


def test_nothing_seen_has_no_features():
    rays = rays_of(camera_points(5))
    assert make_features(rays, np.zeros(rays.shape[:2])) is None


def test_one_frame():
    rays = rays_of(camera_points(1))
    assert make_features(rays, np.ones(rays.shape[:2])).features.shape == (1, FEATURE_COUNT)
