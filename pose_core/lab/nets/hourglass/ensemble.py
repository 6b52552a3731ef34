"""The mean of several models' poses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pose_core.errors import ShapeError


def per_joint_mean(poses_m: Sequence[Tensor]) -> Tensor:
    """Average every coordinate of every joint over models.

    Args:
        poses_m: (B, 17, 3) of each model; moved to the pelvis first.
    Returns:
        (B, 17, 3).
    Raises:
        ShapeError: no pose, or poses of different shapes.
    """
    if not poses_m or any(pose.shape != poses_m[0].shape for pose in poses_m):
        raise ShapeError(f"Poses of one shape were expected, but {[tuple(p.shape) for p in poses_m]} came.")
    return torch.stack([pose - pose[:, :1] for pose in poses_m]).mean(dim=0)
