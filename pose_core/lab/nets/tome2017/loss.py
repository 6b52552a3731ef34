"""The loss of Tome et al. 2017: belief maps of every stage."""

from __future__ import annotations

import torch
from torch import Tensor

from pose_core.lab.nets.maps import gaussian_maps
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput, require_2d
from pose_core.lab.nets.tome2017.config import TomeConfig


def belief_loss(output: PoseOutput, labels: PoseLabels, config: TomeConfig) -> tuple[Tensor, dict[str, Tensor]]:
    """Squared error of the fused maps, summed over stages, joints and cells, a mean over samples.

    The background counts in samples whose joints all have labels.

    Raises:
        ShapeError: the batch lacks 2D labels.
    """
    require_2d(labels, "belief map")
    joints = gaussian_maps(labels.joints_px, labels.has_2d, config.image_size, config.map_size, config.sigma_cells)
    target = torch.cat([joints, 1 - joints.amax(dim=1, keepdim=True)], dim=1)
    known = torch.cat([labels.has_2d, labels.has_2d.amin(dim=1, keepdim=True)], dim=1)
    squared = ((output.parts["fused"] - target[:, None]) ** 2).sum(dim=(3, 4)) * known[:, None]
    by_stage = squared.sum(dim=(0, 2)) / (labels.has_2d.sum(dim=1) > 0).sum().clamp_min(1)
    terms = {f"stage_{t + 1}": by_stage[t].detach() for t in range(len(by_stage))}
    return by_stage.sum(), terms
