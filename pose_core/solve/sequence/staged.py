"""The staged solve of a clip: lengths and focal length first, then planted feet, in windows for long clips."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from pose_core.maths.axes import camera_angles, camera_rotation
from pose_core.maths.rotations import matrix_to_rotation_vector, rotation_vector_to_matrix
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import BodyState, forward
from pose_core.solve.ground.balance import up_from_balance
from pose_core.solve.ground.contacts import detect_contacts
from pose_core.solve.ground.level import up_from_footprints
from pose_core.solve.sequence.assembly import Assembler
from pose_core.solve.sequence.optimise import OptimiserConfig, Solution, minimise, without_lengths
from pose_core.solve.sequence.problem import CONTACT_POINTS, SOLE_M, Problem
from pose_core.solve.sequence.uncertainty import joint_sigmas, marginal_covariances
from pose_core.types import FloatArray

_R = TypeVar("_R")

# Frames solved at once, and how many neighbouring windows share. The overlap outlasts the reach of the smoothing.
_WINDOW = 300
_OVERLAP = 60

_UP = np.array([0.0, 0.0, 1.0])

# Feet further than this from the ground are on something else, or in the air.
_OTHER_LEVEL_M = 0.3

# Steps of each stage at most.
_STEPS = {"free": 4, "contacts": 3, "contacts again": 3}
_SIZE_STEPS = (4, 3)

# Lengths and focal length are the same all along: this many frames spread over the clip tell them.
_SIZE_FRAMES = 150

# So many of the worst frames are named.
_WORST = 10

# Errors of neighbouring frames and joints are alike, which the normal matrix does not know; found on known motion.
_SIGMA_CALIBRATION = 4.0


@dataclass(frozen=True, eq=False)
class SequenceSolution:
    """The solved clip."""

    state: BodyState
    log_focal: float
    contacts: FloatArray
    """(T, 4)."""
    ground_m: float
    """Height of the ground found, in the world the problem was given in; the state has it at 0 already."""
    problem: Problem
    """The problem as it was solved last: with contacts, and cameras moved with the ground."""
    sigma_m: FloatArray
    """(T, joints) one standard deviation; the root's in the world, the others' relative to the root."""
    diagnostics: dict[str, Any]


def solve_sequence(
    problem: Problem,
    state: BodyState,
    *,
    find_contacts: bool,
    on_progress: Callable[[float], None] | None = None,
) -> SequenceSolution:
    """Solve a clip from a rough state.

    Args:
        problem: evidence; its contacts are ignored.
        state: a rough motion in the same world.
        find_contacts: whether to look for planted feet and hold them.
        on_progress: called with the share that is done, several times a second; what it raises ends the work.
    Returns:
        The motion in a world whose floor is z = 0 (where `problem.weights.floor`).
    """
    # the blocks are small: a second thread gains little, and on a busy machine waiting for it costs many times as much
    with threadpool_limits(1, user_api="blas"):
        stages = _Stages(len(windows(len(problem.time_s))), on_progress)
        return _solve_stages(problem, state, stages, find_contacts=find_contacts)


@dataclass(eq=False)
class _Stages:
    """Counts steps for the progress, and keeps the report of every stage."""

    window_count: int
    on_progress: Callable[[float], None] | None
    reports: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.on_progress is not None:
            expected = self.window_count * sum(_STEPS.values()) + sum(_SIZE_STEPS)
            self.on_progress(min(self.steps / expected, 1.0))

    def report(self, stage: str, solved: list[Solution]) -> None:
        """Energy of every term at every step, all windows together, and why they stopped."""
        longest = max(len(s.history) for s in solved)
        steps = []
        for step in range(longest):
            at = [s.history[min(step, len(s.history) - 1)] for s in solved]
            steps.append({term: round(sum(h[term] for h in at), 2) for term in at[0]})
        stops = Counter(s.stop for s in solved)
        self.reports.append({"stage": stage, "windows": len(solved), "energy_by_step": steps, "stop": dict(stops)})


def _solve_stages(problem: Problem, state: BodyState, stages: _Stages, *, find_contacts: bool) -> SequenceSolution:
    floor = problem.weights.floor
    free = replace(problem, contacts=np.zeros_like(problem.contacts), weights=replace(problem.weights, floor=False))
    log_length, log_focal = _clip_wide(free, state, stages)
    free = without_lengths(_with_focal(free, log_focal))
    solution = _in_windows(free, replace(state, log_length=log_length), 1.5, stages, "free")
    if problem.known_angles_rad is not None:
        free, state = stand_level(*stand_upright(free, solution.state))
        solution = replace(solution, state=state)
    contacts, ground = np.zeros_like(problem.contacts), 0.0
    held = free
    if find_contacts or floor:
        for stage in ("contacts", "contacts again"):
            if find_contacts:
                contacts = find_planted(solution.state, held)
            if floor:
                shift = ground_height(solution.state, contacts, held)
                ground += shift
                held, lowered = (
                    _move_up(held, -shift),
                    replace(solution.state, root_m=solution.state.root_m - shift * _UP),
                )
            else:
                lowered = solution.state
            grounded = near_ground(lowered) if floor else held.grounded
            weights = replace(problem.weights, floor=floor)
            held = replace(held, contacts=contacts, grounded=grounded, weights=weights)
            solution = _in_windows(held, lowered, 1.0, stages, stage)
    sigma = _sigmas(held, solution.state)
    diagnostics = {"stages": stages.reports, "worst_frames": _worst_frames(solution)}
    return SequenceSolution(solution.state, log_focal, contacts, ground, held, sigma, diagnostics)


def _worst_frames(solution: Solution) -> list[dict[str, float]]:
    """Frames that fit worst, by their energy, and how many times that of the middle frame it is."""
    energy = solution.energy.per_frame
    assert energy is not None
    usual = max(float(np.median(energy)), 1e-9)
    worst = np.argsort(-energy, kind="stable")[:_WORST]
    return [{"frame": int(t), "times_usual": round(float(energy[t]) / usual, 1)} for t in worst]


def stand_upright(problem: Problem, state: BodyState) -> tuple[Problem, BodyState]:
    """Turn the world of a camera that stands still so that its z axis points up, as balance tells."""
    assert problem.known_angles_rad is not None
    seen = problem.has_evidence
    points = forward(state.at(seen)).points_m
    up = up_from_balance(points, problem.time_s[seen], _UP, problem.R_camera_world[seen, 2])
    return _turn_up(problem, state, up)


def stand_level(problem: Problem, state: BodyState) -> tuple[Problem, BodyState]:
    """The same as footprints tell, which must be found first and are found again in the better world."""
    for _ in range(2):
        feet = forward(state).points_m[:, list(CONTACT_POINTS)]
        up = up_from_footprints(feet, find_planted(state, problem), problem.time_s, _UP)
        problem, state = _turn_up(problem, state, up)
    return problem, state


def _turn_up(problem: Problem, state: BodyState, up: FloatArray) -> tuple[Problem, BodyState]:
    """Turn the world so that z points along `up`, but for angles of the camera that are given."""
    assert problem.known_angles_rad is not None
    found = camera_angles(problem.R_camera_world[0] @ up)
    pitch, roll = (f if k is None else k for f, k in zip(found, problem.known_angles_rad, strict=True))
    turn = camera_rotation(pitch, roll) @ problem.R_camera_world[0]
    balls = state.ball_rotations.copy()
    balls[:, 0] = turn @ balls[:, 0]
    turned = replace(problem, R_camera_world=problem.R_camera_world @ turn.T)
    return turned, replace(state, root_m=state.root_m @ turn.T, ball_rotations=balls)


def find_planted(state: BodyState, problem: Problem) -> FloatArray:
    """(T, 4) planted heels and toes of a state.

    A lifter's own contact probabilities are not asked: of people who walk or run through the picture they miss nearly
    all contacts, and as added evidence they brought in more false ones than true.
    """
    points = forward(state).points_m[:, list(CONTACT_POINTS)]
    contacts = detect_contacts(points, _UP, problem.time_s, sight=problem.R_camera_world[:, 2])
    return np.asarray(np.where(problem.has_evidence[:, None], contacts, 0.0))


def ground_height(state: BodyState, contacts: FloatArray, problem: Problem) -> float:
    """Height of the ground under planted points, or under the lowest feet where none is planted."""
    height = forward(state).points_m[:, list(CONTACT_POINTS), 2] - SOLE_M
    planted = height[contacts > 0.5]
    if len(planted) >= 10:
        # a low share rather than the lowest: single frames dip, and people stand on things as well
        return float(np.percentile(planted, 25))
    return float(np.percentile(height[problem.has_evidence].min(axis=1), 5))


def near_ground(state: BodyState) -> FloatArray:
    """(T,) 1 while the lower foot is near z = 0, fading to 0 where the person stands or lands on another level."""
    lowest = forward(state).points_m[:, list(CONTACT_POINTS), 2].min(axis=1) - SOLE_M
    # above the ground nothing is pulled down unless it is planted; far below it there must be another floor
    return np.asarray(np.clip((_OTHER_LEVEL_M - np.abs(lowest)) / (0.5 * _OTHER_LEVEL_M), 0.0, 1.0))


def _with_focal(problem: Problem, log_focal: float) -> Problem:
    K = problem.K.copy()
    K[0, 0] *= np.exp(log_focal)
    K[1, 1] *= np.exp(log_focal)
    return replace(problem, K=K)


def _move_up(problem: Problem, height_m: float) -> Problem:
    """The same problem in a world raised by a height."""
    shift = problem.R_camera_world @ (height_m * _UP)
    return replace(problem, t_camera_world_m=problem.t_camera_world_m - shift)


def windows(frames: int) -> list[slice]:
    """Overlapping windows that cover a clip; one if it is short."""
    count = max(1, -(-(frames - _OVERLAP) // (_WINDOW - _OVERLAP))) if frames > _WINDOW else 1
    edges = np.linspace(0, frames - _OVERLAP, count + 1).round().astype(int) if count > 1 else np.array([0, frames])
    overlap = _OVERLAP if count > 1 else 0
    return [slice(int(a), int(b) + overlap) for a, b in itertools.pairwise(edges)]


def _clip_wide(problem: Problem, state: BodyState, stages: _Stages) -> tuple[FloatArray, float]:
    """Bone lengths and the logarithm of the focal length's change, from frames spread over the clip."""
    spread = slice(0, None, -(-len(problem.time_s) // _SIZE_FRAMES))
    some, start, log_focal = problem.at(spread), state.at(spread), 0.0
    for scale, steps in zip((3.0, 1.5), _SIZE_STEPS, strict=True):
        solved = minimise(some, start, log_focal, scale, OptimiserConfig(iterations=steps), stages.step)
        start, log_focal = solved.state, solved.log_focal
        stages.report("lengths", [solved])
    return start.log_length, log_focal


def _in_windows(problem: Problem, state: BodyState, robust_scale: float, stages: _Stages, stage: str) -> Solution:
    """Solve every window by itself and join them."""
    config = OptimiserConfig(iterations=_STEPS[stage])
    parts = windows(len(problem.time_s))

    def solve(window: slice) -> Solution:
        return minimise(problem.at(window), state.at(window), 0.0, robust_scale, config, stages.step)

    solved = _side_by_side(solve, parts)
    stages.report(stage, solved)
    per_frame = np.zeros(len(problem.time_s))
    for s, part in zip(solved, parts, strict=True):
        assert s.energy.per_frame is not None
        per_frame[part] = s.energy.per_frame
    energy = replace(solved[0].energy, per_frame=per_frame)
    return replace(solved[0], state=_join([s.state for s in solved], parts, len(problem.time_s)), energy=energy)


def _sigmas(problem: Problem, state: BodyState) -> FloatArray:
    """Sigma of every joint, window by window; overlaps take the later window's."""
    problem = without_lengths(problem)

    def of_window(window: slice) -> FloatArray:
        part = state.at(window)
        _, equations = Assembler(problem.at(window)).equations(part, 0.0)
        return joint_sigmas(forward(part), marginal_covariances(equations))

    out = np.full((len(problem.time_s), BODY.joint_count), np.inf)
    parts = windows(len(problem.time_s))
    for window, sigma in zip(parts, _side_by_side(of_window, parts), strict=True):
        out[window] = sigma
    return _SIGMA_CALIBRATION * out


def _side_by_side(work: Callable[[slice], _R], parts: list[slice]) -> list[_R]:
    """Run windows in threads, as many as there are cores; numpy lets go of the interpreter while it computes."""
    if len(parts) == 1:
        return [work(parts[0])]
    with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1), thread_name_prefix="pose-core-solve") as pool:
        return list(pool.map(work, parts))


def _join(states: list[BodyState], parts: list[slice], frames: int) -> BodyState:
    """Cross-fade the overlaps: positions and angles linearly, rotations along the shortest turn."""
    if len(states) == 1:
        return states[0]
    root = np.zeros((frames, 3))
    balls = np.zeros((frames, *states[0].ball_rotations.shape[1:]))
    hinges = np.zeros((frames, states[0].hinge_rad.shape[1]))
    done = 0
    for state, part in zip(states, parts, strict=True):
        count = part.stop - part.start
        shared = max(done - part.start, 0)
        # a window's own end is its worst place, so the outer quarters are left to the other one
        share = np.clip(2.0 * (np.arange(shared) + 1) / (shared + 1) - 0.5, 0.0, 1.0)
        fresh = slice(part.start + shared, part.stop)
        common = slice(part.start, part.start + shared)
        if shared:
            root[common] += share[:, None] * (state.root_m[:shared] - root[common])
            hinges[common] += share[:, None] * (state.hinge_rad[:shared] - hinges[common])
            turn = matrix_to_rotation_vector(np.swapaxes(balls[common], -1, -2) @ state.ball_rotations[:shared])
            balls[common] = balls[common] @ rotation_vector_to_matrix(share[:, None, None] * turn)
        root[fresh], hinges[fresh] = state.root_m[shared:count], state.hinge_rad[shared:count]
        balls[fresh] = state.ball_rotations[shared:count]
        done = part.stop
    return BodyState(root, balls, hinges, states[0].log_length)
