"""Crops with their joints: checks, subsets, variation, order of batches. These need PyTorch."""

import dataclasses

import numpy as np
import pytest

from pose_core.errors import InsufficientDataError, ShapeError
from pose_core.lab.datasets.augment import Augmentation, augment, scale_crops
from pose_core.lab.datasets.in_memory import InMemory
from pose_core.lab.train.images.batches import BatchSource
from pose_core.lab.train.images.samples import ImageSubset, bone_lengths_by_subject, split_by_subject
from pose_core.lab.train.images.stick_figures import StickFigures
from pose_core.skeletons.h36m import H36M

pytestmark = pytest.mark.train

FIGURES = StickFigures(18, 96)


def project(batch):
    joints = batch.joints_m + batch.root_m[:, None]
    focal, middle = batch.camera_matrix[:, None, [0, 1], [0, 1]], batch.camera_matrix[:, None, :2, 2]
    return joints[..., :2] / joints[..., 2:] * focal + middle


def test_sticks_lie_where_their_joints_are_projected():
    batch = FIGURES.read(np.arange(6))
    known = batch.has_3d
    assert known.tolist() == [True] * 3 + [False] * 3
    assert np.allclose(project(batch)[known], batch.joints_px[known], atol=1e-3)
    for image, xy in zip(batch.image, batch.joints_px, strict=True):
        left = image[tuple(np.floor(xy[H36M.index("left_wrist")]).astype(int)[::-1])]
        right = image[tuple(np.floor(xy[H36M.index("right_wrist")]).astype(int)[::-1])]
        assert int(left[0]) - int(left[2]) > int(right[0]) - int(right[2]) or left.tolist() == right.tolist()


def test_scaling_keeps_joints_and_cameras_together():
    small = scale_crops(FIGURES.read(np.arange(3)), 40)
    assert small.image.shape == (3, 40, 40, 3)
    assert np.allclose(project(small), small.joints_px, atol=1e-3)


def test_variation_moves_picture_and_joints_alike():
    batch = FIGURES.read(np.arange(3))
    dot = np.zeros_like(batch.image)
    for i, xy in enumerate(batch.joints_px):
        x, y = np.floor(xy[H36M.index("left_knee")]).astype(int)
        dot[i, y - 1 : y + 2, x - 1 : x + 2] = 255
    marked = dataclasses.replace(batch, image=dot)
    settings = Augmentation(scale=0.15, flip=0, gain=0, pca_colour=0, occlusion=0)
    varied = augment(marked, settings, np.random.default_rng(5), 80)
    assert varied.image.shape == (3, 80, 80, 3)
    for image, xy in zip(varied.image, varied.joints_px, strict=True):
        rows, columns = np.nonzero(image[..., 0] > 100)
        centre = np.array([columns.mean(), rows.mean()]) + 0.5
        assert np.linalg.norm(centre - xy[H36M.index("left_knee")]) < 1.5


def test_turned_and_mirrored_people_turn_in_3d_too():
    batch = FIGURES.read(np.arange(3))
    settings = Augmentation(scale=0, rotation_deg=15, shift=0, gain=0, pca_colour=0, occlusion=0)
    varied = augment(batch, settings, np.random.default_rng(1))
    parents = np.array(H36M.parents[1:])

    def directions(b):
        flat, deep = (v[:, 1:, :2] - v[:, parents, :2] for v in (b.joints_px, b.joints_m))
        return np.sum(flat * deep, axis=-1) / np.maximum(
            np.linalg.norm(flat, axis=-1) * np.linalg.norm(deep, axis=-1), 1e-6
        )

    # a bone points the same way in the picture and across the line of sight, but for perspective
    assert np.median(directions(varied)) > 0.99 and np.allclose(
        np.linalg.norm(varied.joints_m, axis=-1).sum(axis=1),
        np.linalg.norm(batch.joints_m, axis=-1).sum(axis=1),
        rtol=1e-5,
    )


def test_labels_that_are_half_there_are_refused():
    batch = FIGURES.read(np.arange(2))
    joints = batch.joints_m.copy()
    joints[1, 5] = np.nan
    with pytest.raises(ShapeError, match="sample 1 is NaN in part"):
        dataclasses.replace(batch, joints_m=joints)
    xy = batch.joints_px.copy()
    xy[0, 2] = np.nan
    with pytest.raises(ShapeError, match="marked visible"):
        dataclasses.replace(batch, joints_px=xy, visible=np.ones((2, 17), bool))
    with pytest.raises(ShapeError, match="uint8"):
        dataclasses.replace(batch, image=batch.image.astype(np.float32))
    with pytest.raises(ShapeError, match="image"):
        dataclasses.replace(batch, image=batch.image[:, :50])


def test_people_are_held_out_and_3d_is_hidden():
    train, held_out = split_by_subject(FIGURES, ("tall",))
    assert (len(train), len(held_out)) == (12, 6) and set(held_out.subject) == {2}
    with pytest.raises(InsufficientDataError, match="short, middle, tall"):
        split_by_subject(FIGURES, ("nobody",))
    hidden = ImageSubset(StickFigures(12, only_2d=False), np.arange(12), ("speckled",))
    batch = hidden.read(np.arange(12))
    assert np.array_equal(batch.has_3d, hidden.has_3d) and batch.has_3d.sum() == 6
    assert np.isfinite(batch.joints_px).all()


def test_bone_lengths_are_those_of_each_person():
    lengths = bone_lengths_by_subject(FIGURES)
    assert lengths.shape == (3, 17) and np.all(lengths[:, 0] == 0)
    assert np.allclose(lengths[2] / 1.85, lengths[0] / 1.55, atol=1e-3)


def test_pictures_in_memory_are_those_of_the_set():
    held = InMemory(FIGURES, 48)
    order = np.array([7, 0, 16, 7])
    batch, expected = held.read(order), scale_crops(FIGURES.read(order), 48)
    assert np.array_equal(batch.image, expected.image) and np.array_equal(batch.joints_px, expected.joints_px)
    assert len(held) == len(FIGURES) and held.subjects == FIGURES.subjects
    assert np.array_equal(held.has_3d, FIGURES.has_3d) and np.array_equal(held.look, FIGURES.look)


def test_varied_batches_follow_from_seed_and_step():
    sources = [BatchSource(FIGURES, 40, 4, seed, Augmentation(), bank_m=np.ones((1, 17))) for seed in (4, 4, 5)]
    first, again, other = (source(2)[0] for source in sources)
    assert first.image.shape == (4, 40, 40, 3) and np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)


def test_batches_mix_both_kinds_and_show_everything():
    source = BatchSource(FIGURES, 32, 6, 4, None, bank_m=bone_lengths_by_subject(FIGURES))
    seen = set()
    for step in range(3):
        batch, bones = source(step)
        assert batch.has_3d.sum() == 3 and bones.shape == (6, 17)
        seen |= {image.tobytes() for image in batch.image}
    assert len(seen) == 18
    again, _ = source(1)
    assert np.array_equal(again.image, source(1)[0].image)
