"""From lifted joints to one motion over the clip, with constant bone lengths."""

from pose_core.solve.solver import solve_motion
from pose_core.solve.start.orientation import local_rotations, rotations_from_joints

__all__ = ["local_rotations", "rotations_from_joints", "solve_motion"]
