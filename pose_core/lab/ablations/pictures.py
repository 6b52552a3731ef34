"""The pictures of the page: what the papers show of their networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from pose_core.lab.ablations.arms import PAPERS, Paper
from pose_core.lab.ablations.results import Run
from pose_core.lab.ablations.train import Pictures, arm_folder
from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.li_chan2014.model import LiChanNetwork
from pose_core.lab.train.images.batches import to_tensors
from pose_core.lab.train.images.loop import load_trained
from pose_core.lab.train.images.report import draw_bones
from pose_core.lab.train.images.samples import ImageBatch
from pose_core.skeletons import KEYPOINT_SETS
from pose_core.skeletons.h36m import H36M
from pose_core.types import FloatArray, IntArray

_COLOURS = ("tab:red", "tab:blue", "tab:green")
_EXAMPLES = 5
"""Successes, and failures."""
_SHOWN_BEST = {"tome2017": "3d_layer", "park2016": "both", "li_chan2014": "multi_task", "habibie2019": "both"}
"""The arm whose successes and failures are shown: the one that the paper proposes."""
_MAP_JOINTS = ("left_wrist", "right_ankle")
_FILTERS, _PATCHES, _AMONG = 12, 6, 480

Drawn = dict[str, list[tuple[str, str]]]


def draw_pictures(out: Path, pictures: Pictures, runs: dict[str, list[Run]], folder: Path) -> Drawn:
    """Draw whatever the finished runs allow.

    Returns:
        File names and captions by paper.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    drawn: Drawn = {}
    for paper in PAPERS:
        own = [run for run in runs[paper.name] if run.facts]
        if not own:
            continue
        made = drawn.setdefault(paper.name, [])
        size = own[0].facts["config"]["image_size"]
        batch = pictures.whole(paper.measured_on, size)
        if paper.name == "tome2017":
            made += _tome(out, paper, own, batch, folder)
        if paper.name == "li_chan2014":
            made += _li_chan(out, paper, own, batch, folder)
        shown = [_SHOWN_BEST[paper.name]] if paper.name in _SHOWN_BEST else [arm.name for arm in paper.arms]
        for name in shown:
            run = next((run for run in own if run.arm == name), None)
            if run is not None:
                file = f"{paper.name}_{name}_examples.png"
                _examples(run, paper, batch, folder / file)
                made.append((file, f"{paper.arm(name).title}: the best pictures of different people, then the worst"))
    return drawn


def _tome(out: Path, paper: Paper, runs: list[Run], batch: ImageBatch, folder: Path) -> list[tuple[str, str]]:
    made: list[tuple[str, str]] = []
    run = next((run for run in runs if run.arm == "3d_layer"), None)
    if run is not None:
        network, _ = load_trained(arm_folder(out, paper, paper.arm(run.arm), run.seed))
        off = np.linalg.norm(run.said["test"]["joints_px"] - run.said["test"]["truth_px"], axis=-1).mean(axis=1)
        rows = np.argsort(off)[(np.array([0.1, 0.4, 0.7]) * len(off)).astype(int)]
        _belief_maps(network, batch.take(rows), folder / "tome2017_belief_maps.png")
        text = (
            "Belief maps by stage of a wrist and an ankle: the network's own, and after fusion with the projected pose "
            "(an easy, a middling and a hard picture)"
        )
        made.append(("tome2017_belief_maps.png", text))
    _stage_curves(runs, folder / "tome2017_stages.png")
    return [*made, ("tome2017_stages.png", "2D error by stage, without and with the 3D layer")]


def _belief_maps(network: ImageNetwork, batch: ImageBatch, path: Path) -> None:
    import matplotlib.pyplot as plt

    with torch.no_grad():
        parts = network(to_tensors(batch, torch.device("cpu"))[0]).parts
    own, fused = parts["own"].numpy(), parts["fused"].numpy()
    stages, joints = own.shape[1], [H36M.index(name) for name in _MAP_JOINTS]
    high, wide = len(batch) * len(joints), 1 + 2 * stages
    figure, panels = plt.subplots(high, wide, figsize=(1.25 * wide, 1.3 * high), dpi=80)
    for n in range(len(batch)):
        for k, joint in enumerate(joints):
            row = panels[n * len(joints) + k]
            row[0].imshow(batch.image[n])
            row[0].plot(*batch.joints_px[n, joint], "o", mfc="none", mec="yellow", ms=9, mew=2)
            row[0].set_ylabel(_MAP_JOINTS[k].replace("_", " "), fontsize=7)
            for t in range(stages):
                for column, maps, title in ((1 + 2 * t, own, "own"), (2 + 2 * t, fused, "fused")):
                    row[column].imshow(maps[n, t, joint], vmin=0, vmax=1, cmap="inferno")
                    if n == k == 0:
                        row[column].set_title(f"stage {t + 1}, {title}", fontsize=7)
            for panel in row:
                panel.set_xticks([])
                panel.set_yticks([])
    _save(figure, path)


def _stage_curves(runs: list[Run], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(5, 3.4), dpi=80)
    for run in runs:
        errors = run.facts["stages"]["test"]
        style = {"plain": ("tab:grey", "without the 3D layer"), "3d_layer": ("tab:blue", "with the 3D layer")}[run.arm]
        panel.plot(range(1, len(errors) + 1), errors, "o-", color=style[0], label=f"{style[1]}, seed {run.seed}")
    panel.set_xticks(range(1, 1 + max(len(run.facts["stages"]["test"]) for run in runs)))
    panel.set_xlabel("stage")
    panel.set_ylabel("2D error, % of the picture")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=7)
    _save(figure, path)


def _li_chan(out: Path, paper: Paper, runs: list[Run], batch: ImageBatch, folder: Path) -> list[tuple[str, str]]:
    run = next((run for run in runs if run.arm == "multi_task"), None)
    if run is None:
        return []
    network, _ = load_trained(arm_folder(out, paper, paper.arm(run.arm), run.seed))
    assert isinstance(network, LiChanNetwork)
    _filters(network, batch, folder / "li_chan2014_filters.png")
    _correlations(network, folder / "li_chan2014_correlations.png")
    return [
        ("li_chan2014_filters.png",
         "What features of the third convolution answer to most (multi-task): the test pictures with the highest "
         "answers, of different people, cut to what the feature sees; one feature a block"),
        ("li_chan2014_correlations.png",
         "Correlations between the rows of the last layer's weights that give each bone, for each axis of the camera"),
    ]  # fmt: skip


def receptive_field(kernels: tuple[int, int, int]) -> tuple[int, int]:
    """Side of what a cell of the third convolution sees, and the stride of its cells, pixels."""
    k1, k2, k3 = kernels
    side, stride = k1, 2
    for kernel, step in ((2, 2), (k2, 1), (2, 2), (k3, 1)):
        side += (kernel - 1) * stride
        stride *= step
    return side, stride


def _filters(network: LiChanNetwork, batch: ImageBatch, path: Path) -> None:
    import matplotlib.pyplot as plt

    rows = np.linspace(0, len(batch) - 1, min(_AMONG, len(batch))).astype(np.int64)
    batch = batch.take(rows)
    image, _ = to_tensors(batch, torch.device("cpu"))
    with torch.no_grad():
        answers = network.trunk[:-1](image - 0.5).numpy()
    side, stride = receptive_field(network.config.kernels)
    channels = np.argsort(-answers.max(axis=(2, 3)).std(axis=0))[:_FILTERS]
    figure, panels = plt.subplots(
        _FILTERS // 2, 2 * _PATCHES, figsize=(0.85 * 2 * _PATCHES, 0.85 * _FILTERS / 2), dpi=80, squeeze=False
    )
    padded = np.pad(batch.image, ((0, 0), (side, side), (side, side), (0, 0)), constant_values=127)
    for n, channel in enumerate(channels):
        peaks = answers[:, channel].reshape(len(batch), -1)
        chosen = _best_of_each(-peaks.max(axis=1), batch.subject, _PATCHES)
        for k, i in enumerate(chosen):
            y, x = np.divmod(int(peaks[i].argmax()), answers.shape[3])
            x0, y0 = (int((v + 0.5) * stride - side / 2) + side for v in (x, y))
            panel = panels[n % (_FILTERS // 2)][k + _PATCHES * (n // (_FILTERS // 2))]
            panel.imshow(padded[i, y0 : y0 + side, x0 : x0 + side])
    for panel in panels.ravel():
        panel.set_axis_off()
    figure.subplots_adjust(wspace=0.05, hspace=0.05)
    _save(figure, path, tight=False)


def _correlations(network: LiChanNetwork, path: Path) -> None:
    import matplotlib.pyplot as plt

    last = [layer for layer in network.regressor if isinstance(layer, torch.nn.Linear)][-1]
    weights = last.weight.detach().numpy().reshape(len(H36M) - 1, network.config.dimensions, -1)
    names = [name.replace("_", " ") for name in KEYPOINT_SETS["h36m17"].keypoints[1:]]
    figure, panels = plt.subplots(1, network.config.dimensions, figsize=(4.3 * network.config.dimensions, 4.6), dpi=80)
    for axis, panel in enumerate(panels):
        shown = panel.imshow(np.corrcoef(weights[:, axis]), vmin=-1, vmax=1, cmap="RdBu_r")
        panel.set_title(("across the picture", "down the picture", "along the view")[axis], fontsize=9)
        panel.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
        panel.set_yticks(range(len(names)), names if not axis else [""] * len(names), fontsize=6)
    figure.colorbar(shown, ax=panels, shrink=0.7)
    _save(figure, path, tight=False)


def _examples(run: Run, paper: Paper, batch: ImageBatch, path: Path) -> None:
    import matplotlib.pyplot as plt

    split = paper.measured_on
    said, error = run.said[split], run.samples[split]["mpjpe_mm"]
    best = _best_of_each(error, batch.subject, _EXAMPLES)
    worst = _best_of_each(-error, batch.subject, _EXAMPLES)[::-1]
    figure, panels = plt.subplots(3, 2 * _EXAMPLES, figsize=(1.75 * 2 * _EXAMPLES, 5.4), dpi=72)
    for column, i in enumerate([*best, *worst]):
        top, front, beside = panels[:, column]
        top.imshow(batch.image[i])
        draw_bones(top, batch.joints_px[i], ("white",) * 3, 1.0)
        if "joints_px" in said:
            draw_bones(top, said["joints_px"][i], _COLOURS, 1.6)
        top.set_xlim(0, batch.image.shape[2])
        top.set_ylim(batch.image.shape[1], 0)
        top.set_title(f"{error[i]:.0f} mm", fontsize=8)
        for panel, axes in ((front, [0, 1]), (beside, [2, 1])):
            draw_bones(panel, batch.joints_m[i][:, axes], ("lightgrey",) * 3, 3.0)
            draw_bones(panel, said["joints_m"][i][:, axes], _COLOURS, 1.5)
            panel.set_aspect("equal")
            panel.invert_yaxis()
        for panel in (top, front, beside):
            panel.set_axis_off()
    figure.suptitle("3D joints from the camera and from the side; white and grey: the truth", fontsize=8)
    _save(figure, path)


def _best_of_each(values: FloatArray, people: IntArray, count: int) -> list[int]:
    """Rows with the lowest values, no person twice."""
    chosen: list[int] = []
    seen: set[int] = set()
    for row in np.argsort(values):
        if int(people[row]) not in seen:
            seen.add(int(people[row]))
            chosen.append(int(row))
        if len(chosen) == count:
            break
    return chosen


def _save(figure: Any, path: Path, *, tight: bool = True) -> None:
    import matplotlib.pyplot as plt

    if tight:
        figure.tight_layout()
    figure.savefig(path, pil_kwargs={"optimize": True}, bbox_inches=None if tight else "tight")
    plt.close(figure)
