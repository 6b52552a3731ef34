"""What the panel shows of the running job and the last one. Plain data: undo and saving do not touch it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pose_core.errors import PoseCoreError
from pose_core.worker.protocol import ProgressUpdate

from .runner import Runner


@dataclass
class JobView:
    """A running job, as shown."""

    kind: str
    """`estimate`, or `setup` for work on the worker environment."""
    title: str
    runner: Runner
    stage: str = ""
    fraction: float = 0.0
    detail: str = ""
    cancelling: bool = False
    cancellable: bool = True
    """False once the scene is being changed, which is quick and done as a whole."""
    started_s: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.started_s

    def show(self, stage_text: str, fraction: float, detail: str = "") -> None:
        """Take over what to show."""
        self.stage, self.fraction, self.detail = stage_text, fraction, detail


@dataclass(frozen=True)
class Problem:
    """Why the last job failed."""

    kind: str
    message: str
    hint: str = ""
    details: str = ""
    """Traceback and the worker's last words, for a bug report."""
    log: str = ""
    """Path of the log of the process that failed; empty = there is none."""

    @classmethod
    def of(cls, kind: str, error: PoseCoreError, details: str = "", log: str = "") -> Problem:
        """The problem that an error tells of."""
        return cls(kind, error.message, error.hint, details, log)


@dataclass(frozen=True)
class Span:
    """A stretch of the motion that deserves a look."""

    first_frame: int
    last_frame: int
    reason: str


@dataclass(frozen=True)
class Summary:
    """What the last job made."""

    scene_name: str
    object_names: tuple[str, ...]
    source: str
    rows: tuple[tuple[str, str], ...]
    """Names and values to show."""
    spans: tuple[Span, ...] = ()
    warnings: tuple[str, ...] = ()
    motion_paths: tuple[str, ...] = ()
    preview_path: str = ""
    failures: tuple[str, ...] = ()
    """What did not come out as the motion wants it."""


@dataclass
class State:
    """All that is shown. One job at a time, whatever kind it is."""

    job: JobView | None = None
    problem: Problem | None = None
    summary: Summary | None = None
    note: str = ""
    """A short good word of a finished setup job."""
    start_s: float = 0.0
    """How long the click that started the last job held up Blender's interface: checks, and the worker's start."""
    slowest_tick_s: float = 0.0
    """Longest time that the last job held it up afterwards, at a time."""
    ticks: int = field(default=0)
    watched: bool = False
    """Whether the escape key is listened to."""
    files_opened: int = 0
    """How many files have been opened, so that a job knows whether its own is still the one."""

    def reset(self) -> None:
        """End a running job and show nothing."""
        if self.job is not None:
            self.job.runner.close()
        watched, opened = self.watched, self.files_opened
        self.__init__()
        self.watched, self.files_opened = watched, opened

    def forget_results(self) -> None:
        """Show nothing of what was done before; a job that runs goes on."""
        self.problem, self.summary, self.note = None, None, ""


STATE = State()


UNITS = {"fetch": " KB", "download": " packages"}


def progress_detail(update: ProgressUpdate, clock: str) -> str:
    """The small text beside a bar: how much is done, how fast, and how long it will take."""
    parts = []
    if update.total > 1 and update.stage != "self_test":
        unit = UNITS.get(update.stage, "")
        parts.append(f"{update.done}/{update.total}{unit}")
    if update.frames_per_s > 0:
        parts.append(f"{update.frames_per_s:.0f} frames/s")
    if clock:
        parts.append(f"{clock} left")
    return "  ·  ".join(parts)
