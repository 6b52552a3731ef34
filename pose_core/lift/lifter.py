"""Choose how to lift a track."""

from __future__ import annotations

from pose_core.lift.foreshortening import lift_by_foreshortening
from pose_core.lift.model_depth import lift_by_model_depth
from pose_core.types import FloatArray, KeypointTrack, LiftedTrack


def lift_track(track: KeypointTrack, K: FloatArray) -> LiftedTrack:
    """Lift a person's keypoints to root-relative 3D joints.

    Takes the model's own 3D where it has one, else the lengths of foreshortened bones.

    Args:
        track: 2D evidence of one person.
        K: (3, 3) intrinsics, pixels.
    Returns:
        Joints in camera axes with their sigmas; `method` says which way was taken.
    Raises:
        InsufficientDataError: too little is seen to lift anything.
    """
    if track.model_joints_m is not None:
        return lift_by_model_depth(track)
    return lift_by_foreshortening(track, K)
