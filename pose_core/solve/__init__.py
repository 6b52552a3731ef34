"""From lifted joints to one motion over the clip, with constant bone lengths."""

from pose_core.solve.orientation import local_rotations, rotations_from_joints
from pose_core.solve.solver import solve_motion

__all__ = ["local_rotations", "rotations_from_joints", "solve_motion"]
