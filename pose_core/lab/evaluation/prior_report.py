"""How good a pose prior is, in numbers and words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pose_core.lab.datasets.mocap import MocapSet
from pose_core.lab.evaluation.prior_data import draw_poses
from pose_core.lab.nets.tome2017 import LiftGrid, PosePrior, lift_poses
from pose_core.lab.pose_prior.lifting import view_rotations
from pose_core.lift.features import INPUT_JOINTS
from pose_core.maths.metrics import mpjpe, pa_mpjpe
from pose_core.types import FloatArray

Figures = dict[str, dict[str, float]]


def measure_prior(
    priors: Mapping[str, PosePrior], held_out: MocapSet, mean_pose: FloatArray, count: int, seed: int
) -> Figures:
    """Lift noiseless 2D joints of held-out poses, seen from level cameras all around under scaled orthography."""
    rng = np.random.default_rng(seed + 1)
    poses = draw_poses(held_out, count, rng)
    yaw = rng.uniform(0, 2 * np.pi, count)
    R = view_rotations(yaw, np.radians(rng.normal(5, 10, count)), np.radians(rng.normal(0, 4, count)))
    camera = poses @ np.swapaxes(R, -1, -2)
    xy, weight = camera[:, INPUT_JOINTS, :2], np.ones((count, len(INPUT_JOINTS)))
    figures: Figures = {}
    for name, prior in priors.items():
        lifted = lift_poses(prior, xy, weight, INPUT_JOINTS, LiftGrid(image_noise_m=0.01))
        figures[name] = {
            "log_likelihood": float(np.mean(prior.log_likelihood(poses))),
            "mpjpe_mm": 1000 * mpjpe(lifted.joints_m, camera),
            "pa_mpjpe_mm": 1000 * pa_mpjpe(lifted.joints_m, camera),
        }
    # the mean pose is told the true direction: its error is that of the pose alone
    mean = np.broadcast_to(mean_pose, poses.shape) @ np.swapaxes(R, -1, -2)
    figures["mean pose, true direction"] = {
        "log_likelihood": float("nan"),
        "mpjpe_mm": 1000 * mpjpe(mean, camera),
        "pa_mpjpe_mm": 1000 * pa_mpjpe(mean, camera),
    }
    return figures


def describe(figures: Figures) -> str:
    """A Markdown table."""
    rows = ["| Model | log-likelihood of a pose | MPJPE mm | PA-MPJPE mm |", "|---|---|---|---|"]
    for name, f in figures.items():
        likelihood = "" if np.isnan(f["log_likelihood"]) else f"{f['log_likelihood']:.1f}"
        rows.append(f"| {name} | {likelihood} | {f['mpjpe_mm']:.1f} | {f['pa_mpjpe_mm']:.1f} |")
    return "\n".join(rows)


def write_card(
    path: Path, file: Path, prior: PosePrior, figures: Figures, seed: int, poses: int, history: list[float]
) -> None:
    """Write what the model is, what it was made from and how good it is."""
    path.write_text(
        _CARD.format(
            components=len(prior),
            dimensions=prior.basis_m.shape[1],
            kilobytes=round(file.stat().st_size / 1000),
            sha=hashlib.sha256(file.read_bytes()).hexdigest(),
            poses=poses,
            seed=seed,
            steps=len(history),
            noise=", ".join(f"{1000 * n:.0f}" for n in prior.noise_m),
            table=describe(figures),
        ),
        encoding="utf-8",
    )


_CARD = """\
# Model card: pose prior

A mixture of {components} probabilistic principal component analysers with {dimensions} directions each over poses
relative to the pelvis, turned to face one way, of a person of 1.70 m. After Tome, Russell & Agapito 2017. Noise of the
components: {noise} mm.

`pose_prior.npz`, {kilobytes} kB, SHA-256 `{sha}`.

Learned by expectation maximisation ({steps} steps) from {poses} poses, seed {seed}, by
`python scripts/train_pose_prior.py`. Licence: Apache-2.0, as the package. Data, terms and held-out subjects are those
of the temporal lifter: CMU (every conversion), UI-PRMD, KayKit; clips that lack joints were left out. The data used in
this project was obtained from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217.

Noiseless 2D joints of held-out subjects lifted frame by frame, cameras all around, elevation N(5, 10) degrees, roll
N(0, 4) degrees, scaled orthography:

{table}

A baseline and a weak prior, not a lifter to use: one frame leaves front and back of every limb open.
"""
