"""From the terms' contributions to energy and normal equations of the unknowns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import BodyState, Pose, forward, length_jacobian, point_jacobian
from pose_core.solve.sequence.arrow import NormalEquations
from pose_core.solve.sequence.composite import CompositeEvidence
from pose_core.solve.sequence.contribution import (
    AccelerationFactor,
    ClipFactor,
    Contribution,
    DirectionFactor,
    FocalFactor,
    PointFactor,
    PointsFactor,
    SequenceState,
    StepFactor,
    UnknownFactor,
    UnknownsFactor,
)
from pose_core.solve.sequence.problem import Problem
from pose_core.solve.sequence.terms import TERMS
from pose_core.types import FloatArray


@dataclass(eq=False)
class Energy:
    """Half the sum of squared residuals, by term, and by frame for those that belong to one."""

    terms: dict[str, float] = field(default_factory=dict)
    per_frame: FloatArray | None = None

    @property
    def total(self) -> float:
        """All terms together."""
        return sum(self.terms.values())


class Assembler:
    """Evaluates one problem at a state: adds up what the terms contribute.

    Args:
        problem: evidence, standard deviations and switches.
        robust_scale: multiplies the robust scales; above 1 while far from the solution.
    """

    def __init__(self, problem: Problem, robust_scale: float = 1.0) -> None:
        sigmas = replace(problem.sigmas, robust_sigmas=problem.sigmas.robust_sigmas * robust_scale)
        self.problem = replace(problem, sigmas=sigmas)

    def energy(self, state: BodyState, log_focal: float) -> Energy:
        """Energy alone."""
        energy = Energy(per_frame=np.zeros(len(self.problem.time_s)))
        for contribution in self._contributions(forward(state), SequenceState(state, log_focal)):
            _add_costs(energy, contribution)
        return energy

    def equations(self, state: BodyState, log_focal: float) -> tuple[Energy, NormalEquations]:
        """Energy and normal equations."""
        pose, frames = forward(state), len(self.problem.time_s)
        energy = Energy(per_frame=np.zeros(frames))
        equations = NormalEquations.zeros(frames, BODY.dof_count, self.problem.clip_wide_count)
        composite = CompositeEvidence(pose, self.problem.fit_lengths)
        of_unknowns: list[UnknownsFactor] = []
        for contribution in self._contributions(pose, SequenceState(state, log_focal)):
            _add_costs(energy, contribution)
            for factor in contribution.factors:
                # factors of points are large, so they are passed on at once
                if isinstance(factor, PointsFactor):
                    _add_of_points(equations, composite, pose, factor)
                else:
                    of_unknowns.append(factor)
        _add_composite(equations, composite)
        for factor in of_unknowns:
            _add_of_unknowns(equations, factor)
        return energy, equations

    def _contributions(self, pose: Pose, state: SequenceState) -> Iterator[Contribution]:
        return (evaluate(self.problem, pose, state) for evaluate in TERMS)


def _add_costs(energy: Energy, contribution: Contribution) -> None:
    assert energy.per_frame is not None
    for name, cost in contribution.costs.items():
        if isinstance(cost, float):
            energy.terms[name] = cost
            continue
        by_frame = np.sum(cost.reshape(len(cost), -1), axis=1)
        energy.per_frame += by_frame
        energy.terms[name] = float(np.sum(by_frame))


def _add_of_points(e: NormalEquations, composite: CompositeEvidence, pose: Pose, factor: PointsFactor) -> None:
    """Add what is known of points, bones and their steps."""
    match factor:
        case PointFactor():
            add = composite.add_relative if factor.to_root else composite.add
            add(factor.points, factor.information, factor.gradient)
        case DirectionFactor():
            information = factor.weight[..., None, None] * np.eye(3)
            gradient = factor.weight[..., None] * factor.residual
            composite.add_directions(factor.ends, factor.directions, information, gradient)
        case FocalFactor():
            _add_focal(e, composite, pose, factor)
        case StepFactor():
            _add_steps(e, pose, factor, BODY.length_count if composite.with_lengths else 0)


def _add_composite(e: NormalEquations, composite: CompositeEvidence) -> None:
    """Carry what was gathered on points over to the unknowns that move them."""
    matrix, gradient = composite.equations()
    D = BODY.dof_count
    e.diagonal += matrix[:, :D, :D]
    e.gradient += gradient[:, :D]
    if composite.with_lengths:
        lengths = slice(0, BODY.length_count)
        e.border[..., lengths] += matrix[:, :D, D:]
        e.corner[lengths, lengths] += np.sum(matrix[:, D:, D:], axis=0)
        e.corner_gradient[lengths] += np.sum(gradient[:, D:], axis=0)


def _add_focal(e: NormalEquations, composite: CompositeEvidence, pose: Pose, factor: FocalFactor) -> None:
    vectors = np.zeros_like(pose.points_m)
    vectors[:, factor.points] = factor.coupling
    along = composite.along(vectors)
    e.border[..., -1] += along[:, : BODY.dof_count]
    e.corner[-1, -1] += factor.information
    e.corner_gradient[-1] += factor.gradient
    if composite.with_lengths:
        total = np.sum(along[:, BODY.dof_count :], axis=0)
        e.corner[-1, : BODY.length_count] += total
        e.corner[: BODY.length_count, -1] += total


def _add_steps(e: NormalEquations, pose: Pose, factor: StepFactor, lengths: int) -> None:
    J = point_jacobian(pose, factor.points).reshape(len(pose.points_m), -1, BODY.dof_count)
    w = np.repeat(factor.weight, 3, axis=1)
    r = factor.step_m.reshape(len(factor.step_m), -1)
    later, earlier = J[1:], J[:-1]
    later_w, earlier_w = later * w[..., None], earlier * w[..., None]
    e.diagonal[1:] += np.swapaxes(later_w, 1, 2) @ later
    e.diagonal[:-1] += np.swapaxes(earlier_w, 1, 2) @ earlier
    e.next[:-1] -= np.swapaxes(later_w, 1, 2) @ earlier
    e.gradient[1:] += np.einsum("trd,tr->td", later_w, r)
    e.gradient[:-1] -= np.einsum("trd,tr->td", earlier_w, r)
    if lengths:
        change = length_jacobian(pose, factor.points).reshape(len(J), -1, lengths)
        change = change[1:] - change[:-1]
        e.border[1:, :, :lengths] += np.swapaxes(later_w, 1, 2) @ change
        e.border[:-1, :, :lengths] -= np.swapaxes(earlier_w, 1, 2) @ change
        weighted = change * w[..., None]
        e.corner[:lengths, :lengths] += np.einsum("trg,trh->gh", weighted, change)
        e.corner_gradient[:lengths] += np.einsum("trg,tr->g", weighted, r)


def _add_of_unknowns(e: NormalEquations, factor: UnknownsFactor) -> None:
    """Add what is known of the unknowns themselves."""
    match factor:
        case AccelerationFactor():
            _add_accelerations(e, factor)
        case UnknownFactor():
            index = np.arange(factor.first, factor.first + factor.information.shape[1])
            e.gradient[:, factor.first : factor.first + len(index)] += factor.gradient
            e.diagonal[:, index, index] += factor.information
        case ClipFactor():
            e.corner[factor.unknowns, factor.unknowns] += factor.information
            e.corner_gradient[factor.unknowns] += factor.gradient


def _add_accelerations(e: NormalEquations, factor: AccelerationFactor) -> None:
    index = np.arange(3, BODY.dof_count)
    stores = (e.diagonal, e.next, e.after_next)
    coefficients, frames = factor.coefficients, len(factor.weight)
    for a in range(3):
        weight = (factor.weight * coefficients[:, a])[:, None]
        e.gradient[a : a + frames, :3] += weight * factor.root_gradient
        e.gradient[a : a + frames, 3:] += weight * factor.angle_information * factor.angle_acceleration
        for b in range(a + 1):
            share = factor.weight * coefficients[:, a] * coefficients[:, b]
            block = stores[a - b][b : b + frames]
            block[:, :3, :3] += share[:, None, None] * factor.root_information
            block[:, index, index] += share[:, None] * factor.angle_information
