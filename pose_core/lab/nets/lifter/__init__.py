"""The temporal lifter: a dilated convolutional network from 2D joints over time to 3D joints."""

from pose_core.lab.nets.lifter.model import LifterNetwork, LifterShape

__all__ = ["LifterNetwork", "LifterShape"]
