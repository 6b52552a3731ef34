"""Train the arms of every paper's ablation, measure them on held-out people, and write the results page.

    python scripts/render_dataset.py --out people --count 6400 --size 192 --shard-size 80 --mocap MOCAP_FOLDER
    python scripts/run_ablations.py --data people --mocap MOCAP_FOLDER --out runs/ablations

Run it again to go on: arms with a result are skipped, one that was stopped goes on from its last checkpoint.
`pose_core/lab/ablations/arms.py` lists the arms and their sizes. Needs the `train` and `dev` extras.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pose_core.errors import ConfigError, PoseCoreError  # noqa: E402

PAGE = ROOT / "docs" / "results" / "seed_networks.md"


def main(argv: list[str] | None = None) -> int:
    """Train what is missing, then write the page of what there is."""
    options = _parse(argv)
    try:
        if not options.page_only:
            _train(options)
        if not options.no_page:
            _page(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except PoseCoreError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _train(options: argparse.Namespace) -> None:
    import torch

    from pose_core.lab.ablations.arms import PAPERS
    from pose_core.lab.ablations.train import RESULT, Pictures, RunOptions, arm_folder, train_arm

    if options.threads:
        torch.set_num_threads(options.threads)
    named = {paper.name: paper for paper in PAPERS}
    unknown = sorted(set(options.papers) - set(named))
    if unknown:
        raise ConfigError(f"There is no paper '{unknown[0]}'.", f"There are: {', '.join(named)}.")
    papers = [named[name] for name in options.papers] or list(PAPERS)
    shared = RunOptions(
        Path(options.data), Path(options.out), options.half, options.steps, options.minutes_per_arm, options.longer,
        options.device,
    )  # fmt: skip
    pictures = Pictures(shared.data)
    # seed by seed, so that there is something to see of every paper early
    jobs = [(paper, arm, seed) for seed in options.seeds for paper in papers for arm in paper.arms]
    todo = [job for job in jobs if not (arm_folder(shared.out, *job) / RESULT).is_file()]
    print(f"{len(todo)} of {len(jobs)} runs to do", flush=True)
    for number, (paper, arm, seed) in enumerate(todo, 1):
        if options.until and time.strftime("%H:%M") >= options.until:
            print(f"it is {options.until}: {len(todo) - number + 1} runs are left", flush=True)
            return
        print(f"[{number}/{len(todo)}] {paper.name}: {arm.name}, seed {seed}", flush=True)
        result = train_arm(paper, arm, seed, pictures, shared, _tell if options.verbose else None)
        for split, figures in result["measured"].items():
            told = "  ".join(f"{key} {value:.4g}" for key, value in figures.items())
            print(f"  {split}: {told}  ({result['wall_minutes']:.1f} min)", flush=True)


def _page(options: argparse.Namespace) -> None:
    from pose_core.lab.ablations.lifting import measure_lifting
    from pose_core.lab.ablations.page import write_page

    out = Path(options.out)
    if not options.page_only:
        measure_lifting(Path(options.mocap), out, options.seeds)
    write_page(out, Path(options.data), Path(options.page))


def _tell(row: dict[str, Any]) -> None:
    print(f"    {json.dumps(row)}", flush=True)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("papers", nargs="*", metavar="PAPER", help="which, and in which order (default: all)")
    parser.add_argument("--data", required=True, help="folder of scripts/render_dataset.py")
    parser.add_argument("--mocap", default=str(ROOT.parent / "shared" / "mocap"), help="motion capture folder")
    parser.add_argument("--out", default="runs/ablations", help="folder for checkpoints and results")
    parser.add_argument("--page", default=str(PAGE), help="the page; pictures go into a folder of its name")
    parser.add_argument("--page-only", action="store_true", help="train nothing")
    parser.add_argument("--no-page", action="store_true", help="train only")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], metavar="SEED")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, default=0, help="of every arm (default: as the table says)")
    length.add_argument("--minutes-per-arm", type=float, default=0.0, help="by the clock instead of by steps")
    length.add_argument("--longer", type=float, default=1.0, metavar="TIMES", help="times the steps of the table")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--until", metavar="HH:MM", help="start no run at this time of the day or later")
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 = all")
    parser.add_argument("--half", action="store_true", help="products as bfloat16: faster with AVX-512 BF16")
    parser.add_argument("--verbose", action="store_true", help="tell about every validation")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
