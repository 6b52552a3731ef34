"""Joints stay within what people can do, and rather near to rest."""

from __future__ import annotations

import numpy as np

from pose_core.maths.rotations import matrix_to_rotation_vector
from pose_core.solve.body.body_model import BODY, TRUNK_BALLS
from pose_core.solve.body.kinematics import Pose
from pose_core.solve.sequence import residuals
from pose_core.solve.sequence.contribution import Contribution, SequenceState, UnknownFactor
from pose_core.solve.sequence.problem import Problem

# The root's position and its turn come first among the unknowns, and have neither limits nor rest.
_FIRST = 6
_LIMITS_RAD = np.concatenate([BODY.ball_limits_rad[1:].reshape(-1, 2), BODY.hinge_limits_rad])
# A knee bends for its own reasons; nothing pulls it straight.
_AT_REST = np.array([not BODY.tree.names[j].endswith("_knee") for j in BODY.hinge_joints])


def evaluate(problem: Problem, pose: Pose, state: SequenceState) -> Contribution:
    """Angles beyond limits and a weak pull to rest; to first order a step changes the rotation vector by itself."""
    del pose
    sigmas, body = problem.sigmas, state.body
    vectors = matrix_to_rotation_vector(body.ball_rotations[:, 1:]).reshape(len(body.root_m), -1)
    values = np.concatenate([vectors, body.hinge_rad], axis=1)
    beyond = residuals.beyond_limits(values, _LIMITS_RAD) if problem.switches.limits else np.zeros_like(values)
    stiff = np.where(beyond != 0, sigmas.limit_rad**-2.0, 0.0)
    ball_prior = np.repeat(np.where(TRUNK_BALLS[1:], 0.5, 1.0) * sigmas.ball_prior_rad, 3) ** -2.0
    pull = np.concatenate([ball_prior, np.where(_AT_REST, sigmas.hinge_prior_rad**-2.0, 0.0)])
    return Contribution(
        {"limits": 0.5 * stiff * beyond**2, "prior": 0.5 * pull * values**2},
        (UnknownFactor(_FIRST, stiff + pull, stiff * beyond + pull * values),),
    )
