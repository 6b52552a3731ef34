"""Pictures and words about a training run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pose_core.files import write_text
from pose_core.lab.datasets.mocap import HELD_OUT_SOURCES, HELD_OUT_SUBJECTS


def read_history(path: Path) -> list[dict[str, Any]]:
    """The validations of a run, oldest first."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def draw_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Plot errors on held-out people over the steps of training."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in history if row.get("held_out")]
    if not rows:
        return
    figure, panels = plt.subplots(1, 3, figsize=(15, 4.5), dpi=90)
    titles = (
        ("mpjpe_mm", "MPJPE, mm"),
        ("pa_mpjpe_mm", "PA-MPJPE, mm"),
        ("acceleration_m_s2", "Acceleration error, m/s²"),
    )
    steps = [row["step"] for row in rows]
    for panel, (key, title) in zip(panels, titles, strict=True):
        for name in rows[-1]["held_out"]:
            panel.plot(steps, [row["held_out"][name][key] for row in rows], ".-", label=f"held-out {name}")
        panel.set_title(title)
        panel.set_xlabel("step")
        panel.set_yscale("log")
        panel.grid(alpha=0.3, which="both")
    train = [1000 * row["train"].get("position", float("nan")) for row in rows]
    panels[0].plot(steps, train, "k--", lw=1, label="training, with all augmentation")
    panels[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def write_model_card(path: Path, facts: Mapping[str, Any]) -> None:
    """Write what the weights are, what they were made from, what they can and cannot do."""
    rows = [
        f"| {name} | {f['mpjpe_mm']:.1f} | {f['pa_mpjpe_mm']:.1f} | {f['acceleration_m_s2']:.2f} | "
        f"{f['contact_f1']:.2f} | {100 * f['within_sigma']:.0f} % |"
        for name, f in facts["held_out"].items()
    ]
    card = _CARD.format(
        parameters=f"{facts['parameters'] / 1e6:.2f}",
        megabytes=f"{facts['bytes'] / 1e6:.1f}",
        sha=facts["sha256"],
        reach=facts["reach_steps"] * facts["frames_per_step"],
        steps=facts["training"]["steps"],
        sequences=facts["training"]["steps"] * facts["training"]["batch"],
        minutes=f"{facts['training']['minutes']:.0f}",
        seed=facts["training"]["seed"],
        earlier=_earlier(facts["training"]["settings"]) + _mixed(facts["training"]),
        axes=_AXES if "axis_factor" in facts else _ONE_SIGMA,
        parity=f"{1000 * facts['parity_m']:.4f}",
        rows="\n".join(rows),
        subjects=", ".join(f"`{s}`" for s in sorted(HELD_OUT_SUBJECTS)),
        sources=", ".join(f"`{s}`" for s in sorted(HELD_OUT_SOURCES)),
        calibrated=", ".join(f"`{s}`" for s in facts["training"]["calibration_subjects"]),
    )
    write_text(path, card)


def _earlier(settings: Mapping[str, Any]) -> str:
    """What the weights that a run began with had been trained for."""
    if not settings.get("started_from"):
        return ""
    alone = (
        "\nThis run trained contacts and further answers alone (`--heads-only`)." if settings.get("heads_only") else ""
    )
    return (
        f"The run went on (`--start-from`) from the weights of an earlier version\n(SHA-256 "
        f"`{settings['started_from'][:16]}`), trained in the same way for {settings['earlier_steps']} steps and "
        f"{settings['earlier_minutes']:.0f} minutes.{alone}"
    )


def _mixed(training: Mapping[str, Any]) -> str:
    """Which runs the parts of a network come from that is the mean of two."""
    mixed = training.get("mixed_in")
    if not mixed:
        return ""
    return (
        f"\n\nJoints and sigma are to {1 - mixed['share']:.0%} what it began with and to "
        f"{mixed['share']:.0%} those of\nanother run from the same weights ({mixed['steps']} steps, "
        f"{mixed['minutes']:.0f} minutes, seed {mixed['seed']}), mixed in by `--mix-in`. In that run hips of\n"
        "55 % of the people were seen 4 +- 7 cm off along the trunk and other joints 2 to 3 cm off, as clothes do it,\n"
        "legs and trunks varied by 5 % more, 15 % of the sequences showed people who stand, and a bounded loss\n"
        "preferred the likeliest limb to a mean."
    )


_ONE_SIGMA = """\
- One sigma is given for all three axes; errors along the line of sight are larger than it says, across it smaller."""
_AXES = """\
- `sigma` is one number for all three axes; `covariance_m2` tells them apart. The solve uses the first, as the second
  measured no better there."""

_CARD = """\
# Model card: temporal lifter

A dilated temporal convolutional network ({parameters} million parameters, `lifter.onnx`, {megabytes} MB) that turns 2D
joints over time into root-relative 3D joints, their uncertainty, and contacts of heels and balls of the
feet. It sees {reach} frames before and after a frame at 30 frames/s. SHA-256 `{sha}`.

Licence of the weights: Apache-2.0, as the package. All training data are free for commercial use.

## Input and output
`lifter.json` describes every number. Use `pose_core.lift.lift_by_network`, which brings keypoints of any known set and
any frame rate into this form. Joints come in camera axes for a person of 1.70 m; the clip-wide solve puts in the true
height, constant bone lengths and the path of the root.

## Data
Motion capture only, no images, no body model:

| Source | Terms |
|---|---|
| CMU Graphics Lab Motion Capture Database, several conversions | free for all uses; not to be resold as data |
| UI-PRMD, University of Idaho (Vakanski et al. 2018) | Public Domain Dedication (PDDL 1.0) |
| ReActIdle, RSAIT 2025 | MIT |
| KayKit animations, Kay Lousberg | CC0 1.0 |
| 100STYLE (three recordings), Mason et al. 2022 | CC BY 4.0; measuring only |
| Animated Drawings (three recordings), Meta Platforms | MIT; measuring only |

The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding from NSF
EIA-0196217.

Never trained on: the subjects {subjects},
the sources {sources}, and anything from Human3.6M, MPI-INF-3DHP, 3DPW or AMASS.

## Training
{steps} steps, {sequences} sequences of 80 frames, {minutes} minutes on shared processor cores, seed {seed}:
`python scripts/train_lifter.py`. {earlier}

Every sequence gets a fresh virtual camera (any azimuth, pitch N(5, 22) degrees, roll N(0, 7.5) and for a quarter N(0,
18) degrees, 2 to 12 m away, focal length 0.6 to 2 picture widths, three quarters of them moving), other bone lengths
and widths, speed 0.67 to 1.5, mirroring, and in a fifth of cases the legs of another performance. The 2D joints get
another definition of each joint (constant 1 to 3 cm in the body), noise correlated over time, outliers, guesses
through occlusions, lost joints and frames, exchanged sides, a cut-off picture, keypoint sets without feet, hands or
face, and a focal length that is 20 % wrong. Confidence falls with the error.

## Numbers
Held-out people and sources, virtual cameras drawn as in training, 128-frame windows; joints relative to the pelvis,
people of 1.70 m; as shipped, with the mirrored second pass. `exact`: perfect 2D joints; `noisy`: joint definitions 1 to
3 cm off, correlated noise of 0.65 % of the person's extent, some outliers, occlusions and losses, focal length 10 %
wrong. Estimated joints (heels outside UI-PRMD) are not counted.

| Held out | MPJPE mm | PA-MPJPE mm | acceleration error m/s² | contact F1 | within one sigma |
|---|---|---|---|---|---|
{rows}

Sigma was scaled joint by joint on {calibrated}; "within one sigma" should be 68 %.
The export differs from the trained network by {parity} mm at most. Real footage and other lifters:
`docs/results/accuracy.md`.

## Limits
- Little sitting, floor work, lying, swimming, cycling or gymnastics in the data; no children, older people or
  wheelchairs.
- Depth of arms and legs is a guess from motion and habit: expect two to three times the error of the image axes.
- Front and back, or left and right, can flip when the 2D model flips them for more than half a second.
- Heels are estimated in most of the data; hands are the knuckles; there are no fingers and no toe tips.
{axes}
- The size of the person is not known to it.
"""
