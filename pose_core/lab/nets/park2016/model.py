"""The network of Park et al. 2016: 2D joints as classes of a grid, 3D joints from several roots."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.maps import read_maps
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput
from pose_core.lab.nets.park2016.config import PAPER, ParkConfig
from pose_core.lab.nets.park2016.loss import park_loss
from pose_core.skeletons.h36m import H36M

_JOINTS = len(H36M)


class ParkNetwork(ImageNetwork):
    """Five convolutions and two branches of fully connected layers.

    Source: Park et al. 2016, figures 1 and 2, equations 6 and 7.
    """

    config: ParkConfig

    def __init__(self, config: ParkConfig = PAPER) -> None:
        super().__init__()
        self.config = config
        c1, c2, c3 = config.channels
        self.trunk = nn.Sequential(
            _convolution(3, c1, 7, 2, 3), nn.MaxPool2d(3, 2),
            _convolution(c1, c2, 5, 2, 2), nn.MaxPool2d(3, 2),
            _convolution(c2, c3, 3, 1, 1), _convolution(c3, c3, 3, 1, 1), _convolution(c3, c3, 3, 1, 1),
            nn.MaxPool2d(3, 2, ceil_mode=True), nn.Flatten(),
        )  # fmt: skip
        with torch.no_grad():
            features = self.trunk.eval()(torch.zeros(1, 3, config.image_size, config.image_size)).shape[1]
        self.trunk.train()
        w = config.width
        classes = _JOINTS * config.grid**2
        self.fc_2d = nn.Sequential(_dense(features, w, config.dropout), nn.Linear(w, classes))
        self.fc1_3d = _dense(features, w, config.dropout)
        if config.use_2d:
            self.fc_probs_2d = _dense(classes, w, config.dropout)
            self.fc_2d_3d = _dense(2 * w, w, config.dropout)
        # a root's own place is 0, so its head does not estimate it
        self.heads = nn.ModuleList(
            nn.Sequential(_dense(w, w, config.dropout), nn.Linear(w, 3 * (_JOINTS - 1))) for _ in config.roots
        )

    def forward(self, image: Tensor) -> PoseOutput:
        """As `ImageNetwork.forward`; `parts` has `grid_logits` (B, 17, G * G) and `from_root` (B, R, 17, 3)."""
        self.check_input(image)
        config = self.config
        features = self.trunk(image - 0.5)
        logits = self.fc_2d(features).unflatten(1, (_JOINTS, config.grid**2))
        probability = torch.softmax(logits, dim=-1)
        hidden = self.fc1_3d(features)
        if config.use_2d:
            # the 3D loss must not reach the 2D classification
            known_2d = self.fc_probs_2d(probability.detach().flatten(1))
            hidden = self.fc_2d_3d(torch.cat([hidden, known_2d], dim=1))
        from_root = torch.stack(
            [_with_root(head(hidden), root) for head, root in zip(self.heads, config.roots, strict=True)], dim=1
        )
        joints_px, peak = read_maps(probability.unflatten(2, (config.grid, config.grid)), config.image_size)
        maps = probability.unflatten(2, (config.grid, config.grid))
        return PoseOutput(
            joints_px,
            (4 * peak).clamp(0, 1),  # the target is spread over up to four cells
            mean_of_roots(from_root),
            (maps,),
            parts={"grid_logits": logits, "from_root": from_root},
        )

    def loss(self, output: PoseOutput, labels: PoseLabels, stage: str) -> tuple[Tensor, dict[str, Tensor]]:
        del stage
        return park_loss(output, labels, self.config)


def mean_of_roots(from_root: Tensor) -> Tensor:
    """The final pose, relative to the pelvis.

    Args:
        from_root: (B, R, 17, 3) poses relative to each root.
    Returns:
        (B, 17, 3).
    Source: equation 7; every pose is moved to zero mean before they are averaged.
    """
    centred = from_root - from_root.mean(dim=2, keepdim=True)
    pose = centred.mean(dim=1)
    return pose - pose[:, :1]


def _with_root(values: Tensor, root: int) -> Tensor:
    """(B, 3 * 16) to (B, 17, 3) with zeros at the root."""
    joints = values.unflatten(1, (_JOINTS - 1, 3))
    return torch.cat([joints[:, :root], torch.zeros_like(joints[:, :1]), joints[:, root:]], dim=1)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def _dense(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout))
