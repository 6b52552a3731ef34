"""What image networks are trained on: square crops of people with their joints, whatever data set they come from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import InsufficientDataError, ShapeError
from pose_core.skeletons.h36m import H36M
from pose_core.types import BoolArray, FloatArray, ImageArray, IntArray, check_shape

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """B square crops; joints in the order of `H36M`.

    Pixels count from the outer corner of the first pixel. A sample has either all joints in 3D or none.
    """

    image: ImageArray
    """(B, S, S, 3) RGB."""
    joints_px: Float32Array
    """(B, 17, 2) in the crop, also outside of it or behind something; NaN where there is no label."""
    visible: BoolArray
    """(B, 17) in the picture and not hidden; False where there is no label."""
    joints_m: Float32Array
    """(B, 17, 3) camera axes, metres, relative to the pelvis; NaN for samples that have 2D labels only."""
    camera_matrix: Float32Array
    """(B, 3, 3) intrinsics of the crop, pixels; NaN where unknown."""
    root_m: Float32Array
    """(B, 3) the pelvis in camera axes, metres; NaN where unknown."""
    subject: IntArray
    """(B,) index in the data set's `subjects`."""
    action: IntArray
    """(B,) index in the data set's `actions`."""
    look: IntArray
    """(B,) index in the data set's `looks`."""

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {"J": len(H36M)}
        check_shape("image", self.image, ("B", "S", "S", 3), sizes)
        check_shape("joints_px", self.joints_px, ("B", "J", 2), sizes)
        check_shape("visible", self.visible, ("B", "J"), sizes)
        check_shape("joints_m", self.joints_m, ("B", "J", 3), sizes)
        check_shape("camera_matrix", self.camera_matrix, ("B", 3, 3), sizes)
        check_shape("root_m", self.root_m, ("B", 3), sizes)
        for name in ("subject", "action", "look"):
            check_shape(name, getattr(self, name), ("B",), sizes)
        if self.image.dtype != np.uint8:
            raise ShapeError(f"'image' must be uint8, but is {self.image.dtype}.")
        labelled = np.all(np.isfinite(self.joints_px), axis=-1)
        if np.any(self.visible & ~labelled):
            raise ShapeError("A joint that is marked visible has no position; give it one, or mark it not visible.")
        known = np.isfinite(self.joints_m).reshape(len(self), -1)
        partly = np.any(known, axis=1) & ~np.all(known, axis=1)
        if np.any(partly):
            raise ShapeError(
                f"'joints_m' of sample {int(np.argmax(partly))} is NaN in part.",
                "A sample needs all joints in 3D, or NaN throughout if it has 2D labels only.",
            )

    def __len__(self) -> int:
        return len(self.image)

    @property
    def has_3d(self) -> BoolArray:
        """(B,) samples with 3D labels."""
        return np.asarray(np.isfinite(self.joints_m[:, 0, 0]))

    def take(self, rows: IntArray) -> ImageBatch:
        """Some of the samples."""
        return ImageBatch(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


class ImageDataset(Protocol):
    """Labelled crops that are read when they are needed."""

    @property
    def subjects(self) -> tuple[str, ...]: ...
    @property
    def actions(self) -> tuple[str, ...]: ...
    @property
    def looks(self) -> tuple[str, ...]:
        """Kinds of picture, such as studio and outdoors."""
        ...

    @property
    def subject(self) -> IntArray:
        """(N,) of every sample."""
        ...

    @property
    def look(self) -> IntArray:
        """(N,) of every sample."""
        ...

    @property
    def has_3d(self) -> BoolArray:
        """(N,) samples with 3D labels."""
        ...

    def __len__(self) -> int: ...

    def read(self, indices: IntArray) -> ImageBatch:
        """Samples by their number, in the order asked for."""
        ...


@dataclass(frozen=True, eq=False)
class ImageSubset:
    """Some samples of a data set, by choice with their 3D labels hidden."""

    source: ImageDataset
    rows: IntArray
    hide_3d_of_looks: tuple[str, ...] = ()
    """Looks whose samples are to have 2D labels only, as pictures from outdoors have."""

    @property
    def subjects(self) -> tuple[str, ...]:
        return self.source.subjects

    @property
    def actions(self) -> tuple[str, ...]:
        return self.source.actions

    @property
    def looks(self) -> tuple[str, ...]:
        return self.source.looks

    @property
    def subject(self) -> IntArray:
        return np.asarray(self.source.subject[self.rows])

    @property
    def look(self) -> IntArray:
        return np.asarray(self.source.look[self.rows])

    @property
    def has_3d(self) -> BoolArray:
        return np.asarray(self.source.has_3d[self.rows] & ~self._hidden(self.look))

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, indices: IntArray) -> ImageBatch:
        batch = self.source.read(self.rows[indices])
        hidden = self._hidden(batch.look)
        if not np.any(hidden):
            return batch
        values = {f.name: getattr(batch, f.name) for f in fields(batch)}
        values["joints_m"] = np.where(hidden[:, None, None], np.float32(np.nan), batch.joints_m)
        values["root_m"] = np.where(hidden[:, None], np.float32(np.nan), batch.root_m)
        return ImageBatch(**values)

    def _hidden(self, look: IntArray) -> BoolArray:
        numbers = [self.looks.index(name) for name in self.hide_3d_of_looks]
        return np.isin(look, numbers)


def split_by_subject(dataset: ImageDataset, held_out: tuple[str, ...]) -> tuple[ImageSubset, ImageSubset]:
    """Samples to train on, and those of people to validate on.

    Raises:
        InsufficientDataError: no sample is left for one of the two.
    """
    numbers = [i for i, name in enumerate(dataset.subjects) if name in held_out]
    is_out = np.isin(dataset.subject, numbers)
    if not np.any(is_out) or np.all(is_out):
        raise InsufficientDataError(
            f"With {', '.join(held_out) or 'nobody'} held out, nothing is left to train on or to validate with.",
            f"The data has: {', '.join(dataset.subjects)}.",
        )
    return ImageSubset(dataset, np.flatnonzero(~is_out)), ImageSubset(dataset, np.flatnonzero(is_out))


def bone_lengths_by_subject(dataset: ImageDataset, most: int = 2000) -> FloatArray:
    """(P, 17) median length of the bone that ends in each joint, one row a person with 3D labels; 0 for the pelvis.

    Args:
        dataset: where 3D labels are.
        most: samples to read in all.
    """
    rows = np.flatnonzero(dataset.has_3d)
    rows = rows[:: max(1, len(rows) // most)]
    people = [r for s in np.unique(dataset.subject[rows]) if len(r := rows[dataset.subject[rows] == s])]
    parents = np.maximum(H36M.parents, 0)
    lengths = []
    for own in people:
        joints = dataset.read(own).joints_m.astype(np.float64)
        lengths.append(np.median(np.linalg.norm(joints - joints[:, parents], axis=-1), axis=0))
    return np.array(lengths).reshape(-1, len(H36M))
