"""From crops of any size to what a network takes: batches in an order of their own, and tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pose_core.errors import InsufficientDataError
from pose_core.lab.datasets.augment import Augmentation, augment, scale_crops
from pose_core.lab.nets.outputs import PoseLabels
from pose_core.lab.train.images.samples import ImageBatch, ImageDataset
from pose_core.types import FloatArray, IntArray


def to_tensors(
    batch: ImageBatch, device: torch.device, bone_lengths_m: FloatArray | None = None
) -> tuple[Tensor, PoseLabels]:
    """Pictures (B, 3, S, S) in [0, 1], and labels.

    Args:
        batch: samples of the network's size.
        device: where to.
        bone_lengths_m: (B, 17) lengths of some person's bones for each sample.
    """

    def tensor(array: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)

    image = torch.from_numpy(np.ascontiguousarray(batch.image.transpose(0, 3, 1, 2))).to(device).float() / 255
    has_2d = np.all(np.isfinite(batch.joints_px), axis=-1)
    labels = PoseLabels(
        tensor(np.nan_to_num(batch.joints_px)),
        tensor(has_2d.astype(np.float64)),
        tensor(np.nan_to_num(batch.joints_m)),
        tensor(batch.has_3d.astype(np.float64)),
        None if bone_lengths_m is None else tensor(bone_lengths_m),
    )
    return image, labels


class BatchSource:
    """Batches of a data set; the batch of a step depends on the seed and the step alone.

    Where the data has samples with 3D labels and samples without, every batch is half of each.

    Args:
        dataset: samples.
        size: side of the network's input, pixels.
        batch: samples a batch.
        seed: of order and variation.
        variation: how to vary crops; None = not at all.
        bank_m: (P, 17) bone lengths of the training people.
    Raises:
        InsufficientDataError: no sample.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        size: int,
        batch: int,
        seed: int,
        variation: Augmentation | None,
        *,
        bank_m: FloatArray,
    ) -> None:
        self._dataset, self._size, self._seed, self._variation = dataset, size, seed, variation
        self._bank = bank_m
        has_3d = dataset.has_3d
        groups = [g for g in (np.flatnonzero(has_3d), np.flatnonzero(~has_3d)) if len(g)]
        if not groups:
            raise InsufficientDataError("There is no sample to train on.", "Name a folder with data.")
        shares = [batch] if len(groups) == 1 else [batch - batch // 2, batch // 2]
        self._parts = [(group, share) for group, share in zip(groups, shares, strict=True) if share]

    def __call__(self, step: int) -> tuple[ImageBatch, FloatArray | None]:
        """The batch of a step, and bone lengths of a random training person for each sample."""
        rng = np.random.default_rng([self._seed, step])
        rows = np.concatenate([self._rows(group, share, step, n) for n, (group, share) in enumerate(self._parts)])
        read = self._dataset.read(rows)
        if self._variation is None:
            batch = scale_crops(read, self._size)
        else:
            batch = augment(read, self._variation, rng, self._size)
        bones = self._bank[rng.integers(len(self._bank), size=len(rows))] if len(self._bank) else None
        return batch, bones

    def _rows(self, group: IntArray, share: int, step: int, part: int) -> IntArray:
        """Every sample once before any comes again, in an order of its own each time."""
        at = np.arange(step * share, (step + 1) * share)
        rows = np.empty(share, dtype=np.int64)
        for turn in np.unique(at // len(group)):
            order = np.random.default_rng([self._seed, 7, part, int(turn)]).permutation(len(group))
            here = at // len(group) == turn
            rows[here] = group[order[at[here] % len(group)]]
        return rows
