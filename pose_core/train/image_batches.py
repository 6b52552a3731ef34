"""From crops of any size to what a network takes: scaled, varied, as tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from pose_core.errors import InsufficientDataError
from pose_core.nets.outputs import PoseLabels
from pose_core.skeletons import KEYPOINT_SETS
from pose_core.train.image_samples import ImageBatch, ImageDataset
from pose_core.types import FloatArray, IntArray

_MIRROR = KEYPOINT_SETS["h36m17"].mirror


@dataclass(frozen=True)
class Variation:
    """How training pictures are varied; all ranges are drawn evenly."""

    scale: float = 0.15
    """Largest share by which a person is made larger or smaller."""
    shift: float = 0.06
    """Largest shift, as a share of the picture."""
    turn_rad: float = 0.25
    mirror: bool = True
    colour: float = 0.2
    """Largest change of each channel's strength."""


def fit_batch(
    batch: ImageBatch, size: int, variation: Variation | None = None, rng: np.random.Generator | None = None
) -> ImageBatch:
    """Bring crops to a network's input size.

    Args:
        batch: samples.
        size: side of the network's input, pixels.
        variation: how to vary them; None = not at all.
        rng: needed for variation.
    Returns:
        Samples of the same people; pictures, joints and cameras agree. A turned or mirrored sample has turned or
        mirrored 3D joints; its camera matrix is NaN, as a pinhole with square pixels no longer makes it.
    """
    import cv2

    image, xy, joints = [], batch.joints_px.astype(np.float64), batch.joints_m.astype(np.float64)
    root, K = batch.root_m.astype(np.float64), batch.camera_matrix.astype(np.float64)
    xy, joints, visible = xy.copy(), joints.copy(), batch.visible.copy()
    before = batch.image.shape[1]
    for i in range(len(batch)):
        A, angle, mirrored = _draw_map(size / before, variation, rng)
        middle = np.array([before / 2, before / 2])
        shift = np.zeros(2)
        if variation is not None and rng is not None:
            shift = size * rng.uniform(-variation.shift, variation.shift, 2)
        t = size / 2 + shift - A @ middle
        picture = batch.image[i]
        # scaling down by more than two would alias, so whole factors go first
        factor = before // size
        A_picture = A
        if factor > 1 and before % factor == 0:
            picture = cv2.resize(picture, (before // factor,) * 2, interpolation=cv2.INTER_AREA)
            A_picture = A * factor
        M = np.concatenate([A_picture, (t + A_picture @ (0.5, 0.5) - 0.5)[:, None]], axis=1)
        warped = cv2.warpAffine(picture, M, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        image.append(_recolour(warped, variation, rng))
        xy[i] = xy[i] @ A.T + t
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        flip = np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
        joints[i], root[i] = joints[i] @ (turn @ flip).T, turn @ flip @ root[i]
        if mirrored:
            xy[i], joints[i], visible[i] = xy[i][_MIRROR], joints[i][_MIRROR], visible[i][_MIRROR]
        if mirrored or angle:
            K[i] = np.nan
        else:
            K[i, :2] = A @ K[i, :2]
            K[i, :2, 2] += t
    inside = np.all((np.nan_to_num(xy, nan=-1.0) >= 0) & (np.nan_to_num(xy, nan=-1.0) < size), axis=-1)
    values = {f.name: getattr(batch, f.name) for f in fields(batch)}
    values |= {
        "image": np.stack(image), "joints_px": xy.astype(np.float32), "visible": visible & inside,
        "joints_m": joints.astype(np.float32), "camera_matrix": K.astype(np.float32), "root_m": root.astype(np.float32),
    }  # fmt: skip
    return ImageBatch(**values)


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
        variation: how to vary pictures; None = not at all.
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
        variation: Variation | None,
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
        batch = fit_batch(self._dataset.read(rows), self._size, self._variation, rng)
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


def _draw_map(
    factor: float, variation: Variation | None, rng: np.random.Generator | None
) -> tuple[FloatArray, float, bool]:
    """(2, 2) linear map of pixels, its angle, and whether it mirrors."""
    if variation is None or rng is None:
        return factor * np.eye(2), 0.0, False
    scale = factor * float(np.exp(rng.uniform(-1, 1) * np.log1p(variation.scale)))
    angle = float(rng.uniform(-variation.turn_rad, variation.turn_rad)) if variation.turn_rad else 0.0
    mirrored = bool(variation.mirror and rng.uniform() < 0.5)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * turn @ np.diag([-1.0 if mirrored else 1.0, 1.0]), angle, mirrored


def _recolour(image: FloatArray, variation: Variation | None, rng: np.random.Generator | None) -> FloatArray:
    if variation is None or rng is None or not variation.colour:
        return image
    gain = 1 + rng.uniform(-variation.colour, variation.colour, 3)
    offset = 255 * rng.uniform(-variation.colour, variation.colour) / 2
    return np.clip(image * gain + offset, 0, 255).astype(np.uint8)
