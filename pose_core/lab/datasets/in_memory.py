"""A data set whose pictures are decoded once and stay in memory."""

from __future__ import annotations

import numpy as np

from pose_core.lab.datasets.augment import scale_crops
from pose_core.lab.train.images.samples import ImageBatch, ImageDataset
from pose_core.types import BoolArray, IntArray

_ROWS_AT_ONCE = 256


class InMemory:
    """All samples of another data set, scaled to a network's input; small pictures only: N S S 3 bytes are held.

    Args:
        source: samples.
        size_px: side of the pictures to hold.
    """

    def __init__(self, source: ImageDataset, size_px: int) -> None:
        parts = [
            scale_crops(source.read(np.arange(first, min(first + _ROWS_AT_ONCE, len(source)))), size_px)
            for first in range(0, len(source), _ROWS_AT_ONCE)
        ]
        names = ImageBatch.__dataclass_fields__
        self._batch = ImageBatch(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})
        self.subjects, self.actions, self.looks = source.subjects, source.actions, source.looks

    @property
    def subject(self) -> IntArray:
        """(N,) of every sample."""
        return self._batch.subject

    @property
    def look(self) -> IntArray:
        """(N,) of every sample."""
        return self._batch.look

    @property
    def has_3d(self) -> BoolArray:
        """(N,) samples with 3D labels."""
        return self._batch.has_3d

    def __len__(self) -> int:
        return len(self._batch)

    def read(self, indices: IntArray) -> ImageBatch:
        """Samples by their number, in the order asked for."""
        return self._batch.take(np.asarray(indices, dtype=np.int64))
