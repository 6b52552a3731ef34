"""Joints lie about the pelvis as the lifter says, and their bones point where it says."""

from __future__ import annotations

import numpy as np

from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import Pose
from pose_core.solve.sequence import residuals
from pose_core.solve.sequence.contribution import Contribution, DirectionFactor, PointFactor, SequenceState
from pose_core.solve.sequence.problem import Problem
from pose_core.types import BoolArray, FloatArray

# Shorter lifted bones have no direction worth the name, metres.
_LEAST_BONE_M = 0.02
# A limb's length, over which the sigma of a joint is that of its bone's direction, metres.
_LIMB_M = 0.3


def evaluate(problem: Problem, pose: Pose, state: SequenceState) -> Contribution:
    """Positions relative to the pelvis, looser along the line of sight, and directions of bones; both robust."""
    del state
    if not problem.lifted_points:
        return Contribution()
    known = np.isfinite(problem.lifted_sigma_m)
    wanted = np.einsum("tji,tqj->tqi", problem.R_camera_world, np.where(known[..., None], problem.lifted_m, 0.0))
    joint_cost, joints = _joints(problem, pose, wanted, known)
    bone_cost, bones = _bone_directions(problem, pose, wanted, known)
    return Contribution({"lifted": joint_cost, "bone_direction": bone_cost}, (joints, bones))


def _joints(problem: Problem, pose: Pose, wanted: FloatArray, known: BoolArray) -> tuple[FloatArray, PointFactor]:
    """Lifted joints about the pelvis; `wanted` (T, Q, 3) in world axes."""
    points = list(problem.lifted_points)
    sight = problem.R_camera_world[:, 2]  # the camera's forward axis in the world
    across = np.where(known, problem.lifted_sigma_m, 1.0) ** -2.0
    looser = 1.0 - problem.sigmas.depth_ratio**-2.0
    shape = np.eye(3) - looser * np.einsum("ti,tj->tij", sight, sight)
    residual = pose.points_m[:, points] - pose.points_m[:, :1] - wanted
    shaped = np.einsum("tij,tqj->tqi", shape, residual)
    squared = across * np.sum(residual * shaped, axis=-1)
    cost, weight = residuals.geman_mcclure(squared, problem.sigmas.robust_sigmas)
    weight = np.where(known, weight * across, 0.0)
    factor = PointFactor(
        points, weight[..., None, None] * shape[:, None], weight[..., None] * shaped, to_root=True
    )  # fmt: skip
    return 0.5 * np.where(known, cost, 0.0), factor


def _bone_directions(
    problem: Problem, pose: Pose, wanted: FloatArray, known: BoolArray
) -> tuple[FloatArray, DirectionFactor]:
    """Directions of the bones between lifted joints, the pelvis included."""
    points = list(problem.lifted_points)
    parents = [BODY.tree.parents[q] for q in points]
    have = [n for n, parent in enumerate(parents) if parent == 0 or parent in points]
    ends, starts = [points[n] for n in have], [parents[n] for n in have]
    start_row = [points.index(s) if s else -1 for s in starts]
    padded = np.concatenate([wanted, np.zeros_like(wanted[:, :1])], axis=1)
    known_pad = np.concatenate([known, np.ones_like(known[:, :1])], axis=1)
    bone = padded[:, have] - padded[:, start_row]
    length = np.linalg.norm(bone, axis=-1)
    usable = known[:, have] & known_pad[:, start_row] & (length > _LEAST_BONE_M)
    direction = bone / np.maximum(length, 1e-6)[..., None]
    pointing = (pose.points_m[:, ends] - pose.points_m[:, starts]) / pose.length_m[ends][:, None]
    residual = pointing - direction
    # where a joint is unsure, so is its bone's direction: about its sigma over the bone's length
    sigma = np.hypot(
        np.radians(problem.sigmas.direction_deg),
        0.5 * np.where(usable, problem.lifted_sigma_m[:, have], 1.0) / _LIMB_M,
    )
    squared = np.sum(residual**2, axis=-1) / sigma**2
    cost, weight = residuals.geman_mcclure(squared, problem.sigmas.robust_sigmas)
    factor = DirectionFactor(ends, pointing, np.where(usable, weight / sigma**2, 0.0), residual)
    return 0.5 * np.where(usable, cost, 0.0), factor
