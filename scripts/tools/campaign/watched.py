"""A child process that tries case after case and is watched meanwhile: processor time, memory, and whether it lives."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_LOOK_S = 0.1
_RESET_PEAK = "5"  # what /proc/PID/clear_refs takes for "forget the largest size so far"
MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What a case may take."""

    idle_cpu_s: float = 10.0
    """Processor time without a sign of progress."""
    cpu_s: float = 90.0
    """Processor time in all."""
    wall_s: float = 240.0
    """Time in all, for what waits and does not work; long, as machines are busy."""
    memory_mb: float = 1024.0
    kill_mb: float = 1536.0
    """Ended there, before it takes the machine down."""


@dataclass(frozen=True)
class Watched:
    """What came of one case."""

    answer: dict[str, Any] | None
    """What the child said; None where it did not come to that."""
    how: str
    """`done`, `hang`, `memory` or `crash`."""
    words: str
    numbers: dict[str, float] = field(default_factory=dict)


class WatchedChild:
    """Runs a script that reads cases from stdin, one JSON object a line, and answers each with one on stdout.

    What the script writes to stderr goes to a log; that it grows counts as progress. The child is started again where
    a case ended it.

    Args:
        command: what to start.
        log: where its stderr goes.
        environment: its variables.
        limits: what a case may take.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str], limits: Limits | None = None
    ) -> None:
        self._command, self._log, self._environment = list(command), log, dict(environment)
        self.limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def __enter__(self) -> WatchedChild:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        self._process = None

    def run(self, case: Mapping[str, Any]) -> Watched:
        """Try one case."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        _forget_peak(process.pid)
        begun_cpu_s, begun_s = cpu_seconds(process.pid), time.monotonic()
        try:
            process.stdin.write(json.dumps(case).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return self._ended("crash", f"it had ended already: {self._tail()}", {})
        answer, how = b"", ""
        mark, idle_from_s, used_s = self._log.stat().st_size, begun_cpu_s, begun_cpu_s
        peak_mb = 0.0
        while not answer.endswith(b"\n") and not how:
            if select.select([process.stdout], [], [], _LOOK_S)[0]:
                piece = os.read(process.stdout.fileno(), 1 << 16)
                answer += piece
                how = "" if piece else "crash"
            used_s = max(used_s, cpu_seconds(process.pid))
            peak_mb = max(peak_mb, peak_memory_mb(process.pid))
            if self._log.stat().st_size != mark:
                mark, idle_from_s = self._log.stat().st_size, used_s
            how = how or self._too_much(used_s - idle_from_s, used_s - begun_cpu_s, time.monotonic() - begun_s, peak_mb)
        numbers = {"processor time, s": used_s - begun_cpu_s, "memory, MB": peak_mb}
        if how:
            return self._ended(how, self._tail(), numbers)
        if peak_mb > self.limits.memory_mb:
            return Watched(json.loads(answer), "memory", f"{peak_mb:.0f} MB", numbers)
        return Watched(json.loads(answer), "done", "", numbers)

    def _too_much(self, idle_s: float, cpu_s: float, wall_s: float, peak_mb: float) -> str:
        if peak_mb > self.limits.kill_mb:
            return "memory"
        hangs = idle_s > self.limits.idle_cpu_s or cpu_s > self.limits.cpu_s or wall_s > self.limits.wall_s
        return "hang" if hangs else ""

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=self._environment
                )
            self.starts += 1
        return self._process

    def _ended(self, how: str, words: str, numbers: dict[str, float]) -> Watched:
        code = self._process.poll() if self._process is not None else None
        self.close()
        return Watched(None, how, f"{f'exit code {code}; ' if how == 'crash' else ''}{words}", numbers)

    def _tail(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-4:]
        return " / ".join(line.strip() for line in lines)[-300:]


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken; 0 where that cannot be known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_memory_mb(pid: int) -> float:
    """The largest resident size of a process since `_forget_peak`; 0 where that cannot be known."""
    return status_number(pid, "VmHWM") / 1024


def status_number(pid: int, name: str) -> int:
    """A number of /proc/PID/status, such as `VmRSS` in kB or `Threads`; 0 where there is none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def _forget_peak(pid: int) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK, encoding="ascii")


def child_environment(folder: Path, **more: str) -> dict[str, str]:
    """Variables for a child that shall leave everything within a folder: temporary files, caches, settings."""
    for name in ("tmp", "home"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    own = {"TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", **own, **more}


def script_command(script: Path, *arguments: str) -> list[str]:
    """The command line that runs a script of this package with the Python that runs this one."""
    return [sys.executable, "-X", "faulthandler", str(script), *arguments]
