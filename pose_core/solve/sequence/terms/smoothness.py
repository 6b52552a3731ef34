"""People do not jerk: accelerations of the pelvis and of all joints are small."""

from __future__ import annotations

import numpy as np

from pose_core.maths.frame_times import REFERENCE_FPS, second_difference
from pose_core.solve.body.body_model import BODY, TRUNK_BALLS
from pose_core.solve.body.kinematics import Pose
from pose_core.solve.sequence import residuals
from pose_core.solve.sequence.contribution import AccelerationFactor, Contribution, SequenceState
from pose_core.solve.sequence.problem import Problem, TermSigmas
from pose_core.types import FloatArray


def evaluate(problem: Problem, pose: Pose, state: SequenceState) -> Contribution:
    """Accelerations, the pelvis stiffer along the line of sight and the trunk stiffer than limbs."""
    del pose
    smoothness, sigmas, body = problem.switches.smoothness, problem.sigmas, state.body
    if len(problem.time_s) < 3 or smoothness == 0:
        return Contribution({"smoothness": 0.0})
    coefficients, spans = second_difference(problem.time_s)
    per_frame = smoothness**2 * spans * REFERENCE_FPS
    sight = problem.R_camera_world[1:-1, 2]
    extra = sigmas.root_depth_acceleration_m_s2**-2.0 - sigmas.root_acceleration_m_s2**-2.0
    shape = np.eye(3) * sigmas.root_acceleration_m_s2**-2.0 + extra * np.einsum("ti,tj->tij", sight, sight)
    stiffness = _angle_stiffness(sigmas)
    root = residuals.acceleration(body.root_m, problem.time_s)
    turning = residuals.angular_acceleration(body.ball_rotations, problem.time_s).reshape(len(spans), -1)
    angles = np.concatenate([turning, residuals.acceleration(body.hinge_rad, problem.time_s)], axis=1)
    shaped = np.einsum("tij,tj->ti", shape, root)
    cost = np.sum(root * shaped, axis=1) + np.sum(stiffness * angles**2, axis=1)
    factor = AccelerationFactor(coefficients, per_frame, shape, shaped, stiffness, angles)
    return Contribution({"smoothness": 0.5 * float(np.sum(per_frame * cost))}, (factor,))


def _angle_stiffness(sigmas: TermSigmas) -> FloatArray:
    """(D - 3,) inverse variance of the acceleration of each angle."""
    ball = np.where(TRUNK_BALLS, 1 / 3, 1.0) * sigmas.ball_acceleration_rad_s2
    hinge = np.full(len(BODY.hinge_joints), sigmas.hinge_acceleration_rad_s2)
    return np.asarray(np.concatenate([np.repeat(ball, 3), hinge]) ** -2.0)
