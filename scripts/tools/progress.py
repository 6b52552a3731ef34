"""One live line a step, with the seconds it has taken; plain lines where the output is no terminal."""

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

TICK_S = 0.25
# Without a terminal, a step is announced only if it takes longer than this.
ANNOUNCE_S = 3.0


class Step:
    """A running step; `detail` says what it is busy with."""

    def __init__(self, label: str, stream: TextIO, live: bool) -> None:
        self.label = label
        self._detail = ""
        self._stream = stream
        self._live = live
        self._start = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._start

    def detail(self, text: str) -> None:
        """Show what the step is doing right now; an empty text leaves what was shown."""
        self._detail = " ".join(text.split()) or self._detail

    def begin(self) -> None:
        """Show the step as running."""
        self._thread.start()

    def finish(self, mark: str) -> None:
        """Replace the live line by a closing one."""
        self._stop.set()
        self._thread.join()
        if self._live:
            self._stream.write("\r\x1b[2K")
        self._print(f"  {mark:<7} {self.label}  ({self.elapsed_s:.1f} s)")

    def _print(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    def _tick(self) -> None:
        if not self._live:
            if not self._stop.wait(ANNOUNCE_S):
                self._print(f"  ...     {self.label}")
            return
        while True:
            width = shutil.get_terminal_size((100, 24)).columns - 1
            line = f"  {self.elapsed_s:5.0f} s  {self.label}"
            if self._detail:
                line += f"  {self._detail}"
            self._stream.write("\r\x1b[2K" + line[:width])
            self._stream.flush()
            if self._stop.wait(TICK_S):
                return


class Progress:
    """Prints steps to a stream (standard error by default)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()

    @contextlib.contextmanager
    def step(self, label: str) -> Iterator[Step]:
        """Show a step while the block runs; the closing line says whether it came to its end."""
        step = Step(label, self._stream, self._live)
        step.begin()
        try:
            yield step
        except BaseException as error:
            step.finish("stopped" if isinstance(error, KeyboardInterrupt) else "FAILED")
            raise
        step.finish("done")

    def note(self, text: str) -> None:
        """Print one line that is not a step."""
        self._stream.write(f"  {text}\n")
        self._stream.flush()
