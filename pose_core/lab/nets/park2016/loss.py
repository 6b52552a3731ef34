"""The losses of Park et al. 2016."""

from __future__ import annotations

import torch
from torch import Tensor

from pose_core.lab.nets.outputs import PoseLabels, PoseOutput, filled, require_2d, require_3d
from pose_core.lab.nets.park2016.config import ParkConfig


def park_loss(output: PoseOutput, labels: PoseLabels, config: ParkConfig) -> tuple[Tensor, dict[str, Tensor]]:
    """Equation 6, as a mean over the samples that have the labels.

    Raises:
        ShapeError: the batch lacks 2D or 3D labels.
    """
    require_2d(labels, "grid classification")
    require_3d(labels, "root-relative position")
    target, inside = grid_target(labels.joints_px, labels.has_2d, config.image_size, config.grid)
    entropy = grid_cross_entropy(output.parts["grid_logits"], target)
    grid = (entropy * inside).sum() / max(len(entropy), 1)
    truth = filled(labels.joints_m, labels.has_3d)
    total = labels.has_3d.sum()
    position = sum(
        (root_relative_error(output.parts["from_root"][:, n], truth, root).sum(dim=1) * labels.has_3d).sum() / total
        for n, root in enumerate(config.roots)
    )
    position = torch.as_tensor(position)
    loss = config.weight_2d * grid + config.weight_3d * position
    return loss, {"grid": grid.detach(), "position": position.detach()}


def grid_target(joints_px: Tensor, known: Tensor, image_size: int, grid: int) -> tuple[Tensor, Tensor]:
    """Soft classes of joints.

    Args:
        joints_px: (B, J, 2) pixels.
        known: (B, J).
        image_size: side of the picture, pixels.
        grid: cells a side.
    Returns:
        (B, J, grid * grid) probabilities, and (B, J) 1 for joints that are known and near some cell of the grid.
    Source: equations 1 and 2: in proportion to the inverse distance, over cells whose centre is nearer than a cell.
    """
    width = image_size / grid
    centres = (torch.arange(grid, dtype=joints_px.dtype, device=joints_px.device) + 0.5) * width
    x, y = centres.repeat(grid), centres.repeat_interleave(grid)
    at = filled(joints_px, known)
    distance = torch.sqrt((x - at[..., :1]) ** 2 + (y - at[..., 1:]) ** 2)
    weight = torch.where(distance < width, 1.0 / distance.clamp_min(1e-3 * width), torch.zeros_like(distance))
    total = weight.sum(dim=-1, keepdim=True)
    inside = (total[..., 0] > 0).to(weight.dtype) * known
    return weight / total.clamp_min(1e-12), inside


def grid_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """(B, J) equation 3."""
    return -(target * torch.log_softmax(logits, dim=-1)).sum(dim=-1)


def root_relative_error(from_root: Tensor, joints_m: Tensor, root: int) -> Tensor:
    """(B, J) squared distance of the estimate relative to a root, equation 4; 0 at the root itself."""
    return ((from_root - (joints_m - joints_m[:, root : root + 1])) ** 2).sum(dim=-1)
