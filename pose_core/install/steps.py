"""The steps of an installation: child processes that can be watched and cancelled; standard library only."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.errors import CancelledError, WorkerError
from pose_core.processes.line_process import clean_environment, run_lines
from pose_core.processes.pip_settings import pip_environment
from pose_core.processes.pip_words import explain

if TYPE_CHECKING:
    from pose_core.types import CancelCallback, ProgressCallback

TAIL_LINES = 3
LOG_LINES = 60


def shown(argv: list[str]) -> str:
    """A command line for the log, without code that stands in it."""
    return " ".join(part if "\n" not in part else "..." for part in argv)


@dataclass(frozen=True)
class StepProgress:
    """`pose_core.types.Progress` where there is no numpy yet to import that module with."""

    stage: str
    done: int
    total: int
    frames_per_s: float = 0.0
    seconds_left: float | None = None


class Steps:
    """Runs the steps as child processes, tells progress, and stops them when cancelled."""

    def __init__(self, progress: ProgressCallback, cancel: CancelCallback) -> None:
        self._progress = progress
        self._cancel = cancel
        self._pip_environment: dict[str, str] | None = None
        self._printed: list[str] = []
        """All that the last command printed, if it failed."""

    def stage(self, name: str, done: int, total: int) -> None:
        """Tell how far a stage is.

        Raises:
            CancelledError: it shall end.
        """
        self._check()
        self._progress(StepProgress(name, done, total))  # type: ignore[arg-type]

    def run(
        self,
        argv: list[str],
        what: str,
        hint: str,
        on_line: Callable[[str], None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Run a command to its end; what it prints goes to our log.

        Args:
            argv: program and arguments; it must end by itself when its stdin is closed, as `guarded_module` does.
            what: what it does, for the error message.
            hint: what to try if it fails.
            on_line: called with each line of its output.
            environment: its variables, a clean copy of ours by default.
        Raises:
            WorkerError: it failed.
            CancelledError: it was to end, and has been ended.
        """
        print(f"$ {shown(argv)}", file=sys.stderr, flush=True)

        def told(text: str) -> None:
            print(text, file=sys.stderr, flush=True)
            if on_line is not None:
                on_line(text)

        code, printed = run_lines(argv, told, self._check, environment)
        if code != 0:
            self._printed = printed
            print("\n".join(printed[-LOG_LINES:]), file=sys.stderr, flush=True)
            said = [text for text in printed if "ERROR" in text] or printed
            raise WorkerError(f"{what} failed: {' / '.join(said[-TAIL_LINES:])}", hint)

    def _check(self) -> None:
        if self._cancel():
            raise CancelledError("The installation was cancelled.")

    def pip(self, argv: list[str], packages: int, hint: str, wheel_folder: Path | None = None) -> None:
        """Run pip, tell from its output how far it is, and say in plain words why it failed.

        Args:
            argv: pip's command line.
            packages: how many it will install.
            hint: what to try if the reason is not known.
            wheel_folder: where it takes them from; None = the index.
        """
        collected = 0

        def watch(text: str) -> None:
            nonlocal collected
            if re.match(r"\s*(Collecting|Processing) ", text):
                collected += 1
                self.stage("download", min(collected, packages), packages)
            elif text.startswith("Installing collected packages"):
                self.stage("install", 0, 0)

        if self._pip_environment is None:
            self._pip_environment = pip_environment(argv[: argv.index("install")], clean_environment())
        try:
            self.run(argv, "Installing the packages", hint, watch, self._pip_environment)
        except WorkerError as error:
            message, better_hint = explain(self._printed, str(wheel_folder) if wheel_folder else None)
            if not message:
                raise
            raise WorkerError(message, better_hint) from error
