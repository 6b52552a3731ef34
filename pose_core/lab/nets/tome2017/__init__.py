"""Probabilistic 3D pose model of Tome, Russell & Agapito 2017: a mixture of probabilistic PCA, and lifting by it."""

from pose_core.lab.pose_prior.em import fit_pose_prior
from pose_core.lab.pose_prior.lifting import LiftGrid, PriorLift, lift_poses
from pose_core.lab.pose_prior.prior import PosePrior, normalise_poses, read_pose_prior, write_pose_prior

__all__ = [
    "LiftGrid",
    "PosePrior",
    "PriorLift",
    "fit_pose_prior",
    "lift_poses",
    "normalise_poses",
    "read_pose_prior",
    "write_pose_prior",
]
