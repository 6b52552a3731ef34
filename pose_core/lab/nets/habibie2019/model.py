"""The network of Habibie et al. 2019: heatmaps as part of the features, a lifter and a camera."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.habibie2019.config import PAPER, HabibieConfig
from pose_core.lab.nets.habibie2019.loss import habibie_loss
from pose_core.lab.nets.habibie2019.resnet import Bottleneck, ResNetTrunk
from pose_core.lab.nets.maps import read_maps
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput
from pose_core.skeletons.h36m import H36M

_JOINTS = len(H36M)


class HabibieNetwork(ImageNetwork):
    """ResNet trunk, output map of heatmaps and latent features, lifter, camera.

    Source: Habibie et al. 2019, figure 2, sections 3.1 to 3.3.
    """

    config: HabibieConfig

    def __init__(self, config: HabibieConfig = PAPER) -> None:
        super().__init__()
        self.config = config
        self.trunk = ResNetTrunk(config.width, config.blocks)
        self.res5a = Bottleneck(self.trunk.channels, config.last_channels)
        self.output_map = nn.Conv2d(config.last_channels, _JOINTS + config.latent_channels, 3, padding=1)
        side = config.image_size // 16
        w = config.lifter_width
        self.to_latent = nn.Linear((_JOINTS + config.latent_channels) * side**2, w)
        self.lifter = Lifter(w)
        self.camera = nn.Sequential(nn.Linear(w, w // 4), nn.ReLU(), nn.Linear(w // 4, 3))

    def forward(self, image: Tensor) -> PoseOutput:
        """As `ImageNetwork.forward`; `heatmaps` are those of res4d, res5a and the output map."""
        self.check_input(image)
        res4d, res4 = self.trunk(image - 0.5)
        res5a = self.res5a(res4)
        features = self.output_map(res5a)
        latent = functional.relu(self.to_latent(features.flatten(1)))
        joints = self.lifter(latent).unflatten(1, (_JOINTS, 3))
        joints = joints - joints[:, :1]
        # the scale of a camera is positive
        scale, middle = self.camera(latent).split((1, 2), dim=1)
        camera = torch.cat([functional.softplus(scale), middle], dim=1)
        heatmaps = (res4d[:, :_JOINTS], res5a[:, :_JOINTS], features[:, :_JOINTS])
        joints_px = confidence = None
        if self.config.explicit_2d:
            joints_px, confidence = read_maps(heatmaps[-1], self.config.image_size)
        return PoseOutput(joints_px, confidence, joints, heatmaps, camera)

    def loss(self, output: PoseOutput, labels: PoseLabels, stage: str) -> tuple[Tensor, dict[str, Tensor]]:
        return habibie_loss(output, labels, self.config, stage)


class Lifter(nn.Module):
    """Four fully connected layers with a bridge from the second to the end, then the joints."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(4))
        self.joints = nn.Linear(width, 3 * _JOINTS)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, width) to (B, 51)."""
        second = functional.relu(self.layers[1](functional.relu(self.layers[0](latent))))
        fourth = functional.relu(self.layers[3](functional.relu(self.layers[2](second))))
        return self.joints(fourth + second)
