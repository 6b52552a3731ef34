"""The network of Tome et al. 2017: belief maps refined stage by stage, each with a look at likely 3D poses."""

from __future__ import annotations

import itertools
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor, nn

from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.maps import gaussian_maps, read_maps
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput
from pose_core.lab.nets.tome2017.config import PAPER, TomeConfig
from pose_core.lab.nets.tome2017.layer import PoseLayer
from pose_core.lab.nets.tome2017.loss import belief_loss
from pose_core.lab.pose_prior.prior import PosePrior, read_pose_prior
from pose_core.skeletons.h36m import H36M

_JOINTS = len(H36M)


class TomeNetwork(ImageNetwork):
    """A convolutional pose machine with the probabilistic 3D layer in every stage. Learns from 2D labels alone.

    Args:
        config: sizes.
        prior: the pose model; None = the one that ships.
    Source: Tome et al. 2017, figure 2, section 5.
    """

    config: TomeConfig
    size: Tensor
    selected_by = "error_2d_percent"  # nothing that it learns changes the 3D of given maps

    def __init__(self, config: TomeConfig = PAPER, prior: PosePrior | None = None) -> None:
        super().__init__()
        self.config = config
        self.features = _features(config.features)
        channels = config.features[-1][-1]
        w, maps = config.stage_width, _JOINTS + 1
        self.stages = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv2d(channels, config.first_width, 1), nn.ReLU(), nn.Conv2d(config.first_width, maps, 1)
                )
            ]
        )
        for _ in range(config.stages - 1):
            layers: list[nn.Module] = []
            for inputs in [maps + channels + 1, *[w] * (config.stage_layers - 1)]:
                layers += [nn.Conv2d(inputs, w, config.stage_kernel, padding=config.stage_kernel // 2), nn.ReLU()]
            self.stages.append(nn.Sequential(*layers, nn.Conv2d(w, w, 1), nn.ReLU(), nn.Conv2d(w, maps, 1)))
        self.pose_layer = PoseLayer(_shipped_prior() if prior is None else prior, config)
        if config.use_3d_layer:
            # of the network's own maps, before the logistic function: 0.88 to begin with
            self.fusion = nn.Parameter(torch.full((config.stages,), 2.0))
        self.register_buffer("size", torch.ones(()))

    def set_reference_bones(self, lengths_m: Tensor) -> None:
        """Size of people: the pose model's are 1.70 m."""
        mean = self.pose_layer.parts[0, :, :, 0]
        own = torch.linalg.norm(mean[1:] - mean[[H36M.parents[j] for j in range(1, _JOINTS)]], dim=-1)
        self.size.copy_(lengths_m[1:].sum() / own.sum())

    @property
    def fusion_weights(self) -> Tensor:
        """(stages,) share of the network's own maps in the fused ones, in [0, 1]."""
        return torch.sigmoid(self.fusion)

    def forward(self, image: Tensor) -> PoseOutput:
        """As `ImageNetwork.forward`; `heatmaps` are the fused maps of each stage, `parts` has `fused`
        (B, stages, 18, h, w), with the background as the last, and `own` of the same shape before fusion."""
        self.check_input(image)
        features = self.features(image - 0.5)
        rows, size = len(image), self.config.map_size
        middle = image.new_full((rows, 1, 2), self.config.image_size / 2)
        centre = gaussian_maps(middle, middle[..., 0] * 0 + 1, self.config.image_size, size, size / 6)
        own: list[Tensor] = []
        fused: list[Tensor] = []
        for number, stage in enumerate(self.stages):
            belief = stage(features if not fused else torch.cat([fused[-1], features, centre], dim=1))
            own.append(belief)
            fused.append(self._fuse(belief, number) if self.config.use_3d_layer else belief)
        joints, _ = self.pose_layer(fused[-1][:, :_JOINTS])
        joints_px, confidence = read_maps(fused[-1][:, :_JOINTS], self.config.image_size)
        return PoseOutput(
            joints_px, confidence, joints * self.size, tuple(maps[:, :_JOINTS] for maps in fused),
            parts={"fused": torch.stack(fused, dim=1), "own": torch.stack(own, dim=1)},
        )  # fmt: skip

    def _fuse(self, belief: Tensor, stage: int) -> Tensor:
        """f = w b + (1 - w) b_hat, the background included."""
        _, drawn = self.pose_layer(belief[:, :_JOINTS])
        drawn = torch.cat([drawn, 1 - drawn.amax(dim=1, keepdim=True)], dim=1)
        weight = self.fusion_weights[stage]
        return weight * belief + (1 - weight) * drawn

    def loss(self, output: PoseOutput, labels: PoseLabels, stage: str) -> tuple[Tensor, dict[str, Tensor]]:
        del stage
        return belief_loss(output, labels, self.config)


def _features(groups: tuple[tuple[int, ...], ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = 3
    for number, group in enumerate(groups):
        if number:
            layers.append(nn.MaxPool2d(2))
        for before, after in itertools.pairwise((inputs, *group)):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        inputs = group[-1]
    return nn.Sequential(*layers)


def _shipped_prior() -> PosePrior:
    with resources.as_file(resources.files("pose_core.weights") / "pose_prior.npz") as path:
        return read_pose_prior(Path(path))
