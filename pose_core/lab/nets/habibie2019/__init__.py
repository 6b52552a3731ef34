"""Habibie, Xu, Mehta, Pons-Moll & Theobalt 2019: explicit 2D features and intermediate 3D representations."""

from pose_core.lab.nets.habibie2019.config import PAPER, SMALL, TINY, HabibieConfig
from pose_core.lab.nets.habibie2019.loss import bone_loss, project_weak_perspective, projection_loss
from pose_core.lab.nets.habibie2019.model import HabibieNetwork

__all__ = [
    "PAPER",
    "SMALL",
    "TINY",
    "HabibieConfig",
    "HabibieNetwork",
    "bone_loss",
    "project_weak_perspective",
    "projection_loss",
]
