"""A dilated temporal convolutional network that keeps the length of its input.

After Pavllo et al. 2019 (dilated convolutions for 3D pose), with layer normalisation in place of batch normalisation,
so that a frame's result depends on its neighbourhood alone, and with one shared trunk for positions, their
uncertainty and ground contacts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pose_core.lift.features import FEATURE_COUNT
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS

LOG_SIGMA_RANGE = (-5.0, 0.5)
"""Log of metres: 7 mm to 1.6 m."""


@dataclass(frozen=True)
class LifterShape:
    """The size of the network."""

    channels: int = 384
    dilations: tuple[int, ...] = (1, 3, 9, 27)
    """One temporal block each; every block sees three frames this far apart."""
    pose_blocks: int = 2
    """Blocks that look at a frame alone, before the temporal ones."""

    @property
    def reach(self) -> int:
        """Frames before and after a frame that its result depends on."""
        return sum(self.dilations)


class _PoseBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.inner = nn.Linear(channels, 2 * channels)
        self.outer = nn.Linear(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.outer(functional.gelu(self.inner(self.norm(x)))))


class _TemporalBlock(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(channels)
        self.mix = nn.Linear(3 * channels, channels)
        self.outer = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        d = self.dilation
        frames = x.shape[1]
        y = self.norm(x)
        # the ends are held: a clip's first and last frames have neighbours too
        padded = torch.cat([y[:, :1].expand(-1, d, -1), y, y[:, -1:].expand(-1, d, -1)], dim=1)
        wide = torch.cat([padded[:, :frames], y, padded[:, 2 * d : 2 * d + frames]], dim=2)
        return x + cast(Tensor, self.outer(functional.gelu(self.mix(wide))))


class LifterNetwork(nn.Module):
    """From the features of `pose_core.lift.features` to root-relative joints, their log sigma, and contacts."""

    def __init__(self, shape: LifterShape) -> None:
        super().__init__()
        self.shape = shape
        self.inlet = nn.Linear(FEATURE_COUNT, shape.channels)
        self.poses = nn.Sequential(*(_PoseBlock(shape.channels) for _ in range(shape.pose_blocks)))
        self.times = nn.Sequential(*(_TemporalBlock(shape.channels, d) for d in shape.dilations))
        self.norm = nn.LayerNorm(shape.channels)
        self.joints = nn.Linear(shape.channels, 3 * (len(CANONICAL) - 1))
        self.log_sigma = nn.Linear(shape.channels, len(CANONICAL))
        self.contacts = nn.Linear(shape.channels, len(CONTACT_JOINTS))
        for block in (*self.poses, *self.times):
            nn.init.zeros_(cast(nn.Linear, block.outer).bias)
            nn.init.normal_(cast(nn.Linear, block.outer).weight, std=0.02 / len(shape.dilations) ** 0.5)
        nn.init.normal_(self.joints.weight, std=0.003)
        nn.init.zeros_(self.joints.bias)
        nn.init.constant_(self.log_sigma.bias, -2.5)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Lift sequences.

        Args:
            features: (B, T, FEATURE_COUNT).
        Returns:
            joints (B, T, J, 3) in virtual camera axes for a person of 1.70 m, the pelvis at zero, metres;
            log of sigma (B, T, J), metres; contact logits (B, T, 4).
        """
        x = self.norm(self.times(self.poses(self.inlet(features))))
        joints = self.joints(x)
        joints = joints.reshape(x.shape[0], x.shape[1], len(CANONICAL) - 1, 3)
        joints = torch.cat([torch.zeros_like(joints[:, :, :1]), joints], dim=2)
        low, high = LOG_SIGMA_RANGE
        return joints, torch.clamp(self.log_sigma(x), low, high), self.contacts(x)
