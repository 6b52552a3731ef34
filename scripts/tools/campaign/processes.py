"""Processes that belong to a case, found by a variable that all of them inherit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

MARK = "POSE_CORE_CAMPAIGN"


def start(command: Sequence[str], mark: str, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a marked process in a session of its own, so that a Ctrl-C meant for it reaches nobody else."""
    with log.open("ab") as file:
        return subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={**environment, MARK: mark},
            start_new_session=True, cwd=log.parent,
        )  # fmt: skip


def marked(mark: str) -> list[int]:
    """Living processes with a mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0") and not _is_zombie(folder):
                found.append(int(folder.name))
    return sorted(found)


def children(pid: int) -> list[int]:
    """Processes that a process started."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if int(_stat(folder)[1]) == pid:
                    found.append(int(folder.name))
    return sorted(found)


def gone_within(mark: str, patience_s: float) -> list[int]:
    """Processes with a mark that are still there after a while; they are killed then."""
    until_s = time.monotonic() + patience_s
    while (left := marked(mark)) and time.monotonic() < until_s:
        time.sleep(0.1)
    for pid in left:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return left


def _is_zombie(folder: Path) -> bool:
    return _stat(folder)[0] == "Z"


def _stat(folder: Path) -> list[str]:
    return (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
