"""The network of Li & Chan 2014: a shared trunk, a pose regressor and window detectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.li_chan2014.config import PAPER, LiChanConfig
from pose_core.lab.nets.li_chan2014.loss import detection_error, regression_error
from pose_core.lab.nets.maps import read_maps
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput, require_2d, require_3d
from pose_core.skeletons.h36m import H36M

_JOINTS = len(H36M)
_BONES = _JOINTS - 1


class LiChanNetwork(ImageNetwork):
    """Three shared convolutions; fully connected layers of its own for each task.

    Source: Li, Liu & Chan 2014, figure of the architecture: response normalisation after the second convolution,
    dropout in the fully connected layers, tanh on the pose, sigmoid on the windows.
    """

    config: LiChanConfig

    def __init__(self, config: LiChanConfig = PAPER) -> None:
        super().__init__()
        self.config = config
        (c1, c2, c3), (k1, k2, k3) = config.channels, config.kernels
        self.trunk = nn.Sequential(
            nn.Conv2d(3, c1, k1, 2, k1 // 2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(c1, c2, k2, 1, k2 // 2), nn.ReLU(), nn.MaxPool2d(2), nn.LocalResponseNorm(5),
            nn.Conv2d(c2, c3, k3, 1, k3 // 2), nn.ReLU(), nn.Flatten(),
        )  # fmt: skip
        with torch.no_grad():
            features = self.trunk(torch.zeros(1, 3, config.image_size, config.image_size)).shape[1]
        values = 2 * _JOINTS if config.dimensions == 2 else 3 * _BONES
        self.regressor = nn.Sequential(
            *_dense(features, config.width, config.dropout), *_dense(config.width, config.width, config.dropout),
            nn.Linear(config.width, values), nn.Tanh(),
        )  # fmt: skip
        if config.detects:
            self.detector = nn.Sequential(
                *_dense(features, config.width, config.dropout),
                nn.Linear(config.width, (_JOINTS + _BONES) * config.windows**2),
            )

    def forward(self, image: Tensor) -> PoseOutput:
        """As `ImageNetwork.forward`; `parts` has `regressed`, (B, 17, 2) or (B, 16, 3) in [-1, 1], and, where the
        network detects, `window_logits` (B, 33, w, w): joints, then parts."""
        self.check_input(image)
        config = self.config
        features = self.trunk(image - 0.5)
        regressed = self.regressor(features).unflatten(1, (-1, config.dimensions))
        parts = {"regressed": regressed}
        joints_px = confidence = joints_m = None
        heatmaps: tuple[Tensor, ...] = ()
        if config.detects:
            logits = self.detector(features).unflatten(1, (_JOINTS + _BONES, config.windows, config.windows))
            parts["window_logits"] = logits
            maps = torch.sigmoid(logits[:, :_JOINTS])
            heatmaps = (maps,)
            joints_px, confidence = read_maps(maps, config.windows * config.window_px)
        if config.dimensions == 2:
            joints_px = (regressed + 1) * (config.image_size / 2)
            if confidence is None:
                confidence = torch.ones_like(joints_px[..., 0])
        else:
            joints_m = joints_from_bones(regressed * config.unit_m)
        return PoseOutput(joints_px, confidence, joints_m, heatmaps, parts=parts)

    def loss(self, output: PoseOutput, labels: PoseLabels, stage: str) -> tuple[Tensor, dict[str, Tensor]]:
        """Phi = 1/2 sum of the regression errors + 1/2 sum of the detection errors, or one of them in a stage
        `detect` or `regress`.

        Raises:
            ShapeError: the batch lacks the labels that the stage needs.
        """
        config = self.config
        terms: dict[str, Tensor] = {}
        loss = torch.zeros((), device=labels.joints_px.device)
        if stage != "detect":
            if config.dimensions == 2:
                require_2d(labels, "joint regression")
            else:
                require_3d(labels, "bone regression")
            terms["regression"] = regression_error(output.parts["regressed"], labels, config)
            loss = loss + 0.5 * config.weight_regression * terms["regression"]
        if config.detects and stage != "regress":
            require_2d(labels, "window detection")
            terms["detection"] = detection_error(output.parts["window_logits"], labels, config)
            loss = loss + 0.5 * config.weight_detection * terms["detection"]
        return loss, {name: term.detach() for name, term in terms.items()}


def joints_from_bones(bones_m: Tensor) -> Tensor:
    """(B, 17, 3) joints relative to the pelvis from the vectors (B, 16, 3) to each joint from its parent."""
    joints = [torch.zeros_like(bones_m[:, 0])]
    for j in range(1, _JOINTS):
        joints.append(joints[H36M.parents[j]] + bones_m[:, j - 1])
    return torch.stack(joints, dim=1)


def _dense(inputs: int, outputs: int, dropout: float) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
