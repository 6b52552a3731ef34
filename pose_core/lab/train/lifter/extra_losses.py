"""What the lifter is trained to make small beside errors of joints: wrong branches, covariance, up, flexion, supports.

Near straight a limb's flexion is one-sided: the mean, and the median of a position, over "straight, seen short" and
"bent" is always bent. The bounded loss of `posture_loss` has its least value at the most probable answer instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pose_core.lift.answers import BEND_EDGES_DEG, HINGES
from pose_core.skeletons import CANONICAL

_HINGE = [CANONICAL.index(name) for name in HINGES]
_FROM = [CANONICAL.parents[j] for j in _HINGE]
_TO = [CANONICAL.index(name) for name in ("left_ankle", "right_ankle", "left_wrist", "right_wrist")]
_NECK = CANONICAL.index("neck")
_EDGES_RAD = torch.deg2rad(torch.tensor(BEND_EDGES_DEG))


@dataclass(frozen=True)
class ExtraWeights:
    """Factors of the further terms beside those of `LossWeights`."""

    posture: float = 0.5
    posture_scale_m: float = 0.05
    """Errors much larger than this pull no more than this one: a wrong branch is a wrong branch."""
    covariance: float = 0.01
    """Negative log likelihood of the errors (held fixed) under the predicted covariance."""
    up: float = 0.02
    bend: float = 0.02
    """Cross-entropy of the class of flexion."""
    support: float = 0.03


@dataclass(frozen=True, eq=False)
class ExtraTargets:
    """The truth about the further answers."""

    joints_m: Tensor
    """(B, T, J, 3)."""
    joint_weight: Tensor
    """(B, J)."""
    frame_weight: Tensor
    """(B, T)."""
    up: Tensor
    """(B, T, 3) unit vectors in virtual camera axes."""
    supports: Tensor
    """(B, T, 6) in {0, 1}."""
    contact_weight: Tensor
    """(B,)."""


def extra_loss(
    output: tuple[Tensor, ...], target: ExtraTargets, weights: ExtraWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """The further loss of a network with extras, and its terms before their factors."""
    joints, _, _, precision, up, bend, support = (part.float() for part in output)
    terms = {
        "posture": posture_loss(joints, target, weights.posture_scale_m),
        "covariance": covariance_loss(joints, precision, target),
        "up": _up_loss(up, target),
        "bend": _bend_loss(bend, target),
        "support": _support_loss(support, target),
    }
    loss = torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()
    return loss, {name: term.detach() for name, term in terms.items()}


def posture_loss(joints: Tensor, target: ExtraTargets, scale_m: float) -> Tensor:
    """Bounded errors of what makes a crouch: bends and chords of the limbs, and the trunk.

    All are linear in the joints, so that the gradient has no trouble near straight.

    Source: Geman & McClure 1987.
    """
    known = target.joint_weight
    ends = torch.minimum(torch.minimum(known[:, _FROM], known[:, _HINGE]), known[:, _TO])
    weight = torch.cat([ends, ends, known[:, [_NECK]]], dim=1)[:, None] * target.frame_weight[..., None]
    error = _posture(joints) - _posture(target.joints_m)
    squared = (error * error).sum(dim=-1)
    bounded = scale_m * squared / (squared + scale_m**2)
    return (bounded * weight).sum() / weight.sum().clamp_min(1e-6)


def covariance_loss(joints: Tensor, factor: Tensor, target: ExtraTargets) -> Tensor:
    """Mean negative log likelihood of a three-dimensional Laplace distribution with unit covariance of A e."""
    a, off = factor[..., :3], factor[..., 3:]
    x, y, z = ((joints.detach() - target.joints_m)[..., k] for k in range(3))
    turned = torch.stack([
        torch.exp(a[..., 0]) * x,
        torch.exp(a[..., 1]) * y + off[..., 0] * x,
        torch.exp(a[..., 2]) * z + off[..., 1] * x + off[..., 2] * y,
    ], dim=-1)  # fmt: skip
    distance = torch.sqrt((turned * turned).sum(dim=-1) + 1e-8)
    weight = target.joint_weight[:, None] * target.frame_weight[..., None]
    return ((2.0 * distance - a.sum(dim=-1)) * weight).sum() / weight.sum().clamp_min(1e-6)


def bend_classes(joints: Tensor) -> Tensor:
    """(B, T, 4) class of flexion of the hinges."""
    upper = joints[:, :, _HINGE] - joints[:, :, _FROM]
    lower = joints[:, :, _TO] - joints[:, :, _HINGE]
    across = torch.linalg.cross(upper, lower).norm(dim=-1)
    return torch.bucketize(torch.atan2(across, (upper * lower).sum(dim=-1)), _EDGES_RAD.to(joints.device))


def _posture(joints: Tensor) -> Tensor:
    """(B, T, 9, 3) bends (middle joint from the middle of the ends), chords, and the trunk."""
    start, middle, end = joints[:, :, _FROM], joints[:, :, _HINGE], joints[:, :, _TO]
    trunk = joints[:, :, [_NECK]] - joints[:, :, [0]]
    return torch.cat([middle - 0.5 * (start + end), end - start, trunk], dim=2)


def _up_loss(up: Tensor, target: ExtraTargets) -> Tensor:
    """Laplace likelihood of the angle between answer and truth, and the answer's length near one."""
    vector, log_sigma = up[..., :3], torch.clamp(up[..., 3], -4.5, 0.5)
    length = torch.sqrt((vector * vector).sum(dim=-1) + 1e-8)
    off = vector / length[..., None] - target.up
    angle = torch.sqrt((off * off).sum(dim=-1) + 1e-8)
    loss = log_sigma + angle * torch.exp(-log_sigma) + 0.1 * (length - 1.0) ** 2 + 2.0 * angle
    return (loss * target.frame_weight).sum() / target.frame_weight.sum().clamp_min(1e-6)


def _bend_loss(logits: Tensor, target: ExtraTargets) -> Tensor:
    known = target.joint_weight
    weight = torch.minimum(torch.minimum(known[:, _FROM], known[:, _HINGE]), known[:, _TO])
    each = weight[:, None] * target.frame_weight[..., None]
    entropy = functional.cross_entropy(logits.movedim(-1, 1), bend_classes(target.joints_m), reduction="none")
    return (entropy * each).sum() / each.sum().clamp_min(1e-6)


def _support_loss(logits: Tensor, target: ExtraTargets) -> Tensor:
    entropy = functional.binary_cross_entropy_with_logits(logits, target.supports, reduction="none").mean(dim=-1)
    weight = target.contact_weight[:, None] * target.frame_weight
    return (entropy * weight).sum() / weight.sum().clamp_min(1e-6)
