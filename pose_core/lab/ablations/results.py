"""What the runs have left, and what follows from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.lab.ablations.arms import LOWER_IS_BETTER, MEAN_OF, Claim, Paper
from pose_core.lab.ablations.train import MEASURED, RESULT, SAID, sample_figures
from pose_core.lab.datasets.layout import DATASET_FILE, SPLITS_FILE, read_json, read_labels
from pose_core.types import FloatArray, IntArray

_DRAWS = 4000
_LEAST_LEARNT = 0.05
"""An arm has learnt something if it beats one pose for everybody by this share."""


@dataclass(frozen=True, eq=False)
class Run:
    """One arm with one seed."""

    arm: str
    seed: int
    facts: dict[str, Any]
    """Of `result.json`; empty for the mean of other arms."""
    said: dict[str, dict[str, Any]]
    """By split, as `train.ask` gives it."""
    samples: dict[str, dict[str, FloatArray]]
    """By split and figure, (N,)."""

    def figure(self, split: str, name: str) -> float:
        """The mean over a split's samples; NaN where there is none."""
        values = self.samples.get(split, {}).get(name)
        return float("nan") if values is None else float(values.mean())


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds here."""

    by_seed: tuple[float, ...]
    """By how much the better arm is better, in the figure's units; negative: it is worse."""
    low: float
    high: float
    """95 % of the means over seeds that come out when the test people are drawn anew."""
    has_learnt: bool = True
    """Whether the better of both arms beats one pose for everybody."""

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(np.mean(self.by_seed))

    @property
    def words(self) -> str:
        """In short."""
        if not self.has_learnt:
            return "undecided: neither beats the mean pose"
        if self.mean <= 0:
            return "no, the reverse" if self.high < 0 else "no"
        if min(self.by_seed) <= 0:
            return "on average, not with every seed"
        return "yes" if self.low > 0 else "yes, but no more than chance could do"


def read_runs(out: Path, paper: Paper) -> list[Run]:
    """All finished runs of a paper by arm and seed, those of means included."""
    runs = []
    for arm in paper.arms:
        for path in sorted((out / paper.name).glob(f"{arm.name}-*/{RESULT}")):
            facts = json.loads(path.read_text(encoding="utf-8"))
            with np.load(path.parent / SAID, allow_pickle=False) as data:
                said = {split: {k.partition(".")[2]: data[k] for k in data.files if k.startswith(f"{split}.")}
                        for split in MEASURED}  # fmt: skip
            said = {split: values for split, values in said.items() if values}
            size = facts["config"]["image_size"]
            samples = {split: sample_figures(values, size) for split, values in said.items()}
            runs.append(Run(arm.name, int(facts["seed"]), facts, said, samples))
    if paper.name in MEAN_OF:
        name, _, parts = MEAN_OF[paper.name]
        runs += _means(runs, name, parts)
    return runs


def _means(runs: list[Run], name: str, parts: tuple[str, ...]) -> list[Run]:
    import torch

    from pose_core.lab.nets.hourglass import per_joint_mean

    out = []
    for seed in sorted({run.seed for run in runs}):
        own = [run for run in runs if run.seed == seed and run.arm in parts]
        if len(own) < len(parts):
            continue
        said: dict[str, dict[str, Any]] = {}
        for split, values in own[0].said.items():
            poses = [torch.as_tensor(run.said[split]["joints_m"]) for run in own]
            kept = {key: values[key] for key in ("truth_m", "truth_px", "subject")}
            said[split] = {**kept, "joints_m": per_joint_mean(poses).numpy()}
        size = own[0].facts["config"]["image_size"]
        out.append(Run(name, seed, {}, said, {split: sample_figures(v, size) for split, v in said.items()}))
    return out


def constant_figures(data: Path) -> dict[str, dict[str, float]]:
    """By split and figure: what comes out if the mean pose of the training people is said of everybody.

    Args:
        data: folder of the data set.
    """
    size = float(read_json(data / DATASET_FILE)["size_px"])
    splits = read_json(data / SPLITS_FILE)

    def labels(split: str, name: str) -> FloatArray:
        return np.concatenate([read_labels(data / shard)[name] for shard in splits[split]])

    mean_m, mean_px = (labels("train", name).mean(axis=0) for name in ("joints_m", "joints_px"))
    out = {}
    for split in MEASURED:
        if splits.get(split):
            truth_m, truth_px = labels(split, "joints_m"), labels(split, "joints_px")
            said = {"joints_m": np.broadcast_to(mean_m, truth_m.shape), "truth_m": truth_m,
                    "joints_px": np.broadcast_to(mean_px, truth_px.shape), "truth_px": truth_px}  # fmt: skip
            out[split] = {name: float(values.mean()) for name, values in sample_figures(said, size).items()}
    return out


def judge(paper: Paper, claim: Claim, runs: list[Run], constant: Mapping[str, float] | None = None) -> Verdict | None:
    """Whether a claim holds; None while an arm has no run with a seed that the other has too.

    Args:
        paper: whose claim it is.
        claim: what beats what.
        runs: of the paper.
        constant: figures of the mean pose on the paper's split; None = do not ask whether anything was learnt.
    """
    figure, split = claim.figure or paper.figure, paper.measured_on
    sign = 1.0 if LOWER_IS_BETTER[figure] else -1.0
    gains, people, reached = [], None, []
    for seed in sorted({run.seed for run in runs}):
        pair = [next((r for r in runs if r.seed == seed and r.arm == arm), None) for arm in (claim.better, claim.worse)]
        values = [None if run is None else run.samples.get(split, {}).get(figure) for run in pair]
        if pair[0] is None or values[0] is None or values[1] is None:
            continue
        gains.append(sign * (values[1] - values[0]))
        reached.append([float(values[0].mean()), float(values[1].mean())])
        people = pair[0].said[split]["subject"]
    if not gains or people is None:
        return None
    low, high = _interval(np.mean(gains, axis=0), people)
    has_learnt = True
    if constant is not None and figure in constant:
        best = max(-sign * np.mean(reached, axis=0))
        has_learnt = bool(best + sign * constant[figure] > _LEAST_LEARNT * constant[figure])
    return Verdict(tuple(float(g.mean()) for g in gains), low, high, has_learnt)


def _interval(gain: FloatArray, people: IntArray) -> tuple[float, float]:
    """2.5 and 97.5 per cent of the mean over samples when people are drawn anew with replacement."""
    names = np.unique(people)
    totals = np.array([gain[people == name].sum() for name in names])
    counts = np.array([np.sum(people == name) for name in names])
    drawn = np.random.default_rng(0).integers(len(names), size=(_DRAWS, len(names)))
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))
