"""Planted feet rest on the ground, and nothing sinks into it."""

from __future__ import annotations

import numpy as np

from pose_core.solve.body.body_model import CONTACT_POINTS, SOLE_M
from pose_core.solve.body.kinematics import Pose
from pose_core.solve.sequence import residuals
from pose_core.solve.sequence.contribution import Contribution, PointFactor, SequenceState
from pose_core.solve.sequence.problem import Problem


def evaluate(problem: Problem, pose: Pose, state: SequenceState) -> Contribution:
    """Height of planted points above z = 0, robust, and depth of any foot point below it."""
    del state
    if not problem.switches.floor:
        return Contribution()
    sigmas = problem.sigmas
    points = list(CONTACT_POINTS)
    height = pose.points_m[:, points, 2] - SOLE_M
    below = residuals.below_ground(height)
    # a point that rests well above the ground is on a step or on tiptoe: it is held, but not pulled down
    sure = problem.grounded[:, None] * problem.contacts
    cost, weight = residuals.geman_mcclure((height / sigmas.contact_height_m) ** 2, sigmas.contact_height_sigmas)
    planted = sure * weight / sigmas.contact_height_m**2
    sunk = problem.grounded[:, None] * np.where(below < 0, sigmas.penetration_m**-2.0, 0.0)
    up = np.zeros((3, 3))
    up[2, 2] = 1.0
    gradient = np.zeros((*height.shape, 3))
    gradient[..., 2] = planted * height + sunk * below
    return Contribution(
        {"contact_height": 0.5 * sure * cost, "penetration": 0.5 * sunk * below**2},
        (PointFactor(points, (planted + sunk)[..., None, None] * up, gradient),),
    )
