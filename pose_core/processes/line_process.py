"""A child process with line-based pipes whose reading never blocks the caller; standard library only.

Used for the worker and for the installer of its environment, from within Blender's Python too.
"""

from __future__ import annotations

import collections
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from pose_core.errors import WorkerError

STDERR_LINES_KEPT = 60
STDERR_LINE_LENGTH = 500
LOG_LIMIT_BYTES = 4 << 20
RUN_LINE_BYTES = 1 << 20
LAST_WORDS_S = 2.0
"""How long to go on reading after the process has ended."""


_GUARD = """
import os, runpy, signal, sys, threading

def watch():
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)

threading.Thread(target=watch, daemon=True).start()
name, paths, sys.argv = sys.argv[1], sys.argv[2], sys.argv[2:]
sys.path[:0] = [path for path in paths.split(os.pathsep) if path]
runpy.run_module(name, run_name="__main__", alter_sys=True)
"""


def guarded_module(python: str | Path, module: str, *arguments: str, wheel: Path | None = None) -> list[str]:
    """The command line of a Python module that ends with the process that started it, however that ends.

    The child watches its stdin, which the parent must hold open: the system closes it with the parent. Neither the
    working folder nor a user's variables decide what it imports.

    Args:
        python: the interpreter.
        module: what `python -m` would run.
        arguments: the module's own.
        wheel: a wheel that holds the module, where the interpreter does not.
    """
    return [str(python), "-I", "-X", "utf8", "-c", _GUARD, module, str(wheel or ""), *arguments]


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would lead another Python astray.

    Blender's own PYTHONHOME or a user's PYTHONPATH would make the worker import the wrong libraries.
    """
    dropped = ("VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "CONDA_PREFIX")
    return {k: v for k, v in os.environ.items() if not k.upper().startswith("PYTHON") and k not in dropped}


class LineProcess:
    """A running child whose stdout arrives as lines in a queue and whose stderr goes to a log.

    Args:
        argv: program and arguments; no shell is involved.
        max_line_bytes: longer lines of stdout arrive in pieces of this size.
        log_path: file that gets all of stderr, renewed when it grows too long; None = none.
        environment: its variables, `clean_environment()` by default.
    Raises:
        WorkerError: the program cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        max_line_bytes: int,
        log_path: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._tail: collections.deque[str] = collections.deque(maxlen=STDERR_LINES_KEPT)
        self._max_line_bytes = max_line_bytes
        self._log_path = log_path
        self._gone_since_s: float | None = None
        try:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=clean_environment() if environment is None else dict(environment),
                # A session or group of its own: Ctrl-C in Blender's terminal is not for the worker, and stopping
                # by force reaches what the worker started as well.
                start_new_session=sys.platform != "win32",
                creationflags=_creation_flags(),
            )
        except (OSError, ValueError) as error:
            raise WorkerError(
                f"'{argv[0]}' could not be started ({getattr(error, 'strerror', None) or error}).",
                "Check the Python of the worker environment.",
            ) from error
        self._readers = [
            threading.Thread(target=self._read_stdout, name="pose-core-stdout", daemon=True),
            threading.Thread(target=self._read_stderr, name="pose-core-stderr", daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines of stderr."""
        return tuple(self._tail)

    def return_code(self) -> int | None:
        """The exit code, or None while the process runs."""
        return self._process.poll()

    def has_ended(self) -> bool:
        """Whether the process is gone and every line it wrote has been read."""
        if self._process.poll() is None:
            return False
        if self._gone_since_s is None:
            self._gone_since_s = time.monotonic()
        # Something that the process started may still hold the pipes open: do not wait for it for ever.
        return not self._reading() or time.monotonic() - self._gone_since_s > LAST_WORDS_S

    def next_line(self, timeout_s: float = 0.0) -> bytes | None:
        """Return the next line of stdout with its line feed, or None if none came in time."""
        try:
            return self._lines.get(timeout=timeout_s) if timeout_s > 0 else self._lines.get_nowait()
        except queue.Empty:
            return None

    def write(self, line: bytes) -> bool:
        """Write to stdin; return whether the process still took it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def close_stdin(self) -> None:
        """Close the process's stdin, which ends a worker."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def terminate(self) -> None:
        """Ask the process and its children to end."""
        self._signal("SIGTERM")

    def kill(self) -> None:
        """End the process and its children by force."""
        self._signal("SIGKILL")

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; return whether it came in time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def dispose(self, grace_s: float) -> None:
        """Close stdin and make sure that the process ends, by force if it takes longer than the grace time."""
        self.close_stdin()
        if not self.wait(grace_s):
            self.terminate()
            if not self.wait(1.0):
                self.kill()
                self.wait(1.0)
        for reader in self._readers:
            reader.join(1.0)
        for pipe in (self._process.stdout, self._process.stderr):
            # A grandchild may hold the other end open; closing under a reader that still waits would hang.
            if pipe is not None and not self._reading():
                pipe.close()

    def _reading(self) -> bool:
        return any(reader.is_alive() for reader in self._readers)

    def _signal(self, name: str) -> None:
        if self._process.poll() is not None:
            return
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._process.terminate()
            else:
                os.killpg(self._process.pid, getattr(signal, name))

    def _read_stdout(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            while line := self._process.stdout.readline(self._max_line_bytes + 1):
                self._lines.put(line)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, ValueError):
            log = stack.enter_context(open_log(self._log_path)) if self._log_path is not None else None
            written = 0
            while line := self._process.stderr.readline(1 << 16):
                text = line.decode("utf-8", errors="replace").rstrip()
                if text:
                    self._tail.append(text[:STDERR_LINE_LENGTH])
                if log is not None and written < LOG_LIMIT_BYTES:
                    written += log.write(line)
                    log.flush()


def run_lines(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    check: Callable[[], None],
    environment: Mapping[str, str] | None = None,
) -> tuple[int | None, list[str]]:
    """Run a command to its end.

    Args:
        argv: program and arguments; it should end by itself when its stdin is closed, as `guarded_module` does.
        on_line: called with each line of its output.
        check: called about ten times a second; an exception in it or in `on_line` ends the command.
        environment: its variables, `clean_environment()` by default.
    Returns:
        Its exit code, and all that it printed.
    Raises:
        WorkerError: it cannot be started.
    """
    process = LineProcess(argv, RUN_LINE_BYTES, environment=environment)
    lines: list[str] = []
    try:
        while True:
            ended = process.has_ended()
            line = process.next_line(0.0 if ended else 0.1)
            if line is None and ended:
                break
            check()
            if line is not None:
                lines.append(line.decode("utf-8", errors="replace").rstrip())
                on_line(lines[-1])
    finally:
        if process.return_code() is None:
            process.kill()
        process.dispose(5.0)
    return process.return_code(), [*lines, *(text for text in process.stderr_tail if text.strip())]


def open_log(path: Path) -> BinaryIO:
    """Open a log to append to, with the time of day as a heading; a long one is put aside as `NAME.old` first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_name(path.name + ".old"))
    log = path.open("ab")
    log.write(time.strftime("--- %Y-%m-%d %H:%M:%S ---\n").encode())
    return log


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0
