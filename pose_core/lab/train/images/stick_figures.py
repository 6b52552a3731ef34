"""A small data set made on the fly: random people of coloured sticks. For tests, and to see that a network trains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lab.train.images.samples import ImageBatch
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.skeletons.canonical import CANONICAL, rest_offsets_from_lengths, stature_lengths
from pose_core.skeletons.h36m import H36M, h36m_joints
from pose_core.types import BoolArray, FloatArray, ImageArray, IntArray

_DISTANCE_M = 5.0
_BODY_SHARE = 0.8
"""How much of the picture a standing person fills."""
_HEIGHTS_M = (1.55, 1.70, 1.85)
_THICKNESS = {"spine": 0.11, "thorax": 0.11, "neck": 0.05, "head_top": 0.09, "hip": 0.07, "shoulder": 0.06}
_LIMB_THICKNESS = 0.045
"""Shares of the body height; by the joint at the end of a stick."""


@dataclass(frozen=True)
class StickFigures:
    """`count` pictures; the same number always gives the same picture.

    Three people of different height take turns; every other picture is of the second look, with a speckled background,
    other colours and 2D labels only.
    """

    count: int
    size: int = 128
    seed: int = 0
    subjects: tuple[str, ...] = ("short", "middle", "tall")
    actions: tuple[str, ...] = ("random",)
    looks: tuple[str, ...] = ("plain", "speckled")
    only_2d: bool = True
    """Hide the 3D labels of the second look."""

    def __len__(self) -> int:
        return self.count

    @property
    def subject(self) -> IntArray:
        return np.arange(self.count) % len(self.subjects)

    @property
    def look(self) -> IntArray:
        return np.arange(self.count) // len(self.subjects) % len(self.looks)

    @property
    def has_3d(self) -> BoolArray:
        return np.asarray((self.look == 0) | (not self.only_2d))

    def read(self, indices: IntArray) -> ImageBatch:
        """As `ImageDataset.read`."""
        focal = self.size * _BODY_SHARE * _DISTANCE_M / 1.75
        K = np.array([[focal, 0, self.size / 2], [0, focal, self.size / 2], [0, 0, 1]])
        images, points, relative, roots = [], [], [], []
        for i in (int(i) for i in indices):
            rng = np.random.default_rng([self.seed, i])
            height = _HEIGHTS_M[self.subject[i]]
            pose = _random_pose(rng, height)
            middle = (pose.min(axis=0) + pose.max(axis=0)) / 2
            placed = pose - middle + [*rng.uniform(-0.1, 0.1, 2), _DISTANCE_M]
            px = (placed[:, :2] / placed[:, 2:]) * focal + self.size / 2
            images.append(_draw(rng, px, placed, self.size, height * focal / _DISTANCE_M, int(self.look[i])))
            points.append(px)
            relative.append(placed - placed[0])
            roots.append(placed[0])
        xy = np.array(points, dtype=np.float32)
        known = self.has_3d[indices]
        return ImageBatch(
            np.stack(images),
            xy,
            np.all((xy >= 0) & (xy < self.size), axis=-1),
            np.where(known[:, None, None], np.array(relative, dtype=np.float32), np.float32(np.nan)),
            np.broadcast_to(K.astype(np.float32), (len(indices), 3, 3)),
            np.where(known[:, None], np.array(roots, dtype=np.float32), np.float32(np.nan)),
            self.subject[indices],
            np.zeros(len(indices), dtype=np.int64),
            self.look[indices],
        )


def _random_pose(rng: np.random.Generator, height_m: float) -> FloatArray:
    """(17, 3) camera axes, y down: a person seen from any side, arms and legs anywhere within reason."""
    offsets = rest_offsets_from_lengths(stature_lengths(height_m))
    turns = np.zeros((len(CANONICAL), 3))
    turns[:] = rng.normal(0, 0.08, turns.shape)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        # arms hang from a T pose by half a turn and less; elbows and knees bend one way
        turns[CANONICAL.index(f"{side}_shoulder")] = rng.normal(0, 0.5, 3) + [0, sign * rng.uniform(-0.4, 1.4), 0]
        turns[CANONICAL.index(f"{side}_elbow")] = [0, 0, -sign * rng.uniform(0, 2.0)]
        turns[CANONICAL.index(f"{side}_hip")] = [-rng.uniform(-0.4, 1.2), rng.normal(0, 0.15), 0]
        turns[CANONICAL.index(f"{side}_knee")] = [rng.uniform(0, 1.4), 0, 0]
    joints, _ = CANONICAL.forward_kinematics(rotation_vector_to_matrix(turns), offsets, np.zeros(3))
    yaw = rotation_vector_to_matrix(np.array([0, 0, rng.uniform(-np.pi, np.pi)]))
    tilt = rotation_vector_to_matrix(np.array([rng.uniform(-0.15, 0.3), 0, 0]))
    upright = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    return h36m_joints(joints @ (tilt @ upright @ yaw).T)


def _draw(
    rng: np.random.Generator, px: FloatArray, joints_m: FloatArray, size: int, height_px: float, look: int
) -> ImageArray:
    """One picture: sticks from far to near, each of its own colour."""
    import cv2

    base = rng.uniform(30, 220, 3)
    image = np.broadcast_to(base, (size, size, 3)).astype(np.float64).copy()
    if look:
        coarse = rng.uniform(0, 255, (8, 8, 3))
        image = 0.5 * image + 0.5 * cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
        image += rng.normal(0, 12, image.shape)
    picture = np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8))
    sticks = sorted(range(1, len(H36M)), key=lambda j: -(joints_m[j, 2] + joints_m[H36M.parents[j], 2]))
    for j in sticks:
        name = H36M.names[j]
        wide = _THICKNESS.get(name, _THICKNESS.get(name.partition("_")[2], _LIMB_THICKNESS))
        a, b = (tuple(int(v) for v in np.round((px[k] - 0.5) * 16)) for k in (H36M.parents[j], j))
        thickness = max(1, round(wide * height_px))
        cv2.line(picture, a, b, _colour(j, look), thickness, cv2.LINE_AA, 4)
    return picture


def _colour(joint: int, look: int) -> tuple[int, int, int]:
    """Left reddish, right bluish, middle green; a shade each, and darker in the second look."""
    shade = 90 + (37 * joint) % 120
    factor = 0.75 if look else 1.0
    name = H36M.names[joint]
    rgb = (235, shade, 40) if name.startswith("left") else (40, shade, 235) if name.startswith("right") else (
        shade, 235, 60)  # fmt: skip
    return int(rgb[0] * factor), int(rgb[1] * factor), int(rgb[2] * factor)
