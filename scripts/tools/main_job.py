"""The main job as two processes: video to motion file in the worker's Python, motion file to FBX in Blender."""

import dataclasses
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .command import clean_environment
from .errors import SetupError
from .paths import cache_folder, log_folder, project_root
from .progress import Step

TAIL_LINES = 15
MODEL = "blazepose-full"


@dataclasses.dataclass(frozen=True)
class Blender:
    """How to run a script in Blender: the program, or a Python with the bpy module."""

    command: tuple[str, ...]
    name: str


def blender_program(path: Path) -> Blender:
    """Run scripts in the background of a Blender program."""
    # The exit-code option must stand before the script, or Blender ends with 0 whatever happens.
    options = ("-b", "--factory-startup", "-noaudio", "--python-exit-code", "1", "--python")
    return Blender((str(path), *options), str(path))


def bpy_module(python: Path, version: str) -> Blender:
    """Run scripts in a Python with the bpy module."""
    return Blender((str(python),), f"Blender {version} (Python module)")


@dataclasses.dataclass(frozen=True)
class Outputs:
    """Where the results of a job belong."""

    motion: Path
    preview: Path
    fbx: Path
    blend: Path


def outputs_for(video: Path, folder: Path) -> Outputs:
    """Return the result files of a video: its name without the suffix, in the folder."""
    name = video.stem
    return Outputs(
        folder / f"{name}.motion.npz", folder / f"{name}.preview.mp4", folder / f"{name}.fbx", folder / f"{name}.blend"
    )


def job_environment() -> dict[str, str]:
    """Return the environment of both processes."""
    return clean_environment({"POSE_CORE_CACHE": str(cache_folder())})


def run_job(step: Step, argv: Sequence[str], what: str) -> str:
    """Run one of the job's processes under a progress step and return its standard output.

    Standard error is shown line by line as it comes (progress as JSON lines), and kept in a log file.

    Raises:
        SetupError: it ended with a code other than 0; the message is its own.
    """
    log_path = log_folder() / f"quickstart-{what}.log"
    with tempfile.TemporaryFile() as stdout, log_path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=job_environment(),
        )
        try:
            assert process.stderr is not None
            for line in process.stderr:
                log.write(line)
                step.detail(shown(line))
            code = process.wait()
        except BaseException:
            process.terminate()
            _wait_or_kill(process)
            raise
        stdout.seek(0)
        output = stdout.read().decode("utf-8", errors="replace")
        log.write(output)
    if code != 0:
        raise _failure(step, output, code, log_path)
    return output


def _failure(step: Step, output: str, code: int, log_path: Path) -> SetupError:
    error = (as_object(output) or {}).get("error")
    if isinstance(error, dict) and error.get("message"):
        return SetupError(str(error["message"]), advice=str(error.get("hint") or ""), log=str(log_path))
    text = log_path.read_text(encoding="utf-8", errors="replace")
    tail = tuple(line for line in text.splitlines() if line.strip() and as_object(line) is None)[-TAIL_LINES:]
    return SetupError(f"{step.label}: it ended with exit code {code}.", tail=tail, log=str(log_path))


def _wait_or_kill(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def shown(line: str) -> str:
    """Return what a user should see of a line: a progress message in words, any other line as it is."""
    message = as_object(line)
    if message is None:
        return line
    done, total = message.get("done") or 0, message.get("total") or 0
    parts = [str(message.get("stage", "")), f"{done}/{total}" if total else str(done)]
    if message.get("frames_per_s"):
        parts.append(f"{message['frames_per_s']:.0f} frames/s")
    if message.get("seconds_left"):
        parts.append(f"{message['seconds_left']:.0f} s left")
    return "  ".join(parts)


def as_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a text is, or None."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def get_model(step: Step, python: Path) -> None:
    """Have the embedded 2D model in the cache; quick if it is there already."""
    run_job(step, [str(python), "-m", "pose_core.cli", "models", "get", MODEL, "--json"], "model")


def estimate(step: Step, python: Path, video: Path, outputs: Outputs) -> dict[str, Any]:
    """Make the motion file and the preview of a video; return the command's report."""
    argv = [str(python), "-m", "pose_core.cli", "estimate", str(video), "--out", str(outputs.motion)]
    output = run_job(step, [*argv, "--preview", str(outputs.preview), "--json"], "estimate")
    report = (as_object(output) or {}).get("report")
    if not isinstance(report, dict):
        raise SetupError("`pose-core estimate` printed no report.", tail=tuple(output.splitlines()[-TAIL_LINES:]))
    return report


def retarget(step: Step, blender: Blender, outputs: Outputs, rig: Path | None) -> None:
    """Put the motion on a rig and write FBX and blend file."""
    script = project_root() / "scripts" / "batch_retarget.py"
    arguments = ["--motion", str(outputs.motion), "--out", str(outputs.fbx.parent), "--save-blend"]
    arguments += ["--rig", str(rig)] if rig is not None else []
    output = run_job(step, [*blender.command, str(script), "--", *arguments], "retarget")
    for path in (outputs.fbx, outputs.blend):
        if not path.exists():
            tail = tuple(output.splitlines()[-TAIL_LINES:])
            raise SetupError(f"Blender ended well, but {path} is not there.", tail=tail)
