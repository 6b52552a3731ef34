"""Varied crops keep exact labels."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")

from pose_core.errors import ConfigError
from pose_core.lab.datasets.augment import Augmentation, add_patches, augment, move_crops, pca_colour
from pose_core.lab.datasets.rendered import read_rendered
from pose_core.lab.train.images.samples import ImageBatch
from pose_core.maths.cameras import project_points
from pose_core.skeletons.h36m import H36M

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "rendered_people"
NOTHING = Augmentation(0, 0, 0, 0, 0, 0, 0)
# float32 labels, pixels to some hundred, depths of some metres
TOLERANCE_PX = 0.02


@pytest.fixture(scope="module")
def batch() -> ImageBatch:
    data = read_rendered(SAMPLE, ("train", "wild_train"))
    return data.read(np.arange(12))


def _check(batch):
    for i in range(len(batch)):
        seen = project_points(batch.joints_m[i] + batch.root_m[i], batch.camera_matrix[i].astype(float))
        np.testing.assert_allclose(seen, batch.joints_px[i], atol=TOLERANCE_PX)
        K = batch.camera_matrix[i]
        assert K[0, 0] > 0 and K[1, 1] > 0
        np.testing.assert_allclose([K[0, 1], K[1, 0], K[2, 0], K[2, 1], K[2, 2]], [0, 0, 0, 0, 1], atol=1e-3)


@pytest.mark.parametrize("size_px", [None, 60])
@pytest.mark.parametrize(
    "change",
    [{}, {"scale": 0.4}, {"rotation_deg": 80.0}, {"shift": 0.2}, {"flip": 1.0}, {"gain": 0.5}, {"pca_colour": 0.5},
     {"occlusion": 1.0}, {"scale": 0.4, "rotation_deg": 80.0, "shift": 0.2, "flip": 0.5, "occlusion": 0.5}],
)  # fmt: skip
def test_joints_in_space_stay_on_joints_in_the_picture(batch, change, size_px):
    settings = Augmentation(**(dict.fromkeys(vars(NOTHING), 0) | change))
    varied = augment(batch, settings, np.random.default_rng(0), size_px)
    _check(varied)
    if not change and not size_px:
        np.testing.assert_array_equal(varied.image, batch.image)
        np.testing.assert_array_equal(varied.visible, batch.visible)
    before = np.linalg.norm(batch.joints_m, axis=-1)
    after = np.linalg.norm(varied.joints_m, axis=-1)
    np.testing.assert_allclose(np.sort(after, axis=1), np.sort(before, axis=1), atol=1e-5)


def test_the_picture_moves_with_the_joints():
    """A bright spot at a joint is still at the joint."""
    image = np.zeros((1, 96, 96, 3), dtype=np.uint8)
    image[0, 28:32, 58:62] = 255
    joints = np.full((1, 17, 2), 50.0, dtype=np.float32)
    left, right = H36M.index("left_wrist"), H36M.index("right_wrist")
    joints[0, left] = 60.0, 30.0
    nothing = np.full((1, 17, 3), np.nan, dtype=np.float32)
    zero = np.zeros(1, dtype=np.int64)
    one = ImageBatch(image, joints, np.ones((1, 17), bool), nothing, np.full((1, 3, 3), np.nan, np.float32),
                     np.full((1, 3), np.nan, np.float32), zero, zero, zero)  # fmt: skip
    for flip, joint in ((False, left), (True, right)):
        moved = move_crops(one, np.array([0.5]), np.array([1.2]), np.array([[3.0, -4.0]]), np.array([flip]))
        weight = moved.image[0, ..., 0].astype(float)
        y, x = np.mgrid[0:96, 0:96] + 0.5
        spot = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
        np.testing.assert_allclose(moved.joints_px[0, joint], spot, atol=0.15)
        assert np.isnan(moved.joints_m).all()


def test_mirroring_twice_changes_nothing(batch):
    nothing, ones = np.zeros(len(batch)), np.ones(len(batch))
    flips = np.ones(len(batch), dtype=bool)
    once = move_crops(batch, nothing, ones, np.zeros((len(batch), 2)), flips)
    twice = move_crops(once, nothing, ones, np.zeros((len(batch), 2)), flips)
    np.testing.assert_array_equal(twice.image, batch.image)
    np.testing.assert_allclose(twice.joints_m, batch.joints_m, atol=1e-6)
    np.testing.assert_array_equal(once.image, batch.image[:, :, ::-1])
    assert not np.allclose(once.joints_m, batch.joints_m, atol=0.01)


def test_joints_under_a_patch_are_hidden():
    rng = np.random.default_rng(1)
    joints = rng.uniform(0, 64, (17, 2))
    for _ in range(20):
        covered, hidden = add_patches(np.zeros((64, 64, 3), dtype=np.uint8), joints, rng)
        inside = covered[joints[:, 1].astype(int), joints[:, 0].astype(int)].any(axis=1)
        assert not np.any(inside & ~hidden)


def test_pca_colour_follows_the_colours_of_the_picture():
    """A picture whose colours differ in red alone changes in red alone."""
    image = np.full((32, 32, 3), 100, dtype=np.uint8)
    image[..., 0] = np.random.default_rng(0).integers(60, 140, (32, 32))
    changed = [pca_colour(image, 1.0, np.random.default_rng(s)).astype(int) - image for s in range(8)]
    assert all(np.abs(c[..., 1:]).max() == 0 for c in changed)
    assert max(np.abs(c[..., 0]).max() for c in changed) > 10


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="'flip' must lie"):
        Augmentation(flip=1.5)
    with pytest.raises(ConfigError, match="'scale' must not be negative"):
        Augmentation(scale=-0.1)
