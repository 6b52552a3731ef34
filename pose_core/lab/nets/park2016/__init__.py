"""Park, Hwang & Kwak 2016: 3D human pose estimation using convolutional networks with 2D pose information."""

from pose_core.lab.nets.park2016.config import PAPER, SMALL, TINY, ParkConfig
from pose_core.lab.nets.park2016.loss import grid_cross_entropy, grid_target, root_relative_error
from pose_core.lab.nets.park2016.model import ParkNetwork

__all__ = [
    "PAPER",
    "SMALL",
    "TINY",
    "ParkConfig",
    "ParkNetwork",
    "grid_cross_entropy",
    "grid_target",
    "root_relative_error",
]
