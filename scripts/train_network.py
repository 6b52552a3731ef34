"""Train an image network and export it.

    python scripts/train_network.py habibie2019 --config small --data DATA_FOLDER --minutes 120
    python scripts/train_network.py --all --config tiny

The weights that do best on the people of `validation` are kept; those of `test` measure them once, in the end. Without
--data the pictures are stick figures made on the fly: enough to see that a network trains. Needs the `train`
extra. What comes out can be used with `pose-core models register OUT/NAME.onnx` and `--model NAME`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.errors import ConfigError, PoseCoreError

if TYPE_CHECKING:
    from pose_core.lab.datasets.augment import Augmentation
    from pose_core.lab.nets.base import NetworkConfig
    from pose_core.lab.train.images.samples import ImageDataset

_STICKS_TO_TRAIN, _STICKS_HELD_OUT = 600, 60
_STICKS_TINY = 8
_MEASURED = 2000
"""Samples to measure on in the end, at most."""
_SAME = "Eight stick figures, the same to train and to measure on: this shows that it can learn, no more"
_MUST_FALL = 0.35
"""A tiny run must bring its loss below this share of the first, or it did not train."""


def main() -> int:
    options = _parse()
    import torch

    from pose_core.lab.nets.registry import NETWORKS

    if options.threads:
        torch.set_num_threads(options.threads)
    names = list(NETWORKS) if options.all else options.names
    if not names:
        print(f"Name a network, or --all: {', '.join(NETWORKS)}.", file=sys.stderr)
        return 2
    try:
        for name in names:
            _train(name, options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except PoseCoreError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _train(name: str, options: argparse.Namespace) -> None:
    from pose_core.lab.nets.registry import network_config
    from pose_core.lab.train.images.loop import HISTORY, ImageTrainSettings, load_trained, train_image_network
    from pose_core.lab.train.lifter.report import read_history

    config = network_config(name, options.config, _changes(options.set))
    out = Path(options.out) / f"{name}-{options.config}" if options.all or not options.exact_out else Path(options.out)
    data = _data(name, config, options)
    train, held_out, measured = data.train, data.held_out, data.measured
    is_overfit = not options.data and options.config == "tiny"
    settings = ImageTrainSettings(
        steps=options.steps, minutes=options.minutes, seed=options.seed, device=options.device,
        variation=data.variation, validations=3 if options.config == "tiny" else 20,
        patience=0 if is_overfit else options.patience, half_on_cpu=options.half,
    )  # fmt: skip
    print(
        f"{name}, {options.config}: {len(train)} samples; {len(held_out)} of {_people(held_out)} others choose the "
        f"weights, {len(measured)} of {_people(measured)} measure them{' (THE SAME)' if data.is_same else ''}",
        flush=True,
    )
    network = train_image_network(
        name, config, train, held_out, settings, out, resume=options.resume, report=_tell
    )  # fmt: skip
    _, facts = load_trained(out)
    described = {
        "name": data.source, "train": len(train), "with_3d": int(train.has_3d.sum()), "held_out": len(measured),
        "held_out_people": _people(measured), "chosen_by_others": not data.is_same,
    }  # fmt: skip
    training = {
        "steps": facts["step"], "minutes": facts["spent_s"] / 60, "seed": options.seed, "device": options.device,
        "best_step": facts["best_step"],
    }  # fmt: skip
    _export(name, options, network, measured, out, {"config": facts["config"], "data": described, "training": training})
    first, last = facts["first_loss"][facts["stage"]], read_history(out / HISTORY)[-1]["train"]["loss"]
    print(f"  loss of stage {facts['stage']}: {first:.3g} at first, {last:.3g} in the end", flush=True)
    if is_overfit and not last < _MUST_FALL * first:
        raise PoseCoreError(f"{name} does not train: its loss went from {first:.3g} to {last:.3g} only.")


def _people(dataset: ImageDataset) -> int:
    return len(set(dataset.subject.tolist()))


def _export(
    name: str, options: argparse.Namespace, network: Any, measured: ImageDataset, out: Path, facts: dict[str, Any]
) -> None:
    import numpy as np

    from pose_core.lab.datasets.augment import scale_crops
    from pose_core.lab.nets.registry import NETWORKS
    from pose_core.lab.train.images.export import export_network, write_description
    from pose_core.lab.train.images.loop import HISTORY, score
    from pose_core.lab.train.images.report import draw_curves, draw_examples, write_card
    from pose_core.lab.train.lifter.report import read_history

    network = network.cpu()
    rows = np.linspace(0, len(measured) - 1, min(len(measured), _MEASURED)).astype(np.int64)
    batch = scale_crops(measured.read(rows), network.config.image_size)
    onnx = out / f"{name}.onnx"
    parity = export_network(network, onnx, batch.take(np.arange(min(4, len(batch)))))
    held = score(network, batch)
    write_description(
        onnx.with_suffix(".json"), onnx, network,
        {
            "network": name, "size": options.config,
            "title": options.title or f"{NETWORKS[name].title} ({options.config}, your own)",
            "licence": options.licence, "parity": parity, "held_out": held, **facts,
        },
    )  # fmt: skip
    write_card(out / "MODEL_CARD.md", json.loads(onnx.with_suffix(".json").read_text(encoding="utf-8")))
    draw_curves(read_history(out / HISTORY), out / "curves.png")
    draw_examples(network, batch, out / "examples.png")
    print(f"  {onnx}: {onnx.stat().st_size / 1e6:.1f} MB; measured: {_figures(held)}", flush=True)


@dataclass(frozen=True)
class _Data:
    """What a run needs of a data set."""

    train: ImageDataset
    held_out: ImageDataset
    """By these the best weights are chosen."""
    measured: ImageDataset
    """These measure them in the end."""
    variation: Augmentation | None
    source: str

    @property
    def is_same(self) -> bool:
        """Whether the weights are chosen by the samples that measure them."""
        return self.measured is self.held_out


def _data(name: str, config: NetworkConfig, options: argparse.Namespace) -> _Data:
    import numpy as np

    from pose_core.lab.datasets.augment import Augmentation
    from pose_core.lab.train.images.samples import ImageSubset, split_by_subject
    from pose_core.lab.train.images.stick_figures import StickFigures

    learns_without_3d = name in ("habibie2019", "tome2017", "li_chan2014_2d")
    if options.data:
        takes_wild = options.wild == "3d" or (options.wild == "2d" and learns_without_3d)
        everything = _read(options, ("train", "wild_train") if takes_wild else ("train",), config.image_size)
        if options.hold_out:
            train, held_out = split_by_subject(everything, tuple(options.hold_out))
            measured: ImageDataset = held_out
        else:
            train = ImageSubset(everything, np.arange(len(everything)))
            held_out = _read(options, (options.choose_on,), config.image_size)
            is_same = options.measure_on == options.choose_on
            measured = held_out if is_same else _read(options, (options.measure_on,), config.image_size)
        # by choice, samples of another look give 2D labels alone, as pictures from outdoors do
        train = ImageSubset(train.source, train.rows, ("wild",) if takes_wild and options.wild == "2d" else ())
        train = train if learns_without_3d else _with_3d(train)
        return _Data(train, held_out, measured, Augmentation(), Path(options.data).name)
    if options.config == "tiny":
        # the same eight samples: can the network learn at all?
        figures = StickFigures(_STICKS_TINY, config.image_size, options.seed, only_2d=name == "habibie2019")
        all_3d = StickFigures(_STICKS_TINY, config.image_size, options.seed, only_2d=False)
        return _Data(figures, all_3d, all_3d, None, "stick figures")
    figures = StickFigures(_STICKS_TO_TRAIN + _STICKS_HELD_OUT, config.image_size, options.seed)
    train = ImageSubset(figures, np.arange(_STICKS_TO_TRAIN))
    held_out = ImageSubset(figures, np.arange(_STICKS_TO_TRAIN, len(figures)))
    # the sticks' colours say which side is which, so that a mirrored person is no person
    variation = Augmentation(flip=0.0)
    return _Data(train if learns_without_3d else _with_3d(train), held_out, held_out, variation, "stick figures")


def _read(options: argparse.Namespace, splits: tuple[str, ...], size: int) -> ImageDataset:
    from pose_core.lab.datasets.in_memory import InMemory
    from pose_core.lab.datasets.rendered import read_rendered

    dataset = read_rendered(Path(options.data), splits)
    return InMemory(dataset, size) if options.in_memory else dataset


def _with_3d(dataset: Any) -> ImageDataset:
    import numpy as np

    from pose_core.lab.train.images.samples import ImageSubset

    return ImageSubset(dataset.source, dataset.rows[np.flatnonzero(dataset.has_3d)], dataset.hide_3d_of_looks)


def _changes(texts: list[str]) -> dict[str, Any]:
    """`--set name=value` as settings; values as in JSON, else as text.

    Raises:
        ConfigError: without a '='.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark:
            raise ConfigError(f"--set needs NAME=VALUE, but '{text}' came.")
        try:
            changes[name] = json.loads(value)
        except json.JSONDecodeError:
            changes[name] = value
    return changes


def _tell(row: dict[str, Any]) -> None:
    train = "  ".join(f"{key} {value:.4g}" for key, value in row["train"].items())
    held = f"  | held out: {_figures(row['held_out'])}" if row["event"] == "validation" else ""
    print(
        f"  step {row['step']:6d}  {100 * row['progress']:5.1f} %  {row['spent_s'] / 60:5.1f} min  "
        f"{row['stage']}: {train}{held}",
        flush=True,
    )


def _figures(held_out: dict[str, float]) -> str:
    return "  ".join(f"{key} {value:.4g}" for key, value in held_out.items())


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which networks")
    parser.add_argument("--all", action="store_true", help="every network, one after the other")
    parser.add_argument("--config", default="small", metavar="SIZE", help="tiny, small or paper")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting, e.g. for ablations"
    )
    parser.add_argument("--data", metavar="DIR", help="folder with a data set (default: stick figures)")
    parser.add_argument("--hold-out", action="append", default=[], metavar="SUBJECT", help="people to measure on")
    parser.add_argument(
        "--wild",
        nargs="?",
        const="2d",
        choices=("2d", "3d"),
        help="mix in the second look, with 2D labels or all",
    )
    parser.add_argument("--choose-on", default="validation", metavar="SPLIT", help="people that choose the weights")
    parser.add_argument("--measure-on", default="test", metavar="SPLIT", help="people that measure them in the end")
    parser.add_argument("--in-memory", action="store_true", help="decode every picture once and keep it, scaled")
    parser.add_argument("--out", default="runs", help="folder for one folder a network")
    parser.add_argument("--exact-out", action="store_true", help="put a single network's results straight into --out")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint there")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, default=0, help="length of the run (default: as the configuration says)")
    length.add_argument("--minutes", type=float, default=0.0, help="length of the run by the clock")
    parser.add_argument("--patience", type=int, default=6, help="end after so many validations without a better one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 = all")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--half", action="store_true", help="on a processor: products as bfloat16 (AVX-512 BF16)")
    parser.add_argument("--title", default="", help="what to call the exported network in lists")
    parser.add_argument(
        "--licence", default="unknown", help="terms of the weights, which follow from those of the data"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
