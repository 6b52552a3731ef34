"""A dilated temporal convolutional network that keeps the length of its input.

After Pavllo et al. 2019 (dilated convolutions for 3D pose), with layer normalisation in place of batch normalisation,
so that a frame's result depends on its neighbourhood alone, and with one shared trunk for positions, their
uncertainty and ground contacts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pose_core.lift.answers import BEND_CENTRES_DEG, HINGES, SUPPORTS
from pose_core.lift.features import FEATURE_COUNT, INPUT_JOINTS, INPUT_NAMES
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS

LOG_SIGMA_RANGE = (-5.0, 0.5)
"""Log of metres: 7 mm to 1.6 m."""

_INPUTS = len(INPUT_NAMES)
_HIPS = [INPUT_NAMES.index("left_hip"), INPUT_NAMES.index("right_hip")]
# Input of each joint but the pelvis, or of any other joint where it has none; the mask tells which.
_INPUT_OF_JOINT = [next((i for i, k in enumerate(INPUT_JOINTS) if k == j), 0) for j in range(1, len(CANONICAL))]
_HAS_INPUT = [float(j in INPUT_JOINTS) for j in range(1, len(CANONICAL))]
EXTRA_OUTPUTS = {
    "precision_factor": (len(CANONICAL), 6),
    "up": (4,),
    "bend_logits": (len(HINGES), len(BEND_CENTRES_DEG)),
    "support_logits": (len(SUPPORTS),),
}
"""Further answers by name, in this order after the first three, and their axes for one frame. `precision_factor`: a
lower triangular matrix A a joint with A times error of unit covariance, as log of its diagonal (x, y, z) and its
entries yx, zx, zy. `up`: up in virtual camera axes, any length, and the log of its sigma in radians. `bend_logits`: a
class of flexion a hinge. `support_logits`: what else rests on something."""

_LOG_PRECISION_RANGE = (-0.7, 5.0)
_LOG_EXTENT_RANGE = (-1.5, 1.5)
_TYPICAL_LOG_EXTENT = 0.4


@dataclass(frozen=True)
class LifterShape:
    """The size of the network."""

    channels: int = 384
    frames_per_step: int = 2
    """Frames that the network takes in and gives out at a time: neighbours are nearly alike, so that this halves the
    work and costs next to nothing."""
    dilations: tuple[int, ...] = (1, 3, 9, 9, 3, 1)
    """One temporal block each; every block sees three steps this far apart."""
    pose_blocks: int = 2
    """Blocks that look at a step alone, before the temporal ones."""
    back_projection: bool = True
    """Joints that were seen may be put on their rays, at the depth the network finds."""
    extras: bool = False
    """Further answers, `EXTRA_OUTPUTS`."""

    @property
    def reach_steps(self) -> int:
        """Steps before and after a step that its result depends on."""
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


class _StepHead(nn.Module):
    """Answers for the frames of a step: one for all, and what each frame differs by."""

    def __init__(self, channels: int, width: int, frames: int) -> None:
        super().__init__()
        self.width, self.frames = width, frames
        self.common = nn.Linear(channels, width)
        self.own = nn.Linear(channels, frames * width)
        nn.init.normal_(self.common.weight, std=0.003)
        nn.init.zeros_(self.common.bias)
        # frames of a step begin alike: the network would spend long on learning that they nearly are
        nn.init.zeros_(self.own.weight)
        nn.init.zeros_(self.own.bias)

    def forward(self, x: Tensor) -> Tensor:
        own = self.own(x).reshape(x.shape[0], x.shape[1], self.frames, self.width)
        return cast(Tensor, own + self.common(x)[:, :, None])


class _BackProjection(nn.Module):
    """Puts joints that were seen on their rays, at the depths the network found, as far as it trusts the 2D joints.

    What the image tells directly need not pass through the trunk: that is left free for depth.
    """

    hips: Tensor
    inputs: Tensor
    has_input: Tensor

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        # log of the person's extent in metres, the pelvis in half extents about the middle of the hips, trust a joint
        self.place = _StepHead(channels, 3 + len(CANONICAL) - 1, frames)
        self.register_buffer("hips", torch.tensor(_HIPS), persistent=False)
        self.register_buffer("inputs", torch.tensor(_INPUT_OF_JOINT), persistent=False)
        self.register_buffer("has_input", torch.tensor(_HAS_INPUT), persistent=False)

    def forward(self, x: Tensor, features: Tensor, joints: Tensor) -> Tensor:
        """Mix image and network.

        Args:
            x: (B, N, channels).
            features: (B, N, S, FEATURE_COUNT).
            joints: (B, N, S, J - 1, 3) what the network itself makes of the joints.
        Returns:
            (B, N, S, J - 1, 3).
        """
        place = self.place(x).float()
        joints = joints.float()
        points = features[..., : 3 * _INPUTS].reshape(*features.shape[:3], _INPUTS, 3)
        size = torch.exp(features[..., -1:])
        distance = torch.exp(torch.clamp(place[..., :1] + _TYPICAL_LOG_EXTENT, *_LOG_EXTENT_RANGE)) / size
        half = 0.5 * size[..., None]
        hips = points[..., self.hips, :]
        seen = (hips[..., 2:] > 0).float()
        middle = (hips[..., :2] * seen).sum(dim=-2) / seen.sum(dim=-2).clamp(min=1.0)
        pelvis = (half[..., 0] * (middle + place[..., 1:3]) * distance)[..., None, :]
        own = points[..., self.inputs, :]
        at = half * own[..., :2] * (distance[..., None] + joints[..., 2:]) - pelvis
        trust = torch.sigmoid(place[..., 3:]) * self.has_input * (own[..., 2] > 0).float()
        xy = joints[..., :2] + trust[..., None] * (at - joints[..., :2])
        return torch.cat([xy, joints[..., 2:]], dim=-1)


class _Extras(nn.Module):
    """Answers beside the joints; they change nothing of those."""

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        widths = {name: math.prod(axes) for name, axes in EXTRA_OUTPUTS.items()}
        self.heads = nn.ModuleDict({name: _StepHead(channels, width, frames) for name, width in widths.items()})
        precision = cast(_StepHead, self.heads["precision_factor"]).common.bias.data.view(-1, 6)
        precision[:, :2], precision[:, 2] = 3.2, 2.7  # across the view 4 cm, along it 7
        up = cast(_StepHead, self.heads["up"]).common.bias.data
        up[1], up[3] = -1.0, -1.5  # cameras are mostly held upright; y points down

    def forward(self, x: Tensor) -> list[Tensor]:
        """The answers of `EXTRA_OUTPUTS`, (B, N, S, ...) each, for (B, N, channels)."""
        answers = []
        for name, axes in EXTRA_OUTPUTS.items():
            answer = self.heads[name](x)
            answer = answer.reshape(*answer.shape[:3], *axes)
            if name == "precision_factor":
                answer = torch.cat([torch.clamp(answer[..., :3], *_LOG_PRECISION_RANGE), answer[..., 3:]], dim=-1)
            answers.append(answer)
        return answers


class LifterNetwork(nn.Module):
    """From the features of `pose_core.lift.features` to root-relative joints, their log sigma, and contacts."""

    def __init__(self, shape: LifterShape) -> None:
        super().__init__()
        self.shape = shape
        self.inlet = nn.Linear(shape.frames_per_step * FEATURE_COUNT, shape.channels)
        self.poses = nn.Sequential(*(_PoseBlock(shape.channels) for _ in range(shape.pose_blocks)))
        self.times = nn.Sequential(*(_TemporalBlock(shape.channels, d) for d in shape.dilations))
        self.norm = nn.LayerNorm(shape.channels)
        frames = shape.frames_per_step
        self.joints = _StepHead(shape.channels, 3 * (len(CANONICAL) - 1), frames)
        self.log_sigma = _StepHead(shape.channels, len(CANONICAL), frames)
        self.contacts = _StepHead(shape.channels, len(CONTACT_JOINTS), frames)
        self.rays = _BackProjection(shape.channels, frames) if shape.back_projection else None
        self.extras = _Extras(shape.channels, frames) if shape.extras else None
        for block in (*self.poses, *self.times):
            nn.init.zeros_(cast(nn.Linear, block.outer).bias)
            nn.init.normal_(cast(nn.Linear, block.outer).weight, std=0.02 / max(len(shape.dilations), 1) ** 0.5)
        nn.init.constant_(self.log_sigma.common.bias, -2.5)

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Lift sequences.

        Args:
            features: (B, N, S, FEATURE_COUNT), S frames a step.
        Returns:
            joints (B, N, S, J, 3) in virtual camera axes for a person of 1.70 m, the pelvis at zero, metres;
            log of sigma (B, N, S, J), metres; contact logits (B, N, S, 4); with `extras` those of `EXTRA_OUTPUTS`,
            each (B, N, S, ...).
        """
        joint_count = len(CANONICAL)
        batch, steps, frames = features.shape[0], features.shape[1], self.shape.frames_per_step
        x = self.inlet(features.reshape(batch, steps, frames * FEATURE_COUNT))
        x = self.norm(self.times(self.poses(x)))
        joints = self.joints(x).reshape(batch, steps, frames, joint_count - 1, 3)
        if self.rays is not None:
            joints = self.rays(x, features, joints)
        joints = torch.cat([torch.zeros_like(joints[:, :, :, :1]), joints], dim=3)
        answers = (joints, torch.clamp(self.log_sigma(x), *LOG_SIGMA_RANGE), self.contacts(x))
        return answers if self.extras is None else (*answers, *self.extras(x))

    def lift_frames(self, features: Tensor) -> tuple[Tensor, ...]:
        """As `forward` for (B, T, FEATURE_COUNT), T a multiple of the frames of a step, with answers (B, T, ...)."""
        frames = self.shape.frames_per_step
        batch, count = features.shape[:2]
        parts = self(features.reshape(batch, count // frames, frames, FEATURE_COUNT))
        return tuple(part.reshape(batch, count, *part.shape[3:]) for part in parts)
