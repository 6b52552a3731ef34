"""Train the temporal lifter and export it.

    python scripts/train_lifter.py --data MOCAP_FOLDER --minutes 70 --out runs/lifter

Needs the `train` extra. The weights in the package are replaced only with --install.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    options = _parse()
    import torch

    from pose_core.nets.lifter import LifterShape
    from pose_core.train.loop import TrainSettings, train_lifter
    from pose_core.train.mocap import read_mocap, split_mocap
    from pose_core.train.samples import SampleSettings

    if options.threads:
        torch.set_num_threads(options.threads)
    data = Path(options.data)
    paths = sorted(data.glob("*.npz"))
    if not paths:
        print(f"There is no motion capture in '{data}'; name a folder with --data.", file=sys.stderr)
        return 2
    split = split_mocap(read_mocap(paths))
    print(
        f"{len(split.train)} clips to train on, {len(split.subjects)} of held-out subjects, "
        f"{len(split.sources)} of held-out sources",
        flush=True,
    )
    settings = TrainSettings(
        steps=options.steps, minutes=options.minutes, seed=options.seed, batch=options.batch,
        learning_rate=options.learning_rate, device=options.device,
        validate_minutes=options.validate_minutes,
    )  # fmt: skip
    shape = LifterShape(channels=options.channels)
    train_lifter(
        split, shape, SampleSettings(frames=options.frames), settings, Path(options.out),
        resume=options.resume, report=_tell,
    )  # fmt: skip
    return 0


def _tell(row: dict[str, Any]) -> None:
    if row["event"] == "step":
        print(
            f"step {row['step']:6d}  {100 * row['progress']:5.1f} %  {row['spent_s'] / 60:5.1f} min  "
            f"position {1000 * row['position']:.1f} mm  velocity {1000 * row['velocity']:.2f} mm  "
            f"sigma {row['sigma']:.3f}  contact {row['contact']:.3f}",
            flush=True,
        )
        return
    for name, figures in row["held_out"].items():
        print(
            f"  held-out {name:16s} MPJPE {figures['mpjpe_mm']:6.1f}  PA {figures['pa_mpjpe_mm']:5.1f} mm  "
            f"acceleration {figures['acceleration_m_s2']:.2f}  contact F1 {figures['contact_f1']:.3f}  "
            f"within sigma {figures['within_sigma']:.3f}",
            flush=True,
        )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).resolve().parents[2] / "shared" / "mocap"
    parser.add_argument("--data", default=str(beside), help="folder with motion capture (.npz)")
    parser.add_argument("--out", default="runs/lifter", help="folder for checkpoints and results")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=70.0, help="length of the run by the clock")
    length.add_argument("--steps", type=int, default=0, help="length of the run in steps: repeats exactly")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--channels", type=int, default=384)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--validate-minutes", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 = all")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
