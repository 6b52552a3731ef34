"""The two tasks of Li & Chan 2014: targets and errors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from pose_core.lab.nets.li_chan2014.config import LiChanConfig
from pose_core.lab.nets.outputs import PoseLabels, filled
from pose_core.skeletons.h36m import H36M

_CHILDREN = list(range(1, len(H36M)))
_PARENTS = [H36M.parents[j] for j in _CHILDREN]
_POINTS_ON_A_BONE = 16


def regression_target(labels: PoseLabels, config: LiChanConfig) -> tuple[Tensor, Tensor]:
    """What tanh is to say, and where it is known.

    Returns:
        2D: (B, 17, 2) joints in half pictures from the middle, and (B, 17), known only inside the picture.
        3D: (B, 16, 3) vectors from the parents in `unit_m`, and (B, 16).
    """
    if config.dimensions == 2:
        at = filled(labels.joints_px, labels.has_2d) * (2 / config.image_size) - 1
        inside = (at.abs() <= 1).all(dim=-1).to(at.dtype)
        return at, labels.has_2d * inside
    joints = filled(labels.joints_m, labels.has_3d)
    bones = (joints[:, _CHILDREN] - joints[:, _PARENTS]) / config.unit_m
    return bones, labels.has_3d[:, None].expand(-1, len(_CHILDREN))


def regression_error(regressed: Tensor, labels: PoseLabels, config: LiChanConfig) -> Tensor:
    """Sum of the squared distances of a sample's joints, a mean over the samples that have labels."""
    target, known = regression_target(labels, config)
    squared = ((regressed - target) ** 2).sum(dim=-1) * known
    return squared.sum() / (known.sum(dim=1) > 0).sum().clamp_min(1)


def window_labels(joints_px: Tensor, known: Tensor, windows: int, window_px: int) -> tuple[Tensor, Tensor]:
    """Which windows hold which joints and parts.

    Args:
        joints_px: (B, 17, 2) pixels.
        known: (B, 17).
        windows: along a side.
        window_px: side of a window.
    Returns:
        (B, 33, windows, windows) 1 where the joint, or some of the bone to a joint from its parent, is in the window;
        and (B, 33) 1 for joints and parts that are known.
    """
    at = filled(joints_px, known)
    share = torch.linspace(0, 1, _POINTS_ON_A_BONE, dtype=at.dtype, device=at.device)[:, None]
    bones = at[:, _PARENTS, None] * (1 - share) + at[:, _CHILDREN, None] * share
    bone_known = known[:, _CHILDREN] * known[:, _PARENTS]
    points = torch.cat([at[:, :, None].expand(-1, -1, _POINTS_ON_A_BONE, -1), bones], dim=1)
    cell = torch.floor(points / window_px)
    number = torch.arange(windows, dtype=at.dtype, device=at.device)
    across = (cell[..., :1] == number).to(at.dtype)
    down = (cell[..., 1:] == number).to(at.dtype)
    held = torch.einsum("bpny,bpnx->bpyx", down, across).clamp(max=1.0)
    return held, torch.cat([known, bone_known], dim=1)


def detection_error(logits: Tensor, labels: PoseLabels, config: LiChanConfig) -> Tensor:
    """Binary cross-entropy summed over a sample's windows, a mean over the samples that have labels."""
    target, known = window_labels(labels.joints_px, labels.has_2d, config.windows, config.window_px)
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=(2, 3)) * known
    return entropy.sum() / (known.sum(dim=1) > 0).sum().clamp_min(1)
