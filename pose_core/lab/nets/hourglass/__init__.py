"""Reddy's two stacked hourglass models: 2D and a feed-forward lifter, and 3D from coarse to fine; and their mean."""

from pose_core.lab.nets.hourglass.config import (
    PAPER_2D,
    PAPER_3D,
    SMALL_2D,
    SMALL_3D,
    TINY_2D,
    TINY_3D,
    HourglassConfig,
)
from pose_core.lab.nets.hourglass.ensemble import per_joint_mean
from pose_core.lab.nets.hourglass.flat import FlatHourglass
from pose_core.lab.nets.hourglass.volume import VolumeHourglass, metres_per_pixel

__all__ = [
    "PAPER_2D",
    "PAPER_3D",
    "SMALL_2D",
    "SMALL_3D",
    "TINY_2D",
    "TINY_3D",
    "FlatHourglass",
    "HourglassConfig",
    "VolumeHourglass",
    "metres_per_pixel",
    "per_joint_mean",
]
