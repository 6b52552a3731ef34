"""The training loop."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pose_core.lab.datasets.mocap import MocapSplit
from pose_core.lab.nets.lifter import LifterNetwork, LifterShape
from pose_core.lab.train.common.checkpoint import load_checkpoint, save_checkpoint
from pose_core.lab.train.lifter.extra_losses import ExtraTargets, ExtraWeights, extra_loss
from pose_core.lab.train.lifter.initial import start_from
from pose_core.lab.train.lifter.losses import LossWeights, frame_weights, lifter_loss
from pose_core.lab.train.lifter.mixing import HEADS
from pose_core.lab.train.lifter.samples import Samples, SampleSettings, SampleSource
from pose_core.lab.train.lifter.validation import (
    NOISES,
    STANDING,
    Lift,
    ValidationSet,
    make_standing_set,
    make_validation_set,
    score,
    score_standing,
)

CHECKPOINT = "checkpoint.npz"
HISTORY = "history.jsonl"


@dataclass(frozen=True)
class TrainSettings:
    """How to train."""

    steps: int = 0
    """Length of the run in steps: the run repeats itself exactly on the same machine. 0 = by the clock."""
    minutes: float = 60.0
    """Length of the run where `steps` is 0; learning rate and end follow the clock."""
    batch: int = 40
    """Sequences a step."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warm_up: int = 250
    """Steps until the full learning rate."""
    ema: float = 0.9985
    """Decay of the running mean of the weights, which is what is exported."""
    seed: int = 1
    validate_minutes: float = 4.0
    checkpoint_minutes: float = 2.5
    device: str = "cpu"
    bfloat16: bool = True
    """Matrix products in bfloat16; weights stay in float32."""
    heads_only: bool = False
    """Train contacts and the further answers alone: joints and their sigma stay what they are."""
    started_from: str = ""
    """SHA-256 of the exported network whose weights the run began with; empty = drawn at random."""
    earlier_steps: int = 0
    earlier_minutes: float = 0.0
    """What that network had been trained for."""


Report = Callable[[dict[str, Any]], None]


def train_lifter(
    split: MocapSplit,
    shape: LifterShape,
    samples: SampleSettings,
    settings: TrainSettings,
    out: Path,
    *,
    resume: bool = False,
    start: Mapping[str, torch.Tensor] | None = None,
    report: Report | None = None,
) -> LifterNetwork:
    """Train a lifter and leave checkpoints and a history of errors in a folder.

    Args:
        split: recordings.
        shape: size of the network.
        samples: what to make of the recordings.
        settings: how to train.
        out: folder for `checkpoint.npz` and `history.jsonl`.
        resume: go on from the checkpoint in `out`, if there is one.
        start: weights to start from, by parameter; what they lack is drawn.
        report: told about every validation and every few seconds of training.
    Returns:
        The network with averaged weights.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    device = torch.device(settings.device)
    network = LifterNetwork(shape).to(device)
    if start is not None:
        start_from(network, start)
    if settings.heads_only:
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.startswith(HEADS))
    mean = LifterNetwork(shape).to(device)
    mean.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(_parameter_groups(network, settings.weight_decay), lr=settings.learning_rate)
    step, spent_s = 0, 0.0
    if resume and (out / CHECKPOINT).is_file():
        step, spent_s = _restore(out / CHECKPOINT, network, mean, optimiser)
    else:
        (out / HISTORY).write_text("")
    tests = _validation_sets(split, settings.seed)
    source = SampleSource(split.train, samples)
    state = _State(network, mean, optimiser, out, shape, settings, step, spent_s)
    weights = LossWeights()
    running: dict[str, float] = {}
    started = last_validation = last_checkpoint = last_report = time.monotonic()
    with ThreadPoolExecutor(1, thread_name_prefix="pose-core-samples") as pool:
        for batch in _read_ahead(pool, source, settings, step):
            progress = state.progress
            if progress >= 1.0:
                break
            for group in optimiser.param_groups:
                group["lr"] = _learning_rate(settings, state.step, progress)
            terms = _train_step(network, optimiser, batch, weights, device, settings.bfloat16)
            state.step += 1
            _average(mean, network, min(settings.ema, (1 + state.step) / (10 + state.step)))
            for name, value in terms.items():
                running[name] = 0.98 * running.get(name, value) + 0.02 * value
            now = time.monotonic()
            state.spent_s = spent_s + now - started
            if report is not None and now - last_report > 15:
                last_report = now
                report({"event": "step", "step": state.step, "progress": progress, "spent_s": state.spent_s, **running})
            if now - last_checkpoint > 60 * settings.checkpoint_minutes:
                state.save()
                last_checkpoint = now
            if now - last_validation > 60 * settings.validate_minutes:
                last_validation = now
                _validate(state, tests, running, report)
    state.save()
    _validate(state, tests, running, report)
    return mean


def network_as_lift(network: LifterNetwork) -> Lift:
    """A network as a plain function on arrays."""

    def lift(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        device = next(network.parameters()).device
        with torch.no_grad():
            joints, log_sigma, logits = network.lift_frames(torch.from_numpy(features).to(device))[:3]
        return joints.cpu().numpy(), log_sigma.cpu().numpy(), logits.cpu().numpy()

    return lift


def load_network(path: Path) -> tuple[LifterNetwork, dict[str, Any]]:
    """The averaged network of a checkpoint, and what is known about its training."""
    groups, facts = load_checkpoint(path)
    shape = dict(facts["shape"])
    shape["dilations"] = tuple(shape["dilations"])
    network = LifterNetwork(LifterShape(**shape))
    network.load_state_dict(groups["mean"])
    return network.eval(), facts


@dataclass
class _State:
    network: LifterNetwork
    mean: LifterNetwork
    optimiser: torch.optim.AdamW
    out: Path
    shape: LifterShape
    settings: TrainSettings
    step: int
    spent_s: float

    @property
    def progress(self) -> float:
        if self.settings.steps:
            return self.step / self.settings.steps
        return self.spent_s / (60 * self.settings.minutes)

    def save(self) -> None:
        moments: dict[str, dict[str, torch.Tensor]] = {"first": {}, "second": {}}
        for name, parameter in self.network.named_parameters():
            memory = self.optimiser.state.get(parameter)
            if memory:
                moments["first"][name], moments["second"][name] = memory["exp_avg"], memory["exp_avg_sq"]
        save_checkpoint(
            self.out / CHECKPOINT,
            {"network": self.network.state_dict(), "mean": self.mean.state_dict(), **moments},
            {
                "step": self.step,
                "spent_s": self.spent_s,
                "progress": self.progress,
                "shape": asdict(self.shape),
                "settings": asdict(self.settings),
            },
        )


def _read_ahead(
    pool: ThreadPoolExecutor, source: SampleSource, settings: TrainSettings, first: int
) -> Iterator[Samples]:
    """Batches made beside the training; the batch of a step depends on the seed and the step alone."""

    def make(step: int) -> Samples:
        return source.draw(np.random.default_rng([settings.seed, step]), settings.batch)

    step = first
    coming: list[Future[Samples]] = [pool.submit(make, step), pool.submit(make, step + 1)]
    while True:
        samples = coming.pop(0).result()
        coming.append(pool.submit(make, step + 2))
        step += 1
        yield samples


def _train_step(
    network: LifterNetwork,
    optimiser: torch.optim.AdamW,
    s: Samples,
    weights: LossWeights,
    device: torch.device,
    bfloat16: bool,
) -> dict[str, float]:
    def tensor(array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array.astype(np.float32, copy=False)).to(device)

    network.train()
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
        output = network.lift_frames(tensor(s.features))
    loss, terms = lifter_loss(
        output[:3],
        tensor(s.joints_m),
        tensor(s.joint_weight),
        frame_weights(tensor(s.confidence)),
        tensor(s.contacts),
        tensor(s.contact_weight),
        weights,
    )
    if network.shape.extras:
        target = ExtraTargets(
            tensor(s.joints_m), tensor(s.joint_weight), frame_weights(tensor(s.confidence)), tensor(s.up),
            tensor(s.supports), tensor(s.contact_weight),
        )  # fmt: skip
        further, more = extra_loss(output, target, ExtraWeights())
        loss, terms = loss + further, terms | more
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
    return {name: float(value) for name, value in terms.items()}


def _parameter_groups(network: LifterNetwork, decay: float) -> list[dict[str, Any]]:
    matrices = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in network.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _learning_rate(settings: TrainSettings, step: int, progress: float) -> float:
    warm = min((step + 1) / settings.warm_up, 1.0)
    return settings.learning_rate * warm * (0.005 + 0.995 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def _average(mean: LifterNetwork, network: LifterNetwork, decay: float) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(list(mean.parameters()), list(network.parameters()), 1 - decay)


def _restore(
    path: Path, network: LifterNetwork, mean: LifterNetwork, optimiser: torch.optim.AdamW
) -> tuple[int, float]:
    groups, facts = load_checkpoint(path)
    network.load_state_dict(groups["network"])
    mean.load_state_dict(groups["mean"])
    for name, parameter in network.named_parameters():
        if name in groups.get("first", {}):
            optimiser.state[parameter] = {
                "step": torch.tensor(float(facts["step"])),
                "exp_avg": groups["first"][name].to(parameter.device),
                "exp_avg_sq": groups["second"][name].to(parameter.device),
            }
    return int(facts["step"]), float(facts["spent_s"])


def _validation_sets(split: MocapSplit, seed: int) -> list[ValidationSet]:
    sets = []
    for noise, level in NOISES.items():
        if len(split.subjects):
            sets.append(make_validation_set(f"subjects {noise}", split.subjects, level, 10, seed + 1000))
        if len(split.sources):
            sets.append(make_validation_set(f"sources {noise}", split.sources, level, 14, seed + 2000))
    for name, standing in STANDING.items():
        test = make_standing_set(name, split.subjects, standing, 60, seed + 3000)
        if test is not None:
            sets.append(test)
    return sets


def _validate(state: _State, tests: list[ValidationSet], running: dict[str, float], report: Report | None) -> None:
    state.mean.eval()
    row: dict[str, Any] = {"step": state.step, "progress": state.progress, "spent_s": state.spent_s, "train": running}
    lift = network_as_lift(state.mean)
    row["held_out"] = {test.name: score(test, lift) for test in tests if test.name not in STANDING}
    row["standing"] = {test.name: score_standing(test, lift) for test in tests if test.name in STANDING}
    with (state.out / HISTORY).open("a") as file:
        file.write(json.dumps(row) + "\n")
    if report is not None:
        report({"event": "validation", **row})
