"""Bone lengths and focal length stay near what is likely beforehand."""

from __future__ import annotations

import numpy as np

from pose_core.maths.frame_times import REFERENCE_FPS
from pose_core.skeletons.canonical import SIZE_JOINTS
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import Pose
from pose_core.solve.sequence.contribution import ClipFactor, Contribution, Factor, SequenceState
from pose_core.solve.sequence.problem import Problem
from pose_core.types import FloatArray

# All frames of a clip err together, so the prior counts as much as a second's worth of them.
_COUNT = REFERENCE_FPS


def evaluate(problem: Problem, pose: Pose, state: SequenceState) -> Contribution:
    """Log lengths about their prior, one by one and as the size of the body, and the log focal length about its own."""
    del pose
    costs = {"lengths": 0.0, "focal": 0.0}
    factors: list[Factor] = []
    if problem.fit_lengths:
        deviation = state.body.log_length - problem.log_length_prior
        alone, together = problem.sigmas.length_sigma**2, problem.sigmas.size_sigma**2
        stiffness = _COUNT * (np.eye(BODY.length_count) / alone + _SIZE / together)
        costs["lengths"] = 0.5 * float(deviation @ stiffness @ deviation)
        factors.append(ClipFactor(slice(0, BODY.length_count), stiffness, stiffness @ deviation))
    if problem.fit_focal:
        variance = problem.sigmas.focal_sigma**2
        costs["focal"] = 0.5 * _COUNT * state.log_focal**2 / variance
        last = slice(problem.clip_wide_count - 1, problem.clip_wide_count)
        factors.append(
            ClipFactor(last, np.array([[_COUNT / variance]]), np.array([_COUNT * state.log_focal / variance]))
        )
    return Contribution(costs, tuple(factors))


def _size_form() -> FloatArray:
    """(L, L) square of the mean log length of arms and legs, weighted by length: a body's size, known by its height.

    What is called hip, chest or neck differs between models and recordings, so that the trunk is no measure.
    """
    share = np.zeros(BODY.length_count)
    for bone, group in enumerate(BODY.length_groups):
        if BODY.tree.names[bone] in SIZE_JOINTS:
            share[group] += BODY.stature_fractions[bone]
    share /= share.sum()
    return np.asarray(np.outer(share, share), dtype=np.float64)


_SIZE = _size_form()
