"""Train the temporal lifter and export it.

    python scripts/train_lifter.py --data MOCAP_FOLDER --minutes 70 --out runs/lifter

Needs the `train` extra. The weights in the package are replaced only with --install.
"""

from __future__ import annotations

import tools.needs  # noqa: F401

# isort: split
import argparse
import hashlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import PoseCoreError

if TYPE_CHECKING:
    from pose_core.lab.datasets.mocap import MocapSplit

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = {
    "lifter.onnx": "pose_core/weights",
    "lifter.json": "pose_core/weights",
    "MODEL_CARD.md": "pose_core/weights",
    "lifter_training.png": "docs/results",
}
"""Where --install puts what the export wrote."""


def main() -> int:
    options = _parse()
    import torch

    from pose_core.lab.datasets.mocap import split_mocap
    from pose_core.lab.datasets.mocap_folder import read_folder
    from pose_core.lab.nets.lifter import LifterShape
    from pose_core.lab.train.lifter.initial import read_start_weights
    from pose_core.lab.train.lifter.loop import CHECKPOINT, TrainSettings, train_lifter
    from pose_core.lab.train.lifter.mixing import mix_checkpoints
    from pose_core.lab.train.lifter.samples import SampleSettings

    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        split = split_mocap(read_folder(Path(options.data)))
    except PoseCoreError as error:
        print(error, file=sys.stderr)
        return 2
    print(
        f"{len(split.train)} clips to train on, {len(split.subjects)} of held-out subjects, "
        f"{len(split.sources)} of held-out sources",
        flush=True,
    )
    out = Path(options.out)
    if not options.export_only:
        settings = TrainSettings(
            steps=options.steps, minutes=options.minutes, seed=options.seed, batch=options.batch,
            learning_rate=options.learning_rate, device=options.device,
            validate_minutes=options.validate_minutes, heads_only=options.heads_only,
        )  # fmt: skip
        start = None
        if options.start_from:
            try:
                start = read_start_weights(Path(options.start_from))
                settings = replace(settings, **_history_of(Path(options.start_from)))
            except PoseCoreError as error:
                print(error, file=sys.stderr)
                return 2
        shape = LifterShape(channels=options.channels, extras=True)
        if options.single_frame:
            # after Martinez et al. 2017: residual blocks on the joints of one frame, nothing else
            shape = LifterShape(options.channels, frames_per_step=1, dilations=(), pose_blocks=4, back_projection=False)
        train_lifter(
            split, shape, SampleSettings(frames=options.frames, steep_share=0.3, stance_share=0.35), settings, out,
            resume=options.resume, start=start, report=_tell,
        )  # fmt: skip
    try:
        if options.mix_in:
            mix_checkpoints(out / CHECKPOINT, Path(options.mix_in), options.mix_share)
        _export(split, out)
    except PoseCoreError as error:
        print(error, file=sys.stderr)
        return 1
    if options.install:
        for name, folder in INSTALLED.items():
            (ROOT / folder).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(out / name, ROOT / folder / name)
            print(f"installed {folder}/{name}")
    return 0


def _history_of(onnx: Path) -> dict[str, Any]:
    """What is known of the training of an exported network, for the card of the one that goes on from it."""
    history: dict[str, Any] = {"started_from": hashlib.sha256(onnx.read_bytes()).hexdigest()}
    facts = onnx.with_suffix(".json")
    if facts.is_file():
        training = json.loads(facts.read_text(encoding="utf-8")).get("training", {})
        earlier = training.get("settings", {})
        history["earlier_steps"] = int(training.get("steps", 0)) + int(earlier.get("earlier_steps", 0))
        history["earlier_minutes"] = float(training.get("minutes", 0.0)) + float(earlier.get("earlier_minutes", 0.0))
    return history


def _export(split: MocapSplit, out: Path) -> None:
    from pose_core.lab.train.lifter.export import (
        calibrate_axes,
        calibrate_sigma,
        export_onnx,
        lifter_as_lift,
        write_facts,
    )
    from pose_core.lab.train.lifter.loop import CHECKPOINT, HISTORY, load_network, network_as_lift
    from pose_core.lab.train.lifter.report import draw_curves, read_history, write_model_card
    from pose_core.lab.train.lifter.validation import NOISES, make_validation_set, score
    from pose_core.lift.temporal import open_lifter

    network, facts = load_network(out / CHECKPOINT)
    onnx, described = out / "lifter.onnx", out / "lifter.json"
    parity = export_onnx(network, onnx)
    print(f"exported {onnx.stat().st_size / 1e6:.1f} MB, differs by {1000 * parity:.5f} mm at most", flush=True)

    people = sorted(set(split.subjects.subject))
    calibration = people[::2]
    chosen = [c for c, s in enumerate(split.subjects.subject) if s in calibration]
    others = [c for c, s in enumerate(split.subjects.subject) if s not in calibration]
    fit_on = split.subjects.take(np.array(chosen, dtype=np.int64))
    fitted = [make_validation_set(n, fit_on, level, 24, 31) for n, level in NOISES.items()]
    more: dict[str, Any] = {
        "parity_m": parity,
        "training": {
            "steps": facts["step"],
            "minutes": facts["spent_s"] / 60,
            "seed": facts["settings"]["seed"],
            "batch": facts["settings"]["batch"],
            "settings": facts["settings"],
            "calibration_subjects": calibration,
            **({"mixed_in": facts["mixed_in"]} if "mixed_in" in facts else {}),
        },
    }
    if network.shape.extras:
        more["axis_factor"] = [[round(float(f), 4) for f in row] for row in calibrate_axes(fitted, network)]
    factor = calibrate_sigma(fitted, network_as_lift(network))
    write_facts(described, onnx, network, factor, more)

    # as shipped: ONNX, mirrored second pass, calibrated sigma; again, since averaging two passes changes the errors
    lift = lifter_as_lift(open_lifter(onnx))
    factor = factor * calibrate_sigma(fitted, lift)
    write_facts(described, onnx, network, factor, more)
    lift = lifter_as_lift(open_lifter(onnx))
    held_out = {}
    sets = (
        ("all held-out subjects", split.subjects, 24),
        ("subjects not used for sigma", split.subjects.take(np.array(others, dtype=np.int64)), 24),
        ("sources", split.sources, 40),
    )
    for name, mocap, windows in sets:
        for noise, level in NOISES.items():
            if len(mocap):
                held_out[f"{name}, {noise}"] = score(make_validation_set(name, mocap, level, windows, 77), lift)
                _tell({"event": "validation", "held_out": {f"{name}, {noise}": held_out[f"{name}, {noise}"]}})
    write_facts(described, onnx, network, factor, {**more, "held_out": held_out})
    write_model_card(out / "MODEL_CARD.md", json.loads(described.read_text(encoding="utf-8")))
    draw_curves(read_history(out / HISTORY), out / "lifter_training.png")


def _tell(row: dict[str, Any]) -> None:
    if row["event"] == "step":
        print(
            f"step {row['step']:6d}  {100 * row['progress']:5.1f} %  {row['spent_s'] / 60:5.1f} min  "
            f"position {1000 * row['position']:.1f} mm  velocity {1000 * row['velocity']:.2f} mm  "
            f"sigma {row['sigma']:.3f}  contact {row['contact']:.3f}",
            flush=True,
        )
        return
    for name, figures in row.get("standing", {}).items():
        print(
            f"  {name:36s} knees {figures['knee_bias_deg']:+5.1f} degrees, "
            f"{100 * figures['knee_straight_share']:4.1f} % straight, "
            f"trunk {figures['lean_deg']:4.1f} degrees along the view, MPJPE {figures['mpjpe_mm']:.1f} mm",
            flush=True,
        )
    for name, figures in row["held_out"].items():
        print(
            f"  {name:36s} MPJPE {figures['mpjpe_mm']:6.1f}  PA {figures['pa_mpjpe_mm']:5.1f} mm  "
            f"acceleration {figures['acceleration_m_s2']:.2f}  contact F1 {figures['contact_f1']:.3f}  "
            f"within sigma {figures['within_sigma']:.3f}",
            flush=True,
        )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).resolve().parents[2] / "shared" / "mocap"
    parser.add_argument("--data", default=str(beside), help="folder with motion capture (.npz, .bvh)")
    parser.add_argument("--out", default="runs/lifter", help="folder for checkpoints and results")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=70.0, help="length of the run by the clock")
    length.add_argument("--steps", type=int, default=0, help="length of the run in steps: repeats exactly")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument(
        "--start-from", metavar="FILE", help="begin with the weights of an exported network or checkpoint"
    )
    parser.add_argument("--heads-only", action="store_true", help="train contacts and further answers alone")
    parser.add_argument("--mix-in", metavar="CHECKPOINT", help="before the export, mix in a share of this network")
    parser.add_argument("--mix-share", type=float, default=0.5, help="how much of it (default: %(default)s)")
    parser.add_argument("--export-only", action="store_true", help="export the checkpoint in --out as it is")
    parser.add_argument("--install", action="store_true", help="put the result into the package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--single-frame", action="store_true", help="no temporal blocks: a baseline to compare with")
    parser.add_argument("--channels", type=int, default=384)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--validate-minutes", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 = all")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
