"""Train an image network and export it.

    python scripts/train_network.py habibie2019 --config small --data DATA_FOLDER --minutes 120
    python scripts/train_network.py --all --config tiny

Without --data the pictures are stick figures made on the fly: enough to see that a network trains. Needs the `train`
extra. What comes out can be used with `pose-core models register OUT/NAME.onnx` and `--model NAME`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.errors import ConfigError, PoseCoreError

if TYPE_CHECKING:
    from pose_core.nets.base import NetworkConfig
    from pose_core.train.datasets.augment import Augmentation
    from pose_core.train.image_samples import ImageDataset

_STICKS_TO_TRAIN, _STICKS_HELD_OUT = 600, 60
_STICKS_TINY = 8
_SAME = "Eight stick figures, the same to train and to measure on: this shows that it can learn, no more"
_MUST_FALL = 0.35
"""A tiny run must bring its loss below this share of the first, or it did not train."""


def main() -> int:
    options = _parse()
    import torch

    from pose_core.nets.registry import NETWORKS

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
    from pose_core.nets.registry import network_config
    from pose_core.train.image_loop import HISTORY, ImageTrainSettings, load_trained, train_image_network
    from pose_core.train.report import read_history

    config = network_config(name, options.config, _changes(options.set))
    out = Path(options.out) / f"{name}-{options.config}" if options.all or not options.exact_out else Path(options.out)
    train, held_out, variation, source = _data(name, config, options)
    is_overfit = not options.data and options.config == "tiny"
    settings = ImageTrainSettings(
        steps=options.steps, minutes=options.minutes, seed=options.seed, device=options.device, variation=variation,
        validations=3 if options.config == "tiny" else 20, patience=0 if is_overfit else options.patience,
    )  # fmt: skip
    people = sorted({held_out.subjects[i] for i in held_out.subject})
    print(f"{name}, {options.config}: {len(train)} samples, {len(held_out)} held out ({', '.join(people)})", flush=True)
    network = train_image_network(
        name, config, train, held_out, settings, out, resume=options.resume, report=_tell
    )  # fmt: skip
    _, facts = load_trained(out)
    data = {
        "name": source, "train": len(train), "with_3d": int(train.has_3d.sum()), "held_out": len(held_out),
        "held_out_people": people,
    }  # fmt: skip
    training = {
        "steps": facts["step"], "minutes": facts["spent_s"] / 60, "seed": options.seed, "device": options.device,
        "best_step": facts["best_step"],
    }  # fmt: skip
    _export(name, options, network, held_out, out, {"config": facts["config"], "data": data, "training": training})
    first, last = facts["first_loss"][facts["stage"]], read_history(out / HISTORY)[-1]["train"]["loss"]
    print(f"  loss of stage {facts['stage']}: {first:.3g} at first, {last:.3g} in the end", flush=True)
    if is_overfit and not last < _MUST_FALL * first:
        raise PoseCoreError(f"{name} does not train: its loss went from {first:.3g} to {last:.3g} only.")


def _export(
    name: str, options: argparse.Namespace, network: Any, held_out: ImageDataset, out: Path, facts: dict[str, Any]
) -> None:
    import numpy as np

    from pose_core.nets.registry import NETWORKS
    from pose_core.train.datasets.augment import scale_crops
    from pose_core.train.image_export import export_network, write_description
    from pose_core.train.image_loop import HISTORY, score
    from pose_core.train.image_report import draw_curves, draw_examples, write_card
    from pose_core.train.report import read_history

    network = network.cpu()
    rows = np.linspace(0, len(held_out) - 1, min(len(held_out), 512)).astype(np.int64)
    batch = scale_crops(held_out.read(rows), network.config.image_size)
    onnx = out / f"{name}.onnx"
    parity = export_network(network, onnx, batch.take(np.arange(min(4, len(batch)))))
    held = score(network, batch)
    write_description(
        onnx.with_suffix(".json"), onnx, network,
        {
            "network": name, "size": options.config, "title": f"{NETWORKS[name].title} ({options.config}, your own)",
            "licence": options.licence, "parity": parity, "held_out": held, **facts,
        },
    )  # fmt: skip
    write_card(out / "MODEL_CARD.md", json.loads(onnx.with_suffix(".json").read_text(encoding="utf-8")))
    draw_curves(read_history(out / HISTORY), out / "curves.png")
    draw_examples(network, batch, out / "examples.png")
    print(f"  {onnx}: {onnx.stat().st_size / 1e6:.1f} MB, {_figures(held)}", flush=True)


def _data(
    name: str, config: NetworkConfig, options: argparse.Namespace
) -> tuple[ImageDataset, ImageDataset, Augmentation | None, str]:
    """Samples to train on, held-out samples, how to vary pictures, and what the data are called."""
    import numpy as np

    from pose_core.train.datasets.augment import Augmentation
    from pose_core.train.image_samples import ImageSubset, split_by_subject
    from pose_core.train.stick_figures import StickFigures

    learns_without_3d = name in ("habibie2019", "tome2017", "li_chan2014_2d")
    if options.data:
        from pose_core.train.datasets.rendered import read_rendered

        # samples of another look give 2D labels alone, as pictures from outdoors do
        splits = ("train", "wild_train") if options.wild and learns_without_3d else ("train",)
        everything: ImageDataset = read_rendered(Path(options.data), splits)
        if options.hold_out:
            train, held_out = split_by_subject(everything, tuple(options.hold_out))
        else:
            train = ImageSubset(everything, np.arange(len(everything)))
            measured = read_rendered(Path(options.data), (options.measure_on,))
            held_out = ImageSubset(measured, np.arange(len(measured)))
        train = ImageSubset(train.source, train.rows, ("wild",) if "wild" in train.looks else ())
        return train if learns_without_3d else _with_3d(train), held_out, Augmentation(), Path(options.data).name
    if options.config == "tiny":
        # the same eight samples: can the network learn at all?
        figures = StickFigures(_STICKS_TINY, config.image_size, options.seed, only_2d=name == "habibie2019")
        return (
            figures,
            StickFigures(_STICKS_TINY, config.image_size, options.seed, only_2d=False),
            None,
            "stick figures",
        )
    figures = StickFigures(_STICKS_TO_TRAIN + _STICKS_HELD_OUT, config.image_size, options.seed)
    train = ImageSubset(figures, np.arange(_STICKS_TO_TRAIN))
    held_out = ImageSubset(figures, np.arange(_STICKS_TO_TRAIN, len(figures)))
    # the sticks' colours say which side is which, so that a mirrored person is no person
    variation = Augmentation(flip=0.0)
    return train if learns_without_3d else _with_3d(train), held_out, variation, "stick figures"


def _with_3d(dataset: Any) -> ImageDataset:
    import numpy as np

    from pose_core.train.image_samples import ImageSubset

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
    parser.add_argument("--wild", action="store_true", help="mix in the second look, with 2D labels alone")
    parser.add_argument("--measure-on", default="validation", metavar="SPLIT", help="validation, test or wild_test")
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
    parser.add_argument(
        "--licence", default="unknown", help="terms of the weights, which follow from those of the data"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
