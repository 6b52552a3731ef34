"""Time of one solve, its floor and its peer, as one line of JSON.

    python pose_core/lab/bench/run_solver.py FRAMES [--floor] [--peer]

A walk seen by a still camera with noise, the 2D model's own depth as the lift; the solve alone is timed, with all
degrees of freedom. `--floor`: the bare banded factorisations of as many normal matrices as the solve makes. `--peer`:
`scipy.optimize.least_squares` with a sparse Jacobian on the stage without contacts; for short clips.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import cholesky_banded
from scipy.optimize import least_squares
from scipy.sparse import lil_matrix
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pose_core.config import CameraConfig, SolveConfig
from pose_core.lift import lift_by_model_depth
from pose_core.solve import solve_motion
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import BodyState, forward
from pose_core.solve.sequence import staged as sequence
from pose_core.solve.sequence.arrow import NormalEquations
from pose_core.solve.sequence.optimise import OptimiserConfig, minimise, without_lengths
from pose_core.solve.sequence.problem import Problem
from pose_core.types import FloatArray
from tests.support.synthetic import observe, walking_joints

HEIGHT_M = 1.75


def main() -> None:
    """Measure and print."""
    frames = int(sys.argv[1])
    scene = observe(walking_joints(frames, HEIGHT_M), noise_px=3.0, noise_m=0.03, seed=1)
    lifted = lift_by_model_depth(scene.track)
    kept: dict[str, Any] = {}
    if "--peer" in sys.argv:
        inner = sequence._in_windows

        def keep(problem: Problem, state: BodyState, scale: float, stages: Any, stage: str) -> Any:
            kept.setdefault("start", (problem, state, scale))
            return inner(problem, state, scale, stages, stage)

        sequence._in_windows = keep
    before = _peak_mb()
    began, began_cpu = time.perf_counter(), time.process_time()
    motion = solve_motion(
        scene.track, lifted, "walk", SolveConfig(height_m=HEIGHT_M), CameraConfig(focal_px=float(scene.K[0, 0]))
    )
    spent, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    stages = motion.diagnostics["solve"]["stages"]
    steps = sum(len(s["energy_by_step"]) for s in stages if s["stage"] != "lengths")
    row: dict[str, float] = {
        "frames": frames, "seconds": spent, "cpu_seconds": cpu, "frames_per_s": frames / spent,
        "peak_mb": _peak_mb(), "before_mb": before,
        "factorisations": steps,
    }  # fmt: skip
    if "--floor" in sys.argv:
        row["floor_s"] = steps * _factorise(frames)
    if "--peer" in sys.argv:
        row |= _peer(*kept["start"])
    print(json.dumps(row))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _factorise(frames: int) -> float:
    """Seconds of one banded Cholesky factorisation of the whole clip, in windows as the solve makes them."""
    rng = np.random.default_rng(0)
    total = 0.0
    for window in sequence.windows(frames):
        e = NormalEquations.zeros(window.stop - window.start, BODY.dof_count, 0)
        J = rng.normal(size=e.diagonal.shape)
        e.diagonal[:] = J @ np.swapaxes(J, 1, 2) + 100.0 * np.eye(BODY.dof_count)
        band = e._band(0.0)
        began = time.perf_counter()
        with threadpool_limits(1, user_api="blas"):  # as in the solve
            cholesky_banded(band, overwrite_ab=True, lower=True, check_finite=False)
        total += time.perf_counter() - began
    return total


def _peer(problem: Problem, state: BodyState, robust_scale: float) -> dict[str, float]:
    """Ours and scipy's on the same stage: reprojection, lifted joints and smoothness, plain squares."""
    problem = without_lengths(problem)
    frames, D = len(problem.time_s), BODY.dof_count
    index, lifted = list(problem.keypoint_points), list(problem.lifted_points)
    sigma_px = problem.weights.pixel_share * problem.person_px[:, None, None]
    wanted = np.einsum("tji,tqj->tqi", problem.R_camera_world, problem.lifted_m)
    sigma_m = problem.lifted_sigma_m[..., None]
    step_sigma = np.concatenate([np.full(3, 4.0), np.full(D - 3, 20.0)]) * np.median(np.diff(problem.time_s)) ** 2
    unseen = (~np.isfinite(problem.xy_px)) | (problem.confidence[..., None] == 0)
    unknown = ~(np.isfinite(wanted) & np.isfinite(sigma_m))

    def residuals(x: FloatArray) -> FloatArray:
        step = x.reshape(frames, D)
        points = forward(state.moved(step)).points_m
        camera = np.einsum("tij,tpj->tpi", problem.R_camera_world, points[:, index]) + problem.t_camera_world_m[:, None]
        xy = camera[..., :2] / np.maximum(camera[..., 2:], 0.1) * problem.K[0, 0] + problem.K[:2, 2]
        seen = np.where(unseen, 0.0, (xy - problem.xy_px) / sigma_px)
        pose = np.where(unknown, 0.0, (points[:, lifted] - points[:, :1] - wanted) / sigma_m)
        bend = np.diff(step, 2, axis=0) / step_sigma
        evidence = np.concatenate([seen.reshape(frames, -1), pose.reshape(frames, -1)], axis=1)
        return np.concatenate([evidence.ravel(), bend.ravel()])

    per_frame = 2 * len(index) + 3 * len(lifted)
    pattern = lil_matrix((frames * per_frame + (frames - 2) * D, frames * D), dtype=np.int8)
    for t in range(frames):
        pattern[t * per_frame : (t + 1) * per_frame, t * D : (t + 1) * D] = 1
    rows = np.arange((frames - 2) * D)
    for offset in range(3):
        pattern[frames * per_frame + rows, rows + offset * D] = 1
    began = time.perf_counter()
    peer = least_squares(residuals, np.zeros(frames * D), jac_sparsity=pattern, method="trf", max_nfev=8, ftol=1e-3)
    peer_s = time.perf_counter() - began
    began = time.perf_counter()
    minimise(problem, state, 0.0, robust_scale, OptimiserConfig(iterations=8))
    ours_s = time.perf_counter() - began
    return {"peer_s": peer_s, "peer_evaluations": float(peer.nfev), "ours_s": ours_s, "peer_frames": float(frames)}


if __name__ == "__main__":
    main()
