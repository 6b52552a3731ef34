"""A table of labelled people in pictures, and square crops of them, read when they are needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.errors import DatasetError
from pose_core.lab.datasets.images import Picture, crop_matrix, read_picture, warp
from pose_core.lab.train.images.samples import ImageBatch
from pose_core.skeletons.h36m import H36M
from pose_core.types import BoolArray, FloatArray, IntArray, check_shape


@dataclass(frozen=True, eq=False)
class PersonTable:
    """N people in pictures; joints in the order of `H36M`, NaN where there is no label."""

    pictures: tuple[Picture, ...]
    joints_px: FloatArray
    """(N, 17, 2) pixels of the whole picture, from the outer corner of its first pixel."""
    visible: BoolArray
    """(N, 17)."""
    joints_m: FloatArray
    """(N, 17, 3) camera axes, metres; NaN for people with 2D labels only."""
    camera_matrix: FloatArray
    """(N, 3, 3) of the whole picture; NaN where unknown."""
    centre_px: FloatArray
    """(N, 2) middle of the square to cut out."""
    side_px: FloatArray
    """(N,) side of that square."""
    subject_names: tuple[str, ...]
    """(N,)"""
    action_names: tuple[str, ...]
    look_names: tuple[str, ...]

    def __post_init__(self) -> None:
        sizes = {"N": len(self.pictures), "J": len(H36M)}
        check_shape("joints_px", self.joints_px, ("N", "J", 2), sizes)
        check_shape("visible", self.visible, ("N", "J"), sizes)
        check_shape("joints_m", self.joints_m, ("N", "J", 3), sizes)
        check_shape("camera_matrix", self.camera_matrix, ("N", 3, 3), sizes)
        check_shape("centre_px", self.centre_px, ("N", 2), sizes)
        check_shape("side_px", self.side_px, ("N",), sizes)
        for name in ("subject_names", "action_names", "look_names"):
            if len(getattr(self, name)) != len(self.pictures):
                raise DatasetError(f"'{name}' must have {len(self.pictures)} entries.")
        known = np.isfinite(self.joints_m).reshape(len(self.pictures), -1)
        self._refuse(known.any(axis=1) & ~known.all(axis=1), "has NaN among its 3D joints")
        self._refuse(~np.isfinite(self.joints_px).any(axis=(1, 2)), "has no 2D joint at all")
        self._refuse(~(np.isfinite(self.side_px) & (self.side_px > 0)), "has no size in the picture")

    def _refuse(self, rows: np.bool_ | BoolArray, what: str) -> None:
        if np.any(rows):
            row = int(np.argmax(rows))
            raise DatasetError(
                f"The person {row} ('{self.pictures[row].path}') {what}.", "Leave it out, or repair its labels."
            )


class CropDataset:
    """Square crops of the people of a table; no picture stays in memory."""

    def __init__(self, table: PersonTable, size_px: int) -> None:
        if len(table.pictures) == 0:
            raise DatasetError("The data set has no labelled person.")
        self.table = table
        self.size_px = size_px
        self._subjects, self._subject = _numbered(table.subject_names)
        self._actions, self._action = _numbered(table.action_names)
        self._looks, self._look = _numbered(table.look_names)

    @property
    def subjects(self) -> tuple[str, ...]:
        return self._subjects

    @property
    def actions(self) -> tuple[str, ...]:
        return self._actions

    @property
    def looks(self) -> tuple[str, ...]:
        """Kinds of picture."""
        return self._looks

    @property
    def subject(self) -> IntArray:
        return self._subject

    @property
    def look(self) -> IntArray:
        return self._look

    @property
    def has_3d(self) -> BoolArray:
        """(N,) people with 3D labels."""
        return np.asarray(np.isfinite(self.table.joints_m[:, 0, 0]))

    def __len__(self) -> int:
        return len(self.table.pictures)

    def read(self, indices: IntArray) -> ImageBatch:
        """Crops by their number, in the order asked for.

        Raises:
            DatasetError: a picture is missing or damaged.
        """
        table, rows = self.table, np.asarray(indices, dtype=np.int64)
        to_crop = np.array([crop_matrix(table.centre_px[i], float(table.side_px[i]), self.size_px) for i in rows])
        to_crop = to_crop.reshape(-1, 3, 3)
        images = np.zeros((len(rows), self.size_px, self.size_px, 3), dtype=np.uint8)
        for k, i in enumerate(rows):
            image = read_picture(table.pictures[i])
            exact = np.allclose(to_crop[k], np.eye(3)) and image.shape[0] == image.shape[1] == self.size_px
            images[k] = image if exact else warp(image, to_crop[k], self.size_px)
        pixels = np.einsum("bij,bkj->bki", to_crop[:, :2, :2], table.joints_px[rows]) + to_crop[:, None, :2, 2]
        inside = np.all((pixels >= 0) & (pixels < self.size_px), axis=-1)
        root = table.joints_m[rows, :1]
        return ImageBatch(
            image=images,
            joints_px=pixels.astype(np.float32),
            visible=table.visible[rows] & inside,
            joints_m=(table.joints_m[rows] - root).astype(np.float32),
            camera_matrix=(to_crop @ table.camera_matrix[rows]).astype(np.float32),
            root_m=root[:, 0].astype(np.float32),
            subject=self._subject[rows],
            action=self._action[rows],
            look=self._look[rows],
        )


def square_around(joints_px: FloatArray, margin: float = 1.35) -> tuple[FloatArray, FloatArray]:
    """Centres (N, 2) and sides (N,) of squares around joints (N, 17, 2), enlarged for the flesh around them."""
    with np.errstate(all="ignore"):
        low = np.nanmin(np.where(np.isfinite(joints_px), joints_px, np.inf), axis=1)
        high = np.nanmax(np.where(np.isfinite(joints_px), joints_px, -np.inf), axis=1)
    return (low + high) / 2, np.maximum((high - low).max(axis=-1) * margin, 1.0)


def nothing_3d(count: int) -> tuple[FloatArray, FloatArray]:
    """`joints_m` and `camera_matrix` of people with 2D labels only."""
    return np.full((count, len(H36M), 3), np.nan), np.full((count, 3, 3), np.nan)


def _numbered(names: tuple[str, ...]) -> tuple[tuple[str, ...], IntArray]:
    known = tuple(sorted(set(names)))
    number = {name: i for i, name in enumerate(known)}
    return known, np.array([number[name] for name in names], dtype=np.int64)
