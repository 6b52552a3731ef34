"""Lifting noiseless 2D joints with a mixture of PPCA, a single component, and a mean pose, without an image network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.files import atomic_path
from pose_core.lab.datasets.mocap import split_mocap
from pose_core.lab.datasets.mocap_folder import read_folder
from pose_core.lab.evaluation.prior_data import draw_poses
from pose_core.lab.evaluation.prior_report import measure_prior
from pose_core.lab.nets.tome2017 import fit_pose_prior

COMPONENTS, DIRECTIONS, POSES, TEST_POSES = 10, 20, 12_000, 400


def lifting_path(out: Path, seed: int) -> Path:
    """Where the figures of a seed are."""
    return out / f"lifting-{seed}.json"


def measure_lifting(mocap: Path, out: Path, seeds: list[int]) -> None:
    """Learn and measure with every seed that has no result yet.

    Raises:
        PoseCoreError: the folder holds no motion capture.
    """
    todo = [seed for seed in seeds if not lifting_path(out, seed).is_file()]
    if not todo:
        return
    split = split_mocap(read_folder(mocap))
    for seed in todo:
        poses = draw_poses(split.train, POSES, np.random.default_rng(seed))
        mixture, history = fit_pose_prior(poses, COMPONENTS, DIRECTIONS, seed)
        single, _ = fit_pose_prior(poses, 1, DIRECTIONS, seed)
        priors = {"mixture": mixture, "single component": single}
        facts: dict[str, Any] = {
            "figures": measure_prior(priors, split.subjects, poses.mean(axis=0), TEST_POSES, seed),
            "steps": len(history),
            "first_likelihood": history[0],
            "last_likelihood": history[-1],
            "rises": bool(np.all(np.diff(history) >= -1e-9)),
        }
        with atomic_path(lifting_path(out, seed)) as temporary:
            temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def read_lifting(out: Path) -> dict[int, dict[str, Any]]:
    """Results by seed."""
    return {
        int(path.stem.split("-")[1]): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(out.glob("lifting-*.json"))
    }
