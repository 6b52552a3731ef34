"""Pictures of the results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pose_core.lab.evaluation.measure import Result, mean_figures
from pose_core.lab.evaluation.methods import LIMBS
from pose_core.types import FloatArray

_COLOURS = (
    "#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#999999", "#332288", "#882255", "#bbbb33",
)  # fmt: skip


def draw_all(results: list[Result], folder: Path) -> list[str]:
    """Draw every picture there is data for.

    Returns:
        Names of the files, with a word on each for the page.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    groups = list(dict.fromkeys((r.case.group, r.case.noise) for r in results))
    methods = list(dict.fromkeys(r.method for r in results))
    colour = {m: _COLOURS[k % len(_COLOURS)] for k, m in enumerate(methods)}
    drawn = []
    for name, draw in (("errors", _errors), ("pck", _pck), ("joints", _joints), ("sigma", _sigma)):
        if draw(results, groups, methods, colour, folder / f"{name}.png"):
            drawn.append(f"{name}.png")
    return drawn


def _errors(results: list[Result], groups: Any, methods: list[str], colour: dict[str, str], path: Path) -> bool:
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        1, 2, figsize=(13, 0.6 + 0.62 * len(groups) + 0.35 * len(methods)), dpi=90, sharey=True
    )
    height = 0.8 / len(methods)
    present = {g: [m for m in methods if any(r.method == m for r in _of(results, g))] for g in groups}
    for panel, (key, title) in zip(panels, (("mpjpe", "MPJPE, mm"), ("pa_mpjpe", "PA-MPJPE, mm")), strict=True):
        for method in methods:
            places, values = [], []
            for g, group in enumerate(groups):
                if method in present[group]:
                    places.append(g + (present[group].index(method) - (len(present[group]) - 1) / 2) * height)
                    values.append(mean_figures([r for r in _of(results, group) if r.method == method]).get(key, np.nan))
            bars = panel.barh(places, values, height * 0.92, color=colour[method], label=method)
            panel.bar_label(bars, fmt="%.0f", fontsize=7, padding=2)
        panel.set_title(title)
        panel.grid(axis="x", alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(groups)), [f"{g}\n{n} 2D" for g, n in groups], fontsize=8)
    panels[0].invert_yaxis()
    handles = {h.get_label(): h for p in panels for h in p.containers}
    figure.legend(handles.values(), handles.keys(), loc="lower center", ncols=4, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.045 + 0.02 * (len(methods) > 4), 1, 1))
    figure.savefig(path)
    plt.close(figure)
    return True


def _pck(results: list[Result], groups: Any, methods: list[str], colour: dict[str, str], path: Path) -> bool:
    import matplotlib.pyplot as plt

    columns = min(len(groups), 3)
    rows = -(-len(groups) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(4.4 * columns, 3.4 * rows), dpi=90, squeeze=False)
    thresholds = np.linspace(0, 0.3, 61)
    for panel, group in zip(panels.flat, groups, strict=False):
        for method in methods:
            own = [r for r in results if (r.case.group, r.case.noise) == group and r.method == method]
            distance = np.concatenate([r.distance_m.ravel() for r in own]) if own else np.zeros(0)
            distance = distance[~np.isnan(distance)]
            if len(distance):
                panel.plot(1000 * thresholds, _share_below(distance, thresholds), color=colour[method], label=method)
        panel.axvline(150, color="#bbbbbb", lw=0.8)
        panel.set(
            title=f"{group[0]}, {group[1]} 2D", xlim=(0, 300), ylim=(0, 100), xlabel="threshold, mm", ylabel="3DPCK, %"
        )
        panel.title.set_fontsize(9)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=7)
    for panel in panels.flat[len(groups) :]:
        panel.set_visible(False)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
    return True


def _joints(results: list[Result], groups: Any, methods: list[str], colour: dict[str, str], path: Path) -> bool:
    import matplotlib.pyplot as plt

    names = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    figure, panel = plt.subplots(figsize=(10, 4), dpi=90)
    wanted = next((g for g in groups if g[1] == "noisy"), groups[0])
    present = [m for m in methods if any(r.method == m for r in _of(results, wanted))]
    width = 0.8 / len(present)
    for k, method in enumerate(present):
        distance = np.concatenate([r.distance_m for r in _of(results, wanted) if r.method == method])
        distance = np.where(np.isfinite(distance), distance, np.nan)
        columns = [[j for j, limb in enumerate(LIMBS) if limb.endswith(name)] for name in names]
        values = [1000 * float(np.nanmean(distance[:, c])) for c in columns]
        places = np.arange(len(names)) + (k - (len(present) - 1) / 2) * width
        panel.bar(places, values, width * 0.92, color=colour[method], label=method)
    panel.set_xticks(range(len(names)), names)
    panel.set_title(f"Error by joint, mm: {wanted[0]}, {wanted[1]} 2D", fontsize=10)
    panel.grid(axis="y", alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
    return True


def _sigma(results: list[Result], groups: Any, methods: list[str], colour: dict[str, str], path: Path) -> bool:
    import matplotlib.pyplot as plt
    from scipy.special import erf

    sure = [m for m in methods if any(r.method == m and len(r.sigma_ratio) for r in results)]
    if not sure:
        return False
    figure, panels = plt.subplots(1, len(sure), figsize=(4.6 * len(sure), 4.4), dpi=90, squeeze=False)
    factors = np.linspace(0, 3, 61)
    names = list(dict.fromkeys(g for g, _ in groups))
    for panel, method in zip(panels.flat, sure, strict=True):
        panel.plot(factors, 100 * erf(factors / np.sqrt(2)), "k--", lw=1, label="normal distribution")
        for k, name in enumerate(names):
            own = [r.sigma_ratio for r in results if r.case.group == name and r.method == method]
            ratio = np.concatenate(own) if own else np.zeros(0)
            if len(ratio):
                panel.plot(factors, _share_below(ratio, factors), color=_COLOURS[k % len(_COLOURS)], label=name)
        panel.axvline(1, color="#bbbbbb", lw=0.8)
        panel.set(title=method, xlabel="multiple of the predicted sigma", ylabel="coordinates within, %")
        panel.set(xlim=(0, 3), ylim=(0, 100))
        panel.grid(alpha=0.3)
        panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
    return True


def _of(results: list[Result], group: tuple[str, str]) -> list[Result]:
    return [r for r in results if (r.case.group, r.case.noise) == group]


def _share_below(values: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Percent of the values at or below each threshold."""
    return np.asarray(100 * np.searchsorted(np.sort(values), thresholds, side="right") / len(values))
