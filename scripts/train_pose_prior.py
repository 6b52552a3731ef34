#!/usr/bin/env python3
"""Learn the mixture of probabilistic PCA over poses from motion capture.

    python scripts/train_pose_prior.py --data MOCAP_FOLDER --out runs/pose_prior [--install]

Splits by subject and source as the lifter's training does. Takes a few minutes; needs numpy alone. The file in the
package is replaced only with --install.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pose_core.errors import PoseCoreError  # noqa: E402
from pose_core.lab.datasets.mocap import split_mocap  # noqa: E402
from pose_core.lab.datasets.mocap_folder import read_folder  # noqa: E402
from pose_core.lab.evaluation.prior_data import draw_poses  # noqa: E402
from pose_core.lab.evaluation.prior_report import describe, measure_prior, write_card  # noqa: E402
from pose_core.lab.nets.tome2017 import fit_pose_prior, read_pose_prior, write_pose_prior  # noqa: E402

WEIGHTS = ROOT / "pose_core" / "weights"
FILES = ("pose_prior.npz", "POSE_PRIOR.md")


def main() -> int:
    """Learn, measure, write."""
    options = _parse()
    out = Path(options.out)
    try:
        split = split_mocap(read_folder(Path(options.data)))
        rng = np.random.default_rng(options.seed)
        poses = draw_poses(split.train, options.poses, rng)
        prior, history = fit_pose_prior(poses, options.components, options.dimensions, options.seed)
        print(
            f"{len(poses)} poses, {len(history)} steps, log-likelihood {history[0]:.2f} to {history[-1]:.2f}",
            flush=True,
        )
        single, _ = fit_pose_prior(poses, 1, options.dimensions, options.seed)
        write_pose_prior(out / FILES[0], prior)
        prior = read_pose_prior(out / FILES[0])
        figures = measure_prior(
            {"mixture": prior, "single component": single},
            split.subjects,
            poses.mean(axis=0),
            options.test_poses,
            options.seed,
        )
    except PoseCoreError as error:
        print(error, file=sys.stderr)
        return 2
    print(describe(figures))
    write_card(out / FILES[1], out / FILES[0], prior, figures, options.seed, len(poses), history)
    if options.install:
        WEIGHTS.mkdir(exist_ok=True)
        for name in FILES:
            shutil.copyfile(out / name, WEIGHTS / name)
        print(f"installed in {WEIGHTS}")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=str(ROOT.parent / "shared" / "mocap"), help="folder with motion capture")
    parser.add_argument("--out", default="runs/pose_prior", help="folder for the results")
    parser.add_argument("--install", action="store_true", help="put the result into the package")
    parser.add_argument("--components", type=int, default=10)
    parser.add_argument("--dimensions", type=int, default=20)
    parser.add_argument("--poses", type=int, default=24000, help="poses to learn from")
    parser.add_argument("--test-poses", type=int, default=300, help="held-out poses to lift")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
