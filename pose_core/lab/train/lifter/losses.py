"""What the lifter is trained to make small."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pose_core.skeletons import CANONICAL

_PARENTS = torch.tensor([max(p, 0) for p in CANONICAL.parents])
_MODE_SCALE = 0.15
"""Of the distance of unit vectors, about nine degrees, from which on it levels off."""
_LIMBS = torch.tensor(
    [CANONICAL.index(f"{s}_{j}") for s in ("left", "right") for j in ("knee", "ankle", "elbow", "wrist")]
)
_BONES = torch.tensor([j for j, p in enumerate(CANONICAL.parents) if p >= 0])


@dataclass(frozen=True)
class LossWeights:
    """Factors of the terms; position error in metres has 1."""

    scaled: float = 0.5
    """Position error after the best scale of every frame."""
    velocity: float = 10.0
    """Error of the step from frame to frame, metres."""
    direction: float = 0.05
    """Distance of unit bone vectors."""
    mode: float = 0.08
    """Distance of unit bone vectors of limbs by a measure that levels off: what is likeliest instead of a mean.

    A knee bends one way only, so that a mean over straight legs and bent ones, or a median, is always bent.
    """
    sigma: float = 0.02
    """Negative log likelihood of the errors (held fixed) under the predicted sigma."""
    contact: float = 0.05
    """Cross-entropy of contacts."""


def lifter_loss(
    output: tuple[Tensor, ...],
    target_m: Tensor,
    joint_weight: Tensor,
    frame_weight: Tensor,
    contacts: Tensor,
    contact_weight: Tensor,
    weights: LossWeights,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The training loss.

    Args:
        output: joints (B, T, J, 3), log sigma (B, T, J), contact logits (B, T, 4).
        target_m: (B, T, J, 3).
        joint_weight: (B, J).
        frame_weight: (B, T).
        contacts: (B, T, 4) in {0, 1}.
        contact_weight: (B,).
        weights: factors of the terms.
    Returns:
        The loss, and its terms before their factors.
    """
    joints, log_sigma, logits = (part.float() for part in output)
    weight = joint_weight[:, None] * frame_weight[..., None]
    total = weight.sum().clamp_min(1e-6)

    def mean(per_joint: Tensor) -> Tensor:
        return (per_joint * weight).sum() / total

    error = joints - target_m
    position = mean(_norm(error))
    squared = (weight[..., None] * joints.detach() ** 2).sum(dim=(2, 3)).clamp_min(1e-6)
    scale = (weight[..., None] * joints.detach() * target_m).sum(dim=(2, 3)) / squared
    scaled = mean(_norm(scale[..., None, None] * joints - target_m))
    step_weight = weight[:, 1:]
    velocity = (_norm(error[:, 1:] - error[:, :-1]) * step_weight).sum() / step_weight.sum().clamp_min(1e-6)
    # both ends of a bone must be known; the pelvis, of weight 0, always is
    known = joint_weight.clone()
    known[:, 0] = 1.0
    bone_weight = torch.minimum(known[:, _BONES], known[:, _PARENTS[_BONES]])[:, None] * frame_weight[..., None]
    across = _unit(joints[:, :, _BONES] - joints[:, :, _PARENTS[_BONES]])
    wanted = _unit(target_m[:, :, _BONES] - target_m[:, :, _PARENTS[_BONES]])
    direction = (_norm(across - wanted) * bone_weight).sum() / bone_weight.sum().clamp_min(1e-6)
    ends = torch.isin(_BONES, _LIMBS)
    square = ((across - wanted)[:, :, ends] ** 2).sum(dim=-1)
    limb_weight = bone_weight[:, :, ends]
    leveled = square / (square + _MODE_SCALE**2)
    mode = (leveled * limb_weight).sum() / limb_weight.sum().clamp_min(1e-6)
    # Laplace: the scale is sigma / sqrt(2)
    spread = log_sigma - 0.5 * torch.log(torch.tensor(2.0))
    sigma = mean(spread + error.detach().abs().mean(dim=-1) * torch.exp(-spread))
    entropy = functional.binary_cross_entropy_with_logits(logits, contacts, reduction="none").mean(dim=-1)
    entropy_weight = contact_weight[:, None] * frame_weight
    contact = (entropy * entropy_weight).sum() / entropy_weight.sum().clamp_min(1e-6)
    terms = {
        "position": position, "scaled": scaled, "velocity": velocity, "direction": direction,
        "mode": mode, "sigma": sigma, "contact": contact,
    }  # fmt: skip
    loss = position + sum(getattr(weights, name) * term for name, term in terms.items() if name != "position")
    return loss, {name: term.detach() for name, term in terms.items()}


def frame_weights(confidence: Tensor) -> Tensor:
    """(B, T) how much a frame counts: little where next to nothing of the person is seen; confidence (B, T, I)."""
    share = (confidence > 0).float().mean(dim=-1)
    return 0.15 + 0.85 * (share / 0.5).clamp(max=1.0)


def _norm(x: Tensor) -> Tensor:
    return torch.sqrt((x * x).sum(dim=-1) + 1e-10)


def _unit(x: Tensor) -> Tensor:
    return x / (_norm(x)[..., None] + 1e-3)
