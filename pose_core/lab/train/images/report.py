"""Pictures and words about the training of an image network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.registry import NETWORKS
from pose_core.lab.train.images.loop import predict
from pose_core.lab.train.images.samples import ImageBatch
from pose_core.skeletons import KEYPOINT_SETS

FIGURES = {
    "error_2d_percent": "2D error, % of the picture",
    "mpjpe_mm": "MPJPE, mm",
    "pa_mpjpe_mm": "PA-MPJPE, mm",
    "pck": "3DPCK at 150 mm",
    "auc": "AUC of 3DPCK",
}
_SHOWN = 8
_CHOSEN_BY_THESE = "- It was chosen by these samples, so the numbers are a little better than on new ones."


def draw_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Plot the training loss and the errors on held-out samples over the steps."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    if not history:
        return
    keys = [key for key in ("error_2d_percent", "mpjpe_mm", "pa_mpjpe_mm") if key in history[-1]["held_out"]]
    figure, panels = plt.subplots(1, 1 + len(keys), figsize=(5 * (1 + len(keys)), 4), dpi=80, squeeze=False)
    loss = panels[0][0]
    for stage in dict.fromkeys(row["stage"] for row in history):
        rows = [row for row in history if row["stage"] == stage]
        for term in rows[-1]["train"]:
            values = [row["train"].get(term, float("nan")) for row in rows]
            name = term if stage == "train" else f"{stage}: {term}"
            loss.plot([row["step"] for row in rows], values, ".-", lw=2.0 if term == "loss" else 0.8, label=name)
    loss.set_yscale("log")
    loss.set_title("Training loss and its terms")
    loss.legend(fontsize=7)
    for panel, key in zip(panels[0][1:], keys, strict=True):
        panel.plot([row["step"] for row in history], [row["held_out"].get(key) for row in history], ".-")
        panel.set_title(FIGURES[key])
    for panel in panels[0]:
        panel.set_xlabel("step")
        panel.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def draw_examples(network: ImageNetwork, batch: ImageBatch, path: Path) -> None:
    """Draw held-out pictures with the true joints (white) and the estimated ones (left red, right blue), and both
    skeletons in 3D from the side below.

    Pictures are ordered by their error: successes first, failures last.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    said = predict(network, batch)
    distance = np.linalg.norm(said["joints_px"] - batch.joints_px, axis=-1) if "joints_px" in said else None
    if distance is None:
        return
    order = np.argsort(np.nanmean(distance, axis=1))
    chosen = order[np.unique(np.linspace(0, len(order) - 1, _SHOWN).astype(int))]
    figure, panels = plt.subplots(2, len(chosen), figsize=(2.4 * len(chosen), 5), dpi=80, squeeze=False)
    for column, i in enumerate(chosen):
        panels[0][column].imshow(batch.image[i])
        draw_bones(panels[0][column], batch.joints_px[i], ("white",) * 3, 1.0)
        draw_bones(panels[0][column], said["joints_px"][i], ("tab:red", "tab:blue", "tab:green"), 1.8)
        panels[0][column].set_xlim(0, batch.image.shape[2])
        panels[0][column].set_ylim(batch.image.shape[1], 0)
        if batch.has_3d[i]:
            draw_bones(panels[1][column], batch.joints_m[i][:, [2, 1]], ("lightgrey",) * 3, 3.0)
        if "joints_m" in said:
            draw_bones(panels[1][column], said["joints_m"][i][:, [2, 1]], ("tab:red", "tab:blue", "tab:green"), 1.5)
        panels[1][column].set_aspect("equal")
        panels[1][column].invert_yaxis()
        for row in panels:
            row[column].set_axis_off()
    figure.suptitle("From the best to the worst; below: seen from the side", fontsize=9)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def draw_bones(axes: Any, points: Any, colours: tuple[str, str, str], width: float) -> None:
    """Draw the bones between joints (17, 2), in colours for left, right and middle."""
    names = KEYPOINT_SETS["h36m17"].keypoints
    for a, b in KEYPOINT_SETS["h36m17"].edge_indices:
        side = 0 if "left" in names[a] + names[b] else 1 if "right" in names[a] + names[b] else 2
        axes.plot(points[[a, b], 0], points[[a, b], 1], color=colours[side], lw=width)


def write_card(path: Path, facts: Mapping[str, Any]) -> None:
    """Write what the weights are, what they were made from, what they can and cannot do."""
    kind = NETWORKS[facts["network"]]
    rows = [f"| {title} | {facts['held_out'][key]:.2f} |" for key, title in FIGURES.items() if key in facts["held_out"]]
    by_others = facts["data"]["chosen_by_others"]
    parity = ", ".join(f"{name} {value:.1e}" for name, value in facts["parity"].items())
    lines = [
        f"# Model card: {facts['network']}, configuration {facts['size']}",
        "",
        f"{kind.title}. {facts['parameters'] / 1e6:.2f} million parameters, `{facts['file']}`, "
        f"{facts['bytes'] / 1e6:.1f} MB, SHA-256 `{facts['sha256']}`.",
        "",
        f"Licence of the weights: {facts['licence']}.",
        "",
        "## Use",
        f"`pose-core models register {facts['file']}`, then `--model NAME`. The JSON beside the file describes input "
        "and output.",
        "",
        "## Data",
        f"{facts['data']['name']}: {facts['data']['train']} samples to train on, of which {facts['data']['with_3d']} "
        f"with 3D labels; measured on {facts['data']['held_out']} samples of {facts['data']['held_out_people']} other "
        "people.",
        "",
        "## Training",
        f"{facts['training']['steps']} steps of {facts['config']['recipe']['batch']} samples, "
        f"{facts['training']['minutes']:.1f} minutes on {facts['training']['device']}, seed "
        f"{facts['training']['seed']}; the weights are those of step {facts['training']['best_step']}, which did best "
        f"on {'people of their own' if by_others else 'the samples measured on'}.",
        "",
        "## Numbers",
        "| Measure | Value |",
        "|---|---|",
        *rows,
        "",
        f"The export differs from the trained network by at most: {parity}.",
        "",
        "## Limits",
        "- It knows what its data show: of synthetic people alone it learns little about photographs.",
        *([] if by_others else [_CHOSEN_BY_THESE]),
        "- One person a crop; 3D is relative to the pelvis.",
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
