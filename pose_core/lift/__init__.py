"""From 2D keypoints to root-relative 3D joints."""

from pose_core.lift.fusion import fuse_lifts
from pose_core.lift.lifter import MODEL_DEPTH_LOOSER, lift_track
from pose_core.lift.model_depth import lift_by_model_depth
from pose_core.lift.repair import repair_track

__all__ = ["MODEL_DEPTH_LOOSER", "fuse_lifts", "lift_by_model_depth", "lift_track", "repair_track"]
