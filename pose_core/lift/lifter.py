"""The default way to lift a track."""

from __future__ import annotations

from dataclasses import replace

from pose_core.lift.fusion import fuse_lifts
from pose_core.lift.model_depth import lift_by_model_depth
from pose_core.lift.temporal import lift_by_network
from pose_core.types import FloatArray, KeypointTrack, LiftedTrack

MODEL_DEPTH_LOOSER = 2.5
"""A 2D model's own depth is weaker evidence than its sigma says once the network has spoken: both see the same
keypoints. Chosen among 1, 1.5 and 2.5 on footage with a reference."""


def lift_track(track: KeypointTrack, K: FloatArray) -> LiftedTrack:
    """Lift a person's keypoints to root-relative 3D joints.

    The temporal network lifts every keypoint set; where the 2D model has 3D of its own, that joins in as weak evidence.

    Args:
        track: 2D evidence of one person.
        K: (3, 3) intrinsics, pixels.
    Returns:
        Joints in camera axes with their sigmas; `method` says what was used.
    Raises:
        InsufficientDataError: too little is seen to lift anything.
        ModelError, RuntimeUnavailableError: the network cannot be run.
    """
    lifted = lift_by_network(track, K)
    if track.model_joints_m is None:
        return lifted
    own = lift_by_model_depth(track)
    return fuse_lifts(lifted, replace(own, sigma_m=MODEL_DEPTH_LOOSER * own.sigma_m))
