"""Run an installer quietly: its output goes to a log file, its last lines into the error if it fails."""

import collections
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import SetupError
from .paths import log_folder
from .progress import Step

TAIL_LINES = 15
ASTRAY = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without what would lead another Python astray, and with telemetry off."""
    env = {key: value for key, value in os.environ.items() if key not in ASTRAY}
    env["PYTHONUNBUFFERED"] = "1"
    env["PYTHONNOUSERSITE"] = "1"
    env["ORT_DISABLE_TELEMETRY"] = "1"  # also where ONNX Runtime is loaded without Pose Core, as by a check
    env.update(extra or {})
    return env


def run_quietly(
    step: Step,
    argv: Sequence[str | Path],
    *,
    log_name: str,
    advice: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    words: Callable[[str], str] = str,
) -> str:
    """Run a command under a progress step and return all it printed.

    Args:
        step: shows the command's latest line.
        argv: program and arguments; no shell is involved.
        log_name: name of the log file, without folder and suffix; output is appended to it.
        advice: what a user may try if the command fails.
        cwd: working folder, this process's own by default.
        env: the whole environment, `clean_environment()` by default.
        words: turns a line of output into what the user sees of it; "" = nothing.
    Raises:
        SetupError: the program is missing or ended with a code other than 0.
    """
    command = [str(part) for part in argv]
    log_path = log_folder() / f"{log_name}.log"
    lines: list[str] = []
    with log_path.open("a", encoding="utf-8", errors="replace") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=cwd,
                env=dict(env) if env is not None else clean_environment(),
            )
        except OSError as error:
            raise SetupError(f"{command[0]} could not be started: {error}", advice=advice) from error
        try:
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                lines.append(line.rstrip())
                step.detail(words(line))
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        log.write(f"exit code {code}\n")
    if code != 0:
        tail = tuple(collections.deque((line for line in lines if line.strip()), maxlen=TAIL_LINES))
        raise SetupError(
            f"`{Path(command[0]).name} {' '.join(command[1:4])} ...` ended with exit code {code}.",
            tail=tail,
            advice=advice,
            log=str(log_path),
        )
    return "\n".join(lines)
