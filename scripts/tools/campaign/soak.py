"""Soak: very many jobs in one worker, which must not grow."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pose_core import __version__
from pose_core.config import EstimateRequest, TrackConfig, VideoConfig
from pose_core.processes.line_process import LineProcess
from pose_core.worker import protocol
from pose_core.worker.client import worker_command
from tools.errors import SetupError
from tools.paths import cache_folder, project_root

from .frame import Case, Outcome
from .watched import child_environment, status_number

NAME = "soak"
TITLE = "Two hundred jobs in one worker"
ABOUT = """
Jobs on a clip of a second, one after the other in one worker: plain ones, ones with a preview, part of the clip, broken
and missing videos, and ones that are cancelled on the way. After each job the worker is looked at.

- **flat**: what was expected came, and the worker is no larger than after its first jobs: resident memory within 15 %,
  no more open handles and threads, no temporary files.
- **grows**: something is more.
- **failed**: another answer than the job should have, or none.
"""
VERDICTS = ("flat", "grows", "failed")
GOOD = ("flat",)
CASES = 200
_KINDS = ("plain", "preview", "broken", "plain", "part", "cancelled", "missing")
_EXPECTED = {"broken": protocol.Failure, "missing": protocol.Failure, "cancelled": protocol.Cancelled}
_WARM_UP = 2 * len(_KINDS)
"""Jobs until all libraries are loaded and their pools are filled."""
_GROWTH = 1.15
_MOST_MORE = 2
"""Handles and threads that come and go with the pools of libraries."""
_PATIENCE_S = 120.0
_CLIP = project_root() / "pose_core" / "worker" / "self_test.mp4"


@dataclass(frozen=True)
class Size:
    """How large a worker is between jobs."""

    memory_mb: float
    handles: int
    threads: int
    temporary: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def plan(seed: int) -> Iterator[Case]:
    """Kinds of jobs in turn, from another one on for another seed."""
    number = 0
    while True:
        kind = _KINDS[(number + seed) % len(_KINDS)]
        number += 1
        yield Case(f"job {number}, {kind}", kind, {"kind": kind})


def run(cases: Sequence[Case], deadline: float, options: argparse.Namespace) -> Iterator[Outcome]:
    """Send the jobs to one worker; a worker that ends is a failure, and the campaign's end."""
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:
        worker = _Worker(Path(name))
        try:
            first: list[Size] = []
            for case in cases:
                if time.monotonic() > deadline:
                    return
                problem = worker.run(case.what["kind"])
                size = worker.size()
                first = first if len(first) == _WARM_UP else [*first, size]
                verdict, words = ("failed", problem) if problem else judge(first, size)
                numbers = {"memory, MB": size.memory_mb, "handles": float(size.handles), "threads": float(size.threads)}
                yield Outcome(case.id, case.group, verdict, words, numbers)
                if not worker.lives():
                    return
        finally:
            worker.close()


def judge(first: Sequence[Size], now: Size) -> tuple[str, str]:
    """Whether a worker has grown since its first jobs.

    Args:
        first: sizes after those; fewer than the warm-up = it still warms up.
        now: its size.
    """
    if now.temporary:
        return "grows", f"{now.temporary} temporary files"
    if len(first) < _WARM_UP:
        return "flat", ""
    settled = first[len(first) // 2 :]
    for field in dataclasses.fields(Size):
        before, after = [getattr(size, field.name) for size in settled], getattr(now, field.name)
        most = _GROWTH * median(before) if field.name == "memory_mb" else max(before) + _MOST_MORE
        if after > most:
            return "grows", f"{field.name} is {after:g}, at first it was {median(before):g}"
    return "flat", ""


class _Worker:
    """A worker that takes one job after the other.

    Args:
        folder: of its own; everything lies in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0
        models = cache_folder() / "models" / "blazepose-full"
        environment = child_environment(folder, POSE_CORE_MODELS=str(models), POSE_CORE_CACHE=str(folder / "cache"))
        self._process = LineProcess(
            worker_command(sys.executable), protocol.MAX_LINE_BYTES, folder / "log.txt", environment
        )
        (folder / "out").mkdir()
        content = _CLIP.read_bytes()
        (folder / "walk.mp4").write_bytes(content)
        (folder / "broken.mp4").write_bytes(content[: len(content) // 3])
        self._send(protocol.Hello(__version__))
        if not isinstance(self._answer(lambda _update: None), protocol.Ready):
            raise SetupError(f"The worker does not start: {self._process.stderr_tail}", advice="Look at the log.")

    def run(self, kind: str) -> str:
        """Run a job; what is wrong with its answer, empty if nothing is."""
        self._number += 1
        job_id = f"job{self._number}"
        self._send(protocol.Estimate(job_id, _request(kind, self._folder)))
        cancel = protocol.Cancel(job_id)
        answer = self._answer(lambda _update: self._send(cancel) if kind == "cancelled" else None)
        shutil.rmtree(self._folder / "out")
        (self._folder / "out").mkdir()
        if answer is None:
            return f"no answer: {' / '.join(self._process.stderr_tail[-3:])}"
        if not isinstance(answer, _EXPECTED.get(kind, protocol.Result)):
            return f"{answer.type}: {getattr(answer, 'message', '')}"
        return ""

    def size(self) -> Size:
        """How large it is now."""
        pid = self._process.pid
        try:
            handles = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:
            handles = 0
        left = [*(self._folder / "tmp").iterdir(), *self._folder.glob(".*")]
        return Size(status_number(pid, "VmRSS") / 1024, handles, status_number(pid, "Threads"), len(left))

    def lives(self) -> bool:
        """Whether it takes more jobs."""
        return self._process.return_code() is None

    def close(self) -> None:
        """End it."""
        self._process.dispose(5.0)

    def _send(self, message: protocol.Message) -> None:
        self._process.write(protocol.encode(message))

    def _answer(self, on_progress: Any) -> protocol.Message | None:
        """The next message that is no progress; None if there is none in time."""
        until_s, told = time.monotonic() + _PATIENCE_S, False
        while time.monotonic() < until_s:
            ended = self._process.has_ended()
            line = self._process.next_line(0.0 if ended else 0.2)
            if line is None:
                if ended:
                    return None
                continue
            message = protocol.decode(line)
            if not isinstance(message, protocol.ProgressUpdate):
                return message
            if not told:
                on_progress(message)
            told = True
        return None


def _request(kind: str, folder: Path) -> dict[str, Any]:
    video = {"broken": "broken.mp4", "missing": "nowhere.mp4"}.get(kind, "walk.mp4")
    preview = str(folder / "out" / "walk.preview.mp4") if kind == "preview" else None
    request = EstimateRequest(
        str(folder / video), str(folder / "out" / "walk.motion.npz"), preview=preview,
        video_config=VideoConfig(end_s=0.7 if kind == "part" else None), track=TrackConfig(threads=1),
    )  # fmt: skip
    plain: dict[str, Any] = json.loads(request.to_json())
    return plain
