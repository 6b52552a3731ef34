"""Render pictures of people with exact 2D and 3D joints, to train and to measure image networks.

    python scripts/render_dataset.py --out DIR --count N [--size 256] [--look both|lab|wild] [--seed 0]
                                     [--shard-size 100] [--workers 1] [--mocap DIR] [--backgrounds DIR]

Mannequins of many bodies, clothes and faces do what recorded performers did, seen by random cameras. Run it again
with the same options to go on where it stopped; a larger --count makes a set longer. `docs/dataset_layout.md`
describes what it writes. Any Python with numpy starts it; Blender's module is installed if it is missing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "scripts")]

from pose_core.errors import ConfigError, PoseCoreError  # noqa: E402
from pose_core.lab.rendered_people.plan import Plan, Shard, finished, write_plan, write_splits  # noqa: E402
from tools.blender import DEFAULT_BPY, ensure_bpy  # noqa: E402
from tools.command import clean_environment  # noqa: E402
from tools.errors import SetupError  # noqa: E402
from tools.progress import Progress, Step  # noqa: E402

_WORKER = _ROOT / "scripts" / "_dataset" / "render_shards.py"
_SIZES_PX = (32, 2048)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the set")
    parser.add_argument("--count", type=int, required=True, help="pictures in all")
    parser.add_argument("--size", type=int, default=256, help="side of the square pictures, pixels")
    parser.add_argument("--look", choices=("both", "lab", "wild"), default="both")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shard-size", type=int, default=100, help="pictures of one person")
    parser.add_argument("--workers", type=int, default=1, help="Blender processes at a time")
    parser.add_argument("--mocap", type=Path, default=_ROOT.parent / "shared" / "mocap", help="motion capture folder")
    parser.add_argument("--backgrounds", type=Path, help="folder of pictures to put behind people in the wild")
    return parser.parse_args(argv)


def plan_of(arguments: argparse.Namespace) -> Plan:
    """Check the options.

    Raises:
        ConfigError: one of them cannot be.
    """
    low, high = _SIZES_PX
    if not low <= arguments.size <= high:
        raise ConfigError(f"--size must be {low} to {high} pixels, but is {arguments.size}.")
    for name in ("count", "shard_size", "workers"):
        if getattr(arguments, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be 1 or more, but is {getattr(arguments, name)}.")
    if arguments.seed < 0:
        raise ConfigError(f"--seed must not be negative, but is {arguments.seed}.")
    for name in ("mocap", "backgrounds"):
        folder = getattr(arguments, name)
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"--{name} must name a folder, but '{folder}' is none.")
    return Plan(
        count=arguments.count,
        size_px=arguments.size,
        seed=arguments.seed,
        look=arguments.look,
        shard_size=arguments.shard_size,
        mocap=str(arguments.mocap.resolve()),
        backgrounds=str(arguments.backgrounds.resolve()) if arguments.backgrounds else "",
    )


def render(plan: Plan, folder: Path, workers: int, python: Path, step: Step) -> int:
    """Render the shards that are missing; returns how many pictures that were.

    Raises:
        SetupError: a Blender process failed.
    """
    missing = [shard for shard in plan.shards() if not finished(folder, shard)]
    queues = [missing[i::workers] for i in range(min(workers, len(missing)))]
    counts = {shard.number: shard.count for shard in missing}
    total, done = sum(counts.values()), 0
    lock, began = threading.Lock(), time.monotonic()

    def shown(line: str) -> None:
        nonlocal done
        if not line.startswith("shard "):
            return
        with lock:
            done += counts[int(line.split()[1])]
            speed = done / (time.monotonic() - began)
            step.detail(f"{done}/{total} pictures, {speed:.1f} a second, {(total - done) / speed / 60:.0f} min left")

    with tempfile.TemporaryDirectory(prefix="pose-core-") as scratch:
        jobs = [_Job(plan, folder, queue, python, Path(scratch) / f"{i}.log", shown) for i, queue in enumerate(queues)]
        try:
            for job in jobs:
                job.wait()
        finally:
            for job in jobs:
                job.stop()
    return total


class _Job:
    """One Blender process and the thread that reads what it says."""

    def __init__(self, plan: Plan, folder: Path, shards: list[Shard], python: Path, log: Path, shown: Any) -> None:
        self._log = log
        task = {"plan": dataclasses.asdict(plan), "folder": str(folder), "shards": [s.number for s in shards]}
        with log.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [str(python), str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=clean_environment(),
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(task))
        self._process.stdin.close()
        self._thread = threading.Thread(target=self._read, args=(self._process.stdout, shown), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the end.

        Raises:
            SetupError: the process failed.
        """
        self._thread.join()
        if self._process.wait() != 0:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
            tail = tuple(line for line in lines if "EGL" not in line)[-15:]
            raise SetupError(
                "rendering in Blender failed.", advice="finished shards are kept; run this again to go on.", tail=tail
            )

    def stop(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    @staticmethod
    def _read(stream: IO[str], shown: Any) -> None:
        for line in stream:
            shown(line)


def main(argv: list[str] | None = None) -> int:
    """Plan, render what is missing, list the splits."""
    arguments = parse(argv)
    progress = Progress()
    try:
        plan = plan_of(arguments)
        write_plan(plan, arguments.out)
        python = ensure_bpy(DEFAULT_BPY, progress)
        began = time.monotonic()
        with progress.step(f"render into {arguments.out}") as step:
            rendered = render(plan, arguments.out.resolve(), arguments.workers, python, step)
        write_splits(plan, arguments.out)
    except PoseCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except SetupError as error:
        print(f"error: {error}", *error.tail, sep="\n", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    each = f", {seconds / rendered:.2f} s each" if rendered else ""
    print(f"{plan.count} pictures in {arguments.out} ({rendered} rendered now{each})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
