"""Keypoints of one person in one frame."""

from pose_core.keypoints.crop import Region, region_from_box
from pose_core.keypoints.pose import KeypointEstimator, PoseSample

__all__ = ["KeypointEstimator", "PoseSample", "Region", "region_from_box"]
