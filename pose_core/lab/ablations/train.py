"""Train one arm with one seed, measure it on people that took no part, and keep what the page needs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pose_core.files import atomic_path
from pose_core.lab.ablations.arms import Arm, Paper
from pose_core.lab.datasets.augment import Augmentation
from pose_core.lab.datasets.in_memory import InMemory
from pose_core.lab.datasets.layout import SPLITS_FILE, read_json
from pose_core.lab.datasets.rendered import read_rendered
from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.maps import read_maps
from pose_core.lab.nets.registry import config_facts
from pose_core.lab.nets.tome2017.model import TomeNetwork
from pose_core.lab.train.images.batches import to_tensors
from pose_core.lab.train.images.loop import ImageTrainSettings, Report, load_trained, train_image_network
from pose_core.lab.train.images.samples import ImageBatch, ImageDataset, ImageSubset
from pose_core.maths.metrics import PCK_THRESHOLD_M, align_frames
from pose_core.types import FloatArray

RESULT = "result.json"
SAID = "said.npz"
MEASURED = ("test", "wild_test")
_VALIDATIONS, _VALIDATE_ON = 6, 240
_MILD = Augmentation(scale=0.14, rotation_deg=14.0, gain=0.2, pca_colour=0.0, occlusion=0.0)
"""Runs as short as these do not see enough to need more."""
_THRESHOLDS_M = np.linspace(0.0, PCK_THRESHOLD_M, 31)


@dataclass(frozen=True)
class RunOptions:
    """What all arms have in common."""

    data: Path
    out: Path
    half: bool = False
    """Products as bfloat16."""
    steps: int = 0
    """0 = as the table says."""
    minutes: float = 0.0
    """0 = by steps."""
    longer: float = 1.0
    """Times the steps of the table."""
    device: str = "cpu"


class Pictures:
    """Splits of a rendered set, held in memory at one size at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._size = 0
        self._held: dict[tuple[str, ...], InMemory] = {}

    def get(self, splits: tuple[str, ...], size: int) -> InMemory:
        """Splits at a size.

        Raises:
            DatasetError: there are no such splits.
        """
        if size != self._size:
            self._size, self._held = size, {}
        if splits not in self._held:
            self._held[splits] = InMemory(read_rendered(self._folder, splits, size), size)
        return self._held[splits]

    def has(self, split: str) -> bool:
        """Whether the set has pictures of a split; one of a single look lacks some."""
        return bool(read_json(self._folder / SPLITS_FILE).get(split))

    def train(self, size: int, wild: bool) -> ImageDataset:
        """Samples to train on; those of the wild look without 3D."""
        held = self.get(("train", "wild_train") if wild else ("train",), size)
        return ImageSubset(held, np.arange(len(held)), ("wild",) if wild else ())

    def whole(self, split: str, size: int) -> ImageBatch:
        """All samples of a split."""
        held = self.get((split,), size)
        return held.read(np.arange(len(held)))


def arm_folder(out: Path, paper: Paper, arm: Arm, seed: int) -> Path:
    """Where an arm's files are."""
    return out / paper.name / f"{arm.name}-{seed}"


def train_arm(
    paper: Paper, arm: Arm, seed: int, pictures: Pictures, options: RunOptions, report: Report | None
) -> dict[str, Any]:
    """Train, measure, write `result.json` and `said.npz`; returns what is in the former."""
    folder = arm_folder(options.out, paper, arm, seed)
    config = paper.config(arm)
    size = config.image_size
    settings = ImageTrainSettings(
        steps=options.steps or round(options.longer * paper.steps), minutes=options.minutes, seed=seed,
        device=options.device, validations=_VALIDATIONS, validate_on=_VALIDATE_ON, patience=0, variation=_MILD,
        half_on_cpu=options.half,
    )  # fmt: skip
    train = pictures.train(size, arm.wild)
    began = time.monotonic()
    network = train_image_network(
        arm.network or paper.network, config, train, pictures.get(("validation",), size), settings, folder,
        resume=True, report=report,
    ).cpu()  # fmt: skip
    spent_s = time.monotonic() - began
    _, facts = load_trained(folder)
    result: dict[str, Any] = {
        "paper": paper.name, "arm": arm.name, "seed": seed, "network": arm.network or paper.network,
        "config": config_facts(config), "steps": facts["step"], "best_step": facts["best_step"],
        "minutes": facts["spent_s"] / 60, "wall_minutes": spent_s / 60, "half": options.half,
        "parameters": sum(p.numel() for p in network.parameters()),
        "train": len(train), "train_3d": int(train.has_3d.sum()), "measured": {}, "stages": {},
    }  # fmt: skip
    if isinstance(network, TomeNetwork) and network.config.use_3d_layer:
        result["fusion_weights"] = [float(w) for w in network.fusion_weights.detach()]
    said: dict[str, FloatArray] = {}
    for split in MEASURED:
        if not pictures.has(split):
            continue
        batch = pictures.whole(split, size)
        here, stages = ask(network, batch)
        said |= {f"{split}.{name}": array for name, array in here.items()}
        figures = sample_figures(here, size)
        result["measured"][split] = {
            **{name: float(values.mean()) for name, values in figures.items()},
            "samples": len(batch), "people": len(np.unique(batch.subject)),
        }  # fmt: skip
        result["stages"][split] = stages
    with atomic_path(folder / SAID) as temporary, Path(temporary).open("wb") as file:
        np.savez_compressed(file, **said)
    with atomic_path(folder / RESULT) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def ask(network: ImageNetwork, batch: ImageBatch, rows: int = 64) -> tuple[dict[str, FloatArray], list[float]]:
    """What a network says of every sample with the truth, and its 2D error by stage in per cent of the picture.

    The latter is empty for networks with fewer than two maps.
    """
    size = network.config.image_size
    parts: dict[str, list[FloatArray]] = {}
    stages: list[FloatArray] = []
    network.eval()
    with torch.no_grad():
        for first in range(0, len(batch), rows):
            here = batch.take(np.arange(first, min(first + rows, len(batch))))
            output = network(to_tensors(here, torch.device("cpu"))[0])
            for name in ("joints_px", "joints_m"):
                value = getattr(output, name)
                if value is not None:
                    parts.setdefault(name, []).append(value.numpy())
            read = [read_maps(maps, size)[0].numpy() for maps in output.heatmaps]
            stages.append(np.array([np.linalg.norm(xy - here.joints_px, axis=-1).mean(axis=1) for xy in read]))
    said = {name: np.concatenate(values) for name, values in parts.items()}
    truth = {"truth_m": batch.joints_m, "truth_px": batch.joints_px, "subject": batch.subject}
    if len(stages[0]) < 2:
        return {**said, **truth}, []
    return {**said, **truth}, [float(e) for e in 100 * np.concatenate(stages, axis=-1).mean(axis=-1) / size]


def sample_figures(said: Mapping[str, FloatArray], size: float) -> dict[str, FloatArray]:
    """(N,) every figure of every sample: what means and intervals are made of.

    Args:
        said: as `ask` gives it.
        size: side of the picture, pixels.
    """
    figures: dict[str, FloatArray] = {}
    if "joints_m" in said:
        estimate, truth = said["joints_m"].astype(np.float64), said["truth_m"].astype(np.float64)
        distance = np.linalg.norm(estimate - estimate[:, :1] - truth, axis=-1)
        figures["mpjpe_mm"] = 1000 * distance.mean(axis=1)
        figures["pa_mpjpe_mm"] = 1000 * np.linalg.norm(align_frames(estimate, truth) - truth, axis=-1).mean(axis=1)
        figures["pck"] = 100 * (distance <= PCK_THRESHOLD_M).mean(axis=1)
        figures["auc"] = 100 * (distance[..., None] <= _THRESHOLDS_M).mean(axis=(1, 2))
    if "joints_px" in said:
        off = np.linalg.norm(said["joints_px"] - said["truth_px"], axis=-1)
        figures["error_2d_percent"] = 100 * off.mean(axis=1) / size
    return figures
