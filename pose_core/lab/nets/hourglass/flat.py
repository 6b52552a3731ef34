"""Model 1: stacked 2D hourglasses, and a feed-forward network from the last heatmaps to 3D."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.hourglass.blocks import HourglassStack
from pose_core.lab.nets.hourglass.config import PAPER_2D, HourglassConfig
from pose_core.lab.nets.hourglass.loss import map_loss, position_loss
from pose_core.lab.nets.maps import gaussian_maps, read_maps
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput, require_2d, require_3d
from pose_core.skeletons.h36m import H36M

_JOINTS = len(H36M)


class FlatHourglass(ImageNetwork):
    """Heatmaps from every stack; 17 x 3 numbers from those of the last."""

    config: HourglassConfig

    def __init__(self, config: HourglassConfig = PAPER_2D) -> None:
        super().__init__()
        self.config = config
        self.stack = HourglassStack((_JOINTS,) * config.stacks, config.channels, config.depth, config.blocks)
        w = config.lifter_width
        numbers = _JOINTS * (config.map_size // config.lifter_pool) ** 2
        self.lifter = nn.Sequential(
            nn.Linear(numbers, w), nn.ReLU(), nn.Linear(w, w), nn.ReLU(), nn.Linear(w, 3 * _JOINTS)
        )

    def forward(self, image: Tensor) -> PoseOutput:
        """As `ImageNetwork.forward`."""
        self.check_input(image)
        config = self.config
        maps = self.stack(image - 0.5)
        pooled = functional.avg_pool2d(maps[-1], config.lifter_pool) * config.lifter_pool**2
        joints = self.lifter(pooled.flatten(1)).unflatten(1, (_JOINTS, 3))
        joints_px, confidence = read_maps(maps[-1], config.image_size)
        return PoseOutput(joints_px, confidence, joints - joints[:, :1], tuple(maps))

    def loss(self, output: PoseOutput, labels: PoseLabels, stage: str) -> tuple[Tensor, dict[str, Tensor]]:
        """Heatmaps of every stack, and the joints.

        Raises:
            ShapeError: the batch lacks 2D or 3D labels.
        """
        del stage
        require_2d(labels, "heatmap")
        require_3d(labels, "3D position")
        config = self.config
        target = gaussian_maps(labels.joints_px, labels.has_2d, config.image_size, config.map_size, config.sigma_cells)
        heatmap = torch.stack([map_loss(maps, target, labels.has_2d) for maps in output.heatmaps]).sum()
        assert output.joints_m is not None
        position = position_loss(output.joints_m, labels)
        loss = config.weight_heatmap * heatmap + config.weight_position * position
        return loss, {"heatmap": heatmap.detach(), "position": position.detach()}
