"""Points of the body fall on the keypoints that show them."""

from __future__ import annotations

import numpy as np

from pose_core.solve.body.kinematics import Pose
from pose_core.solve.sequence import residuals
from pose_core.solve.sequence.contribution import Contribution, Factor, FocalFactor, PointFactor, SequenceState
from pose_core.solve.sequence.problem import Problem


def evaluate(problem: Problem, pose: Pose, state: SequenceState) -> Contribution:
    """Pixels between projected points and keypoints, robust, weighted by confidence."""
    K = problem.K.copy()
    K[0, 0] *= np.exp(state.log_focal)
    K[1, 1] *= np.exp(state.log_focal)
    points = list(problem.keypoint_points)
    camera = np.einsum("tij,tpj->tpi", problem.R_camera_world, pose.points_m[:, points])
    camera = camera + problem.t_camera_world_m[:, None]
    sigma = problem.sigmas.pixel_share * problem.person_px[:, None]
    residual, J = residuals.reprojection(camera, np.nan_to_num(problem.xy_px), K)
    squared = np.sum(residual**2, axis=-1) / sigma**2
    cost, weight = residuals.geman_mcclure(squared, problem.sigmas.robust_sigmas)
    weight = weight * problem.confidence / sigma**2
    J_world = J @ problem.R_camera_world[:, None]
    factors: list[Factor] = [
        PointFactor(
            points,
            np.einsum("tp,tpki,tpkj->tpij", weight, J_world, J_world),
            np.einsum("tp,tpki,tpk->tpi", weight, J_world, residual),
        )
    ]
    if problem.fit_focal:
        along = residuals.focal_derivative(camera, K)
        factors.append(
            FocalFactor(
                points,
                np.einsum("tp,tpki,tpk->tpi", weight, J_world, along),
                float(np.einsum("tp,tpk,tpk->", weight, along, along)),
                float(np.einsum("tp,tpk,tpk->", weight, along, residual)),
            )
        )
    return Contribution({"reprojection": 0.5 * problem.confidence * cost}, tuple(factors))
