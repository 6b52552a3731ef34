"""Planted feet stay where they are from frame to frame."""

from __future__ import annotations

import numpy as np

from pose_core.maths.frame_times import REFERENCE_FPS
from pose_core.solve.body.body_model import CONTACT_POINTS
from pose_core.solve.body.kinematics import Pose
from pose_core.solve.sequence.contribution import Contribution, SequenceState, StepFactor
from pose_core.solve.sequence.problem import Problem


def evaluate(problem: Problem, pose: Pose, state: SequenceState) -> Contribution:
    """Slip of points that are planted in both of two neighbouring frames."""
    del state
    if len(problem.time_s) < 2 or not np.any(problem.contacts > 0):
        return Contribution({"contact_velocity": 0.0})
    points = list(CONTACT_POINTS)
    step = np.diff(pose.points_m[:, points], axis=0)
    both = np.minimum(problem.contacts[1:], problem.contacts[:-1])
    sigma = problem.sigmas.contact_velocity_m * np.diff(problem.time_s)[:, None] * REFERENCE_FPS
    weight = both / sigma**2
    cost = 0.5 * float(np.sum(weight * np.sum(step**2, axis=-1)))
    return Contribution({"contact_velocity": cost}, (StepFactor(points, weight, step),))
