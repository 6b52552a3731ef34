"""The one training loop of all image networks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pose_core.errors import ModelError
from pose_core.lab.datasets.augment import Augmentation, scale_crops
from pose_core.lab.nets.base import ImageNetwork, NetworkConfig
from pose_core.lab.nets.registry import NETWORKS, build_network, config_facts, config_from_facts
from pose_core.lab.train.common.checkpoint import load_checkpoint, save_checkpoint
from pose_core.lab.train.images.batches import BatchSource, to_tensors
from pose_core.lab.train.images.samples import ImageBatch, ImageDataset, bone_lengths_by_subject
from pose_core.maths.metrics import mpjpe, pa_mpjpe, pck_3d, pck_auc
from pose_core.types import FloatArray

CHECKPOINT = "checkpoint.npz"
HISTORY = "history.jsonl"

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class ImageTrainSettings:
    """How to train; the rest is in the configuration's recipe."""

    steps: int = 0
    """Length of the run; 0 = as the recipe says."""
    minutes: float = 0.0
    """Length of the run by the clock instead; 0 = by steps. Such a run does not repeat itself exactly."""
    seed: int = 1
    variation: Augmentation | None = field(default_factory=Augmentation)
    validations: int = 20
    """How often in a run to measure on held-out samples."""
    validate_on: int = 512
    """Held-out samples to measure on, at most."""
    patience: int = 6
    """End the last stage after so many validations without a better one; 0 = never."""
    device: str = "cpu"
    mixed_precision: bool = True
    """On a GPU: products in half the precision. Weights stay in full."""
    half_on_cpu: bool = False
    """On a processor: products as bfloat16. With AVX-512 BF16 a step takes a tenth to two fifths less time; without it,
    more."""
    gradient_norm: float = 50.0
    """Longer gradients are cut to this."""


def train_image_network(
    name: str,
    config: NetworkConfig,
    train: ImageDataset,
    held_out: ImageDataset,
    settings: ImageTrainSettings,
    out: Path,
    *,
    resume: bool = False,
    report: Report | None = None,
) -> ImageNetwork:
    """Train a network and leave `checkpoint.npz` and `history.jsonl` in a folder.

    Args:
        name: in `NETWORKS`.
        config: its sizes and recipe.
        train: samples to train on.
        held_out: samples to measure on.
        settings: length, seed, device.
        out: folder.
        resume: go on from the checkpoint in `out`, if there is one.
        report: told about every validation and every few seconds of training.
    Returns:
        The network with the weights that did best on held-out samples.
    Raises:
        ModelError: the checkpoint is of another network or configuration, or the loss is no number any more.
        ShapeError: the data lack labels that the network needs.
    """
    out.mkdir(parents=True, exist_ok=True)
    device = torch.device(settings.device)
    network = build_network(name, config, settings.seed).to(device, memory_format=torch.channels_last)
    bank = bone_lengths_by_subject(train)
    if len(bank):
        network.set_reference_bones(torch.as_tensor(bank.mean(axis=0), dtype=torch.float32, device=device))
    run = _Run(name, network, _optimiser(network, config), settings, out)
    if resume and (out / CHECKPOINT).is_file():
        run.restore()
    else:
        (out / HISTORY).write_text("", encoding="utf-8")
    source = BatchSource(train, config.image_size, config.recipe.batch, settings.seed, settings.variation, bank_m=bank)
    rows = np.linspace(0, len(held_out) - 1, min(settings.validate_on, len(held_out))).astype(np.int64)
    test = scale_crops(held_out.read(rows), config.image_size)
    half = torch.bfloat16 if device.type == "cpu" or torch.cuda.is_bf16_supported() else torch.float16
    mixed = settings.half_on_cpu if device.type == "cpu" else settings.mixed_precision
    scaler = torch.amp.GradScaler(device.type, enabled=mixed and half == torch.float16)
    started = last_report = time.monotonic()
    before_s = run.spent_s
    network.train()
    with ThreadPoolExecutor(1, thread_name_prefix="pose-core-crops") as pool:
        for batch, bones in _read_ahead(pool, source, run):
            # dropout depends on the step alone, so that a resumed run repeats an unbroken one
            torch.manual_seed(settings.seed * 1_000_003 + run.step)
            stage, along = config.recipe.stage_at(run.progress)
            for group in run.optimiser.param_groups:
                group["lr"] = config.recipe.learning_rate * config.recipe.final_rate**along
            image, labels = to_tensors(batch, device, bones)
            with torch.autocast(device.type, dtype=half, enabled=mixed):
                output = network(image.to(memory_format=torch.channels_last))
            loss, terms = network.loss(_in_full(output), labels, stage)
            if not bool(torch.isfinite(loss)):
                raise ModelError(
                    f"The loss became {float(loss)} in step {run.step}.", "Lower the learning rate, or check the data."
                )
            run.optimiser.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(run.optimiser)
            torch.nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_norm)
            scaler.step(run.optimiser)
            scaler.update()
            run.note(stage, float(loss.detach()), terms)
            now = time.monotonic()
            run.spent_s = before_s + now - started
            if report is not None and now - last_report > 10:
                last_report = now
                report({"event": "step", **run.facts()})
            if run.is_time_to_validate() and run.validate(test, stage, report):
                break
    if run.step > run.validated_at:
        run.validate(test, config.recipe.stage_at(1.0)[0], report)
    return run.best_network()


def predict(network: ImageNetwork, batch: ImageBatch, rows: int = 32) -> dict[str, FloatArray]:
    """`joints_px`, `confidence`, `joints_m` of samples of the network's size, as far as it has them."""
    device = next(network.parameters()).device
    image, _ = to_tensors(batch, device)
    was_training = network.training
    network.eval()
    parts: dict[str, list[FloatArray]] = {}
    with torch.no_grad():
        for first in range(0, len(batch), rows):
            output = network(image[first : first + rows])
            for key in ("joints_px", "confidence", "joints_m"):
                value = getattr(output, key)
                if value is not None:
                    parts.setdefault(key, []).append(value.float().cpu().numpy().astype(np.float64))
    network.train(was_training)
    return {key: np.concatenate(values) for key, values in parts.items()}


def score(network: ImageNetwork, batch: ImageBatch) -> dict[str, float]:
    """Errors on samples of the network's size: 2D in per cent of the picture, 3D in mm and shares; as far as there are
    labels and the network has an opinion."""
    said = predict(network, batch)
    figures: dict[str, float] = {}
    if "joints_px" in said:
        distance = np.linalg.norm(said["joints_px"] - batch.joints_px, axis=-1)
        figures["error_2d_percent"] = 100 * float(np.nanmean(distance)) / network.config.image_size
    rows = batch.has_3d
    if "joints_m" in said and np.any(rows):
        estimate, truth = said["joints_m"][rows], batch.joints_m[rows].astype(np.float64)
        figures |= {
            "mpjpe_mm": 1000 * mpjpe(estimate, truth),
            "pa_mpjpe_mm": 1000 * pa_mpjpe(estimate, truth),
            "pck": pck_3d(estimate, truth),
            "auc": pck_auc(estimate, truth),
        }
    return figures


def load_trained(folder: Path) -> tuple[ImageNetwork, dict[str, Any]]:
    """The best network of a run, and what is known about the run.

    Raises:
        ModelError: the checkpoint is none of an image network.
        MotionFileError: there is none, or it is damaged.
    """
    groups, facts = load_checkpoint(folder / CHECKPOINT)
    name = facts.get("network")
    if name not in NETWORKS:
        raise ModelError(f"'{folder / CHECKPOINT}' is of '{name}', which is no image network.")
    like = next(iter(NETWORKS[name].configs.values()))
    network = build_network(name, config_from_facts(like, facts["config"]))
    network.load_state_dict(groups["best"] if "best" in groups else groups["network"])
    return network.eval(), facts


def _in_full(output: Any) -> Any:
    """Outputs in single precision, so that losses are."""
    values: dict[str, Any] = {}
    for key, value in vars(output).items():
        if isinstance(value, torch.Tensor):
            values[key] = value.float()
        elif isinstance(value, tuple):
            values[key] = tuple(v.float() for v in value)
        elif isinstance(value, Mapping):
            values[key] = {k: v.float() for k, v in value.items()}
        else:
            values[key] = value
    return type(output)(**values)


def _read_ahead(
    pool: ThreadPoolExecutor, source: BatchSource, run: _Run
) -> Iterator[tuple[ImageBatch, FloatArray | None]]:
    """Batches made beside the training, until the run is over."""
    coming = pool.submit(source, run.step)
    while run.progress < 1.0:
        made = coming.result()
        coming = pool.submit(source, run.step + 1)
        yield made


def _optimiser(network: ImageNetwork, config: NetworkConfig) -> torch.optim.Optimizer:
    recipe, parameters = config.recipe, [p for p in network.parameters() if p.requires_grad]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    match recipe.optimiser:
        case "adadelta":
            return torch.optim.Adadelta(parameters, lr=rate, rho=recipe.momentum, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr=rate, alpha=recipe.momentum, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(parameters, lr=rate, momentum=recipe.momentum, weight_decay=decay)
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)


@dataclass
class _Run:
    """Where a run is."""

    name: str
    network: ImageNetwork
    optimiser: torch.optim.Optimizer
    settings: ImageTrainSettings
    out: Path
    step: int = 0
    spent_s: float = 0.0
    first_loss: dict[str, float] = field(default_factory=dict)
    """Of each stage."""
    running: dict[str, float] = field(default_factory=dict)
    stage: str = ""
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    best_figure: float = float("inf")
    best_step: int = 0
    since_best: int = 0
    validated_at: int = -1
    validations_done: int = 0

    @property
    def steps(self) -> int:
        return self.settings.steps or self.network.config.recipe.steps

    @property
    def progress(self) -> float:
        if self.settings.minutes:
            return self.spent_s / (60 * self.settings.minutes)
        return self.step / self.steps

    def note(self, stage: str, loss: float, terms: Mapping[str, torch.Tensor]) -> None:
        values = {"loss": loss, **{key: float(value) for key, value in terms.items()}}
        if stage != self.stage:
            # another stage has other terms
            self.stage, self.running = stage, {}
        self.first_loss.setdefault(stage, loss)
        for key, value in values.items():
            self.running[key] = 0.9 * self.running.get(key, value) + 0.1 * value
        self.step += 1

    def facts(self) -> dict[str, Any]:
        return {
            "step": self.step, "progress": self.progress, "spent_s": self.spent_s, "stage": self.stage,
            "train": self.running,
        }  # fmt: skip

    def is_time_to_validate(self) -> bool:
        every = max(1, -(-self.steps // self.settings.validations))
        if self.settings.minutes:
            return int(self.progress * self.settings.validations) > self.validations_done
        return self.step % every == 0

    def validate(self, test: ImageBatch, stage: str, report: Report | None) -> bool:
        """Measure, keep the best weights, save; True if the run should end for want of progress."""
        figures = score(self.network, test)
        self.validated_at = self.step
        self.validations_done += 1
        recipe = self.network.config.recipe
        if stage == recipe.stages[-1][0]:
            figure = figures.get(self.network.selected_by, figures.get("error_2d_percent", float("inf")))
            if figure < self.best_figure or not self.best:
                self.best = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
                self.best_figure, self.best_step, self.since_best = figure, self.step, 0
            else:
                self.since_best += 1
        row = {**self.facts(), "held_out": figures}
        with (self.out / HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.save()
        if report is not None:
            report({"event": "validation", **row})
        return bool(self.settings.patience) and self.since_best >= self.settings.patience

    def save(self) -> None:
        state: dict[str, torch.Tensor] = {}
        for index, memory in self.optimiser.state_dict()["state"].items():
            for key, value in memory.items():
                if value is not None:
                    state[f"{index}.{key}"] = torch.as_tensor(value)
        groups = {"network": self.network.state_dict(), "optimiser": state}
        if self.best:
            groups["best"] = self.best
        facts = {
            "network": self.name, "config": config_facts(self.network.config), "settings": asdict(self.settings),
            "step": self.step, "spent_s": self.spent_s, "first_loss": self.first_loss, "running": self.running,
            "stage": self.stage, "best_figure": self.best_figure, "best_step": self.best_step,
            "since_best": self.since_best, "validated_at": self.validated_at,
            "validations_done": self.validations_done,
        }  # fmt: skip
        save_checkpoint(self.out / CHECKPOINT, groups, facts)

    def restore(self) -> None:
        path = self.out / CHECKPOINT
        groups, facts = load_checkpoint(path)
        own = json.loads(json.dumps(config_facts(self.network.config)))
        theirs = facts.get("config")
        if facts.get("network") != self.name or theirs != own:
            differing = [k for k in own if not isinstance(theirs, dict) or theirs.get(k) != own[k]]
            raise ModelError(
                f"The checkpoint '{path.name}' is of network '{facts.get('network')}' with another configuration "
                f"({', '.join(differing) or 'other network'}).",
                "Start anew without --resume, or name the network and configuration of the run.",
            )
        try:
            self.network.load_state_dict(groups["network"])
            memory: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in groups.get("optimiser", {}).items():
                index, _, part = key.partition(".")
                memory.setdefault(int(index), {})[part] = value
            state = self.optimiser.state_dict()
            self.optimiser.load_state_dict({"state": memory, "param_groups": state["param_groups"]})
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(f"The checkpoint '{path.name}' does not fit ({error}).", "Start anew.") from error
        self.best = groups.get("best", {})
        for key in ("step", "spent_s", "first_loss", "running", "stage", "best_figure", "best_step", "since_best",
                    "validated_at", "validations_done"):  # fmt: skip
            setattr(self, key, facts[key])

    def best_network(self) -> ImageNetwork:
        if self.best:
            self.network.load_state_dict(self.best)
        return self.network.eval()
