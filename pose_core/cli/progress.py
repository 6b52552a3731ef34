"""Showing how far a job is: a bar on a terminal, stages in a log, JSON lines for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pose_core.stages import clock, stage_name
from pose_core.worker.protocol import plain

if TYPE_CHECKING:
    from pose_core.types import Progress, ProgressCallback

JSON_INTERVAL_S = 0.1


@contextmanager
def shown_progress(as_json: bool) -> Iterator[ProgressCallback]:
    """Give the callback that shows a job's progress on standard error.

    Args:
        as_json: JSON lines instead of a bar.
    """
    if as_json:
        yield _JsonLines()
    elif sys.stderr.isatty():
        with _bar() as callback:
            yield callback
    else:
        yield _StageLines()


class _JsonLines:
    def __init__(self) -> None:
        self._stage = ""
        self._sent_s = 0.0

    def __call__(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if progress.stage == self._stage and now_s - self._sent_s < JSON_INTERVAL_S and progress.done != progress.total:
            return
        self._stage, self._sent_s = progress.stage, now_s
        fields = ("stage", "done", "total", "frames_per_s", "seconds_left")
        print(json.dumps(plain({name: getattr(progress, name) for name in fields})), file=sys.stderr, flush=True)


class _StageLines:
    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            self._stage = progress.stage
            print(f"{stage_name(progress.stage)} ...", file=sys.stderr, flush=True)


@contextmanager
def _bar() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def show(progress: Progress) -> None:
            if progress.stage not in tasks:
                for task in tasks.values():
                    bar.stop_task(task)  # type: ignore[arg-type]
                tasks[progress.stage] = bar.add_task(stage_name(progress.stage), total=None, rate="")
            left = f"{clock(progress.seconds_left)} left" if progress.seconds_left else ""
            rate = f"{progress.frames_per_s:.0f} frames/s" if progress.frames_per_s > 0 else ""
            bar.update(
                tasks[progress.stage],  # type: ignore[arg-type]
                completed=progress.done,
                total=progress.total or None,
                rate="  ".join(part for part in (rate, left) if part),
            )

        yield show
