"""Levenberg-Marquardt on the sequence problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import BodyState
from pose_core.solve.sequence.assembly import Assembler, Energy
from pose_core.solve.sequence.problem import Problem
from pose_core.types import FloatArray


@dataclass(frozen=True)
class OptimiserConfig:
    """When to stop, and how boldly to step."""

    iterations: int = 10
    """At most so many accepted or refused steps."""
    relative_decrease: float = 1e-3
    """Stop once a step lowers the energy by less than this share."""
    damping: float = 1e-4
    """First damping, as a share of the diagonal."""
    largest_turn_rad: float = 0.8
    """Longer steps of any angle are shortened: derivatives do not reach further."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the optimiser stopped, and how it got there."""

    state: BodyState
    log_focal: float
    energy: Energy
    history: list[dict[str, float]] = field(default_factory=list)
    """Energy by term at every accepted step."""
    stop: str = ""
    damping: float = 0.0


def minimise(
    problem: Problem,
    state: BodyState,
    log_focal: float,
    robust_scale: float,
    config: OptimiserConfig | None = None,
    on_step: Callable[[], None] | None = None,
) -> Solution:
    """Lower the energy of a problem from a given state.

    Args:
        problem: evidence and weights.
        state: where to start.
        log_focal: logarithm of the focal length over that of the problem's intrinsics.
        robust_scale: multiplies the robust scales.
        config: stopping rules.
        on_step: called before every step; what it raises ends the work.
    Returns:
        The best state found; it never has more energy than the first.
    """
    c = config or OptimiserConfig()
    assembler = Assembler(problem, robust_scale)
    energy, equations = assembler.equations(state, log_focal)
    history = [{**energy.terms, "total": energy.total}]
    damping, stop = c.damping, "iterations"
    for iteration in range(c.iterations):
        if on_step is not None:
            on_step()
        solved = equations.solve(damping)
        if solved is None:
            damping = max(damping, 1e-6) * 10
            if damping > 1e6:
                stop = "not positive definite"
                break
            continue
        step, clip_step = _bounded(*solved, c.largest_turn_rad)
        lengths = clip_step[: BODY.length_count] if problem.fit_lengths else None
        trial = state.moved(step, lengths)
        trial_focal = log_focal + (float(clip_step[-1]) if problem.fit_focal else 0.0)
        # nearly every step is accepted, so the next equations are made at once; after the last none are needed
        if iteration + 1 < c.iterations:
            trial_energy, trial_equations = assembler.equations(trial, trial_focal)
        else:
            trial_energy, trial_equations = assembler.energy(trial, trial_focal), equations
        if not trial_energy.total < energy.total:
            damping = max(damping, 1e-6) * 8
            if damping > 1e6 or _negligible(step):
                stop = "no further decrease"
                break
            continue
        decrease = 1.0 - trial_energy.total / energy.total
        state, log_focal, damping = trial, trial_focal, damping / 4
        energy, equations = trial_energy, trial_equations
        history.append({**energy.terms, "total": energy.total})
        if decrease < c.relative_decrease:
            stop = "converged"
            break
    return Solution(state, log_focal, energy, history, stop, damping)


def _bounded(step: FloatArray, clip_step: FloatArray, largest_rad: float) -> tuple[FloatArray, FloatArray]:
    """Shorten each frame's step so that no angle turns too far, and no clip-wide unknown changes by over a third."""
    turn = np.max(np.abs(step[:, 3:]), axis=1, initial=0.0)
    factor = np.minimum(1.0, largest_rad / np.maximum(turn, 1e-12))
    return step * factor[:, None], np.clip(clip_step, -0.3, 0.3)


def _negligible(step: FloatArray) -> bool:
    return bool(np.max(np.abs(step)) < 1e-9)


def without_lengths(problem: Problem) -> Problem:
    """The same problem with lengths and focal length held."""
    return replace(problem, fit_lengths=False, fit_focal=False)
