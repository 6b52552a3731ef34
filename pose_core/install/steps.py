"""The steps of an installation: child processes that can be watched and cancelled; standard library only."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_core.errors import CancelledError, WorkerError
from pose_core.worker import protocol
from pose_core.worker.process import LineProcess

if TYPE_CHECKING:
    from pose_core.types import CancelCallback, ProgressCallback

TAIL_LINES = 8


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

    def stage(self, name: str, done: int, total: int) -> None:
        """Tell how far a stage is.

        Raises:
            CancelledError: it shall end.
        """
        if self._cancel():
            raise CancelledError("The installation was cancelled.")
        self._progress(StepProgress(name, done, total))  # type: ignore[arg-type]

    def run(self, argv: list[str], what: str, hint: str, on_line: Callable[[str], None] | None = None) -> None:
        """Run a command to its end; what it prints goes to our log.

        Args:
            argv: program and arguments.
            what: what it does, for the error message.
            hint: what to try if it fails.
            on_line: called with each line of its output.
        Raises:
            WorkerError: it failed.
            CancelledError: it was to end, and has been ended.
        """
        print(f"$ {' '.join(argv)}", file=sys.stderr, flush=True)
        process = LineProcess(argv, protocol.MAX_LINE_BYTES)
        process.close_stdin()
        lines: list[str] = []
        try:
            while True:
                ended = process.has_ended()
                line = process.next_line(0.0 if ended else 0.1)
                if line is None and ended:
                    break
                if self._cancel():
                    raise CancelledError("The installation was cancelled.")
                if line is not None:
                    text = line.decode("utf-8", errors="replace").rstrip()
                    print(text, file=sys.stderr, flush=True)
                    lines.append(text)
                    if on_line is not None:
                        on_line(text)
        finally:
            if process.return_code() is None:
                process.kill()
            process.dispose(5.0)
        if process.return_code() != 0:
            print("\n".join(process.stderr_tail), file=sys.stderr, flush=True)
            errors = [text for text in process.stderr_tail if text.strip()] or lines
            raise WorkerError(f"{what} failed: {' / '.join(errors[-TAIL_LINES:])}", hint)

    def pip(self, argv: list[str], packages: int, hint: str) -> None:
        """Run pip, and tell from its output how far it is."""
        collected = 0

        def watch(text: str) -> None:
            nonlocal collected
            if re.match(r"\s*Collecting ", text):
                collected += 1
                self.stage("download", min(collected, packages), packages)
            elif text.startswith("Installing collected packages"):
                self.stage("install", 0, 0)

        self.run(argv, "Installing the packages", hint, watch)
