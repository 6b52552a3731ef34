"""What every image network takes and gives: one form for labels, one for outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pose_core.errors import ShapeError
from pose_core.skeletons.h36m import H36M


@dataclass(frozen=True, eq=False)
class PoseOutput:
    """What a network says of B crops; None where it says nothing. Joints in the order of `H36M`."""

    joints_px: Tensor | None = None
    """(B, 17, 2) pixels of the network's input, from the outer corner of its first pixel."""
    confidence: Tensor | None = None
    """(B, 17) in [0, 1], of `joints_px`."""
    joints_m: Tensor | None = None
    """(B, 17, 3) camera axes, metres, relative to the pelvis."""
    heatmaps: tuple[Tensor, ...] = ()
    """One (B, 17, h, w) a stage, last stage last."""
    camera: Tensor | None = None
    """(B, 3) weak perspective: scale, x and y of the pelvis; in half inputs from the middle, scale a metre."""
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    """What the network's own loss needs beside these; keys are the package's."""


@dataclass(frozen=True, eq=False)
class PoseLabels:
    """The truth about B crops."""

    joints_px: Tensor
    """(B, 17, 2) pixels of the network's input; anything where `has_2d` is 0."""
    has_2d: Tensor
    """(B, 17) 1 where a joint has a position in the picture, else 0."""
    joints_m: Tensor
    """(B, 17, 3) relative to the pelvis; anything where `has_3d` is 0."""
    has_3d: Tensor
    """(B,) 1 for samples with 3D labels, else 0."""
    bone_lengths_m: Tensor | None = None
    """(B, 17) lengths of some person's bones, for samples without 3D."""

    def __post_init__(self) -> None:
        rows, joints = len(self.joints_px), len(H36M)
        shapes = {
            "joints_px": (rows, joints, 2), "has_2d": (rows, joints), "joints_m": (rows, joints, 3), "has_3d": (rows,),
        }  # fmt: skip
        for name, shape in shapes.items():
            if tuple(getattr(self, name).shape) != shape:
                raise ShapeError(f"'{name}' must have shape {shape}, but has {tuple(getattr(self, name).shape)}.")
        if self.bone_lengths_m is not None and tuple(self.bone_lengths_m.shape) != (rows, joints):
            raise ShapeError(f"'bone_lengths_m' must be {(rows, joints)}, but is {tuple(self.bone_lengths_m.shape)}.")
        if not bool(torch.isfinite(self.joints_px[self.has_2d > 0]).all()):
            raise ShapeError("A 2D label is NaN or infinite.", "Mark joints without a position in 'has_2d'.")
        if not bool(torch.isfinite(self.joints_m[self.has_3d > 0]).all()):
            raise ShapeError("A 3D label is NaN or infinite.", "Mark samples without 3D in 'has_3d'.")


def require_2d(labels: PoseLabels, loss: str) -> None:
    """Refuse a batch without any label that a loss needs.

    Raises:
        ShapeError: no joint of the batch has a 2D label.
    """
    if not bool((labels.has_2d > 0).any()):
        raise ShapeError(f"The {loss} loss needs 2D labels, but no sample of the batch has any.")


def require_3d(labels: PoseLabels, loss: str) -> None:
    """Refuse a batch without any label that a loss needs.

    Raises:
        ShapeError: no sample of the batch has 3D labels.
    """
    if not bool((labels.has_3d > 0).any()):
        raise ShapeError(
            f"The {loss} loss needs 3D labels, but the samples of the batch have 2D labels only.",
            "Train on data with 3D joints, or mix such data in.",
        )


def filled(values: Tensor, known: Tensor) -> Tensor:
    """Values with zeros where they are not known, so that NaN cannot spread; `known` lacks the last axes."""
    mask = known > 0
    while mask.ndim < values.ndim:
        mask = mask[..., None]
    return torch.where(mask, values, torch.zeros_like(values))
