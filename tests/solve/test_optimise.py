"""How boldly the optimiser steps."""

import numpy as np
import pytest

from pose_core.solve.sequence.arrow import NormalEquations
from pose_core.solve.sequence.optimise import OptimiserTuning, minimise
from tests.solve.test_assembly import make_problem


@pytest.fixture
def dampings(monkeypatch):
    """Every damping asked for, and what the answers are to be: None, or a factor of the true solution."""
    asked, answers, solve = [], [], NormalEquations.solve

    def recorded(self, damping):
        asked.append(damping)
        answer = answers.pop(0) if answers else 1.0
        solved = solve(self, damping)
        return None if answer is None or solved is None else tuple(answer * part for part in solved)

    monkeypatch.setattr(NormalEquations, "solve", recorded)
    return asked, answers


def test_damping_rises_until_equations_can_be_solved_and_falls_with_every_step_that_helps(dampings):
    asked, answers = dampings
    answers += [None, None, None]
    problem, state = make_problem()
    solution = minimise(problem, state, 0.0, 1.0, OptimiserTuning(iterations=6, relative_decrease=0.0))
    first = OptimiserTuning().damping
    assert asked == pytest.approx([first, 10 * first, 100 * first, 1000 * first, 250 * first, 62.5 * first])
    totals = [step["total"] for step in solution.history]
    assert len(totals) == 4 and np.all(np.diff(totals) < 0)


def test_a_step_that_does_not_help_is_taken_back_and_tried_more_timidly(dampings):
    asked, answers = dampings
    answers += [-1.0, -1.0]
    problem, state = make_problem()
    solution = minimise(problem, state, 0.0, 1.0, OptimiserTuning(iterations=2))
    assert asked[1] == pytest.approx(8 * asked[0])
    assert solution.state is state and solution.log_focal == 0.0 and len(solution.history) == 1


def test_equations_that_can_never_be_solved_end_the_work(dampings):
    asked, answers = dampings
    answers += [None] * 100
    problem, state = make_problem()
    solution = minimise(problem, state, 0.0, 1.0, OptimiserTuning(iterations=100))
    assert solution.stop == "not positive definite" and solution.state is state
    assert len(asked) < 15
