"""The losses of both hourglass models."""

from __future__ import annotations

from torch import Tensor

from pose_core.lab.nets.outputs import PoseLabels, filled


def map_loss(maps: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Squared error of maps or volumes.

    Args:
        maps, target: (B, J, ...).
        known: (B, J) joints that count.
    Returns:
        The sum over cells and joints, a mean over samples with any label.
    """
    squared = ((maps - target) ** 2).flatten(2).sum(dim=2) * known
    return squared.sum() / (known.sum(dim=1) > 0).sum().clamp_min(1)


def position_loss(joints_m: Tensor, labels: PoseLabels) -> Tensor:
    """Squared distance summed over joints, a mean over samples with 3D labels."""
    squared = ((joints_m - filled(labels.joints_m, labels.has_3d)) ** 2).sum(dim=(1, 2))
    return (squared * labels.has_3d).sum() / labels.has_3d.sum().clamp_min(1)
