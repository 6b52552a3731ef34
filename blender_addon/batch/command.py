"""Batches from a command line: jobs one after the other, what came of each, and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from pose_core.batch.command_line import read_batch
from pose_core.batch.jobs import Batch
from pose_core.batch.paths import check_batch
from pose_core.batch.stop import STOPPED, listen, raise_if_stopped
from pose_core.errors import PoseCoreError

from ..machine.paths import get_preferences
from .job import FINISHED, done_before, run_job

OK, SOME_FAILED, BAD_USAGE = 0, 1, 2
PROGRAM = "blender --command pose_core batch"
_USAGE = f"usage: {PROGRAM} --video FILE ... (see {PROGRAM} --help)"


def run_batch(argv: list[str], default_python: Callable[[], Path], program: str = PROGRAM) -> int:
    """Run all jobs of a command line.

    Args:
        argv: the arguments; `pose_core.batch.jobs` says which there are.
        default_python: gives the worker's interpreter where neither `--worker-python` nor the environment variable
            `POSE_CORE_WORKER_PYTHON` names one.
        program: what `--help` calls the program.
    Returns:
        0 all jobs done, 1 some failed, 2 bad usage, 130 stopped by Ctrl-C.
    """
    listen()
    try:
        return _run(argv, default_python, program)
    except KeyboardInterrupt:
        print("\nstopped; what was finished stays, and --resume goes on from there", file=sys.stderr)
        return STOPPED


def main(argv: list[str], default_python: Callable[[], Path], program: str) -> None:
    """Run a batch and end the process with its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Blender's own handler would let the script go on
    try:
        code = run_batch(argv, default_python, program)
    except BaseException:  # noqa: BLE001 - Blender itself would end with 0
        traceback.print_exc()
        code = SOME_FAILED
    sys.stdout.flush()
    sys.stderr.flush()
    # The bpy module may crash or hang in its own clean-up, and Blender ends with 0 whatever a script does.
    os._exit(code)


def run_command(argv: list[str]) -> int:
    """`blender --command pose_core ...`, from the installed extension; the exit code."""
    if not argv or argv[0] != "batch":
        asked = bool(argv) and argv[0] in ("-h", "--help")
        print(_USAGE if asked else f"error: expected the word batch, but got {argv[:1]}\n{_USAGE}", file=sys.stderr)
        return OK if asked else BAD_USAGE
    return run_batch(argv[1:], lambda: get_preferences(bpy.context).environment_python)


def _run(argv: list[str], default_python: Callable[[], Path], program: str) -> int:
    try:
        batch = read_batch(argv, program)
        blend_file = str(Path(batch.blend).absolute()) if batch.blend else bpy.data.filepath
        check_batch(batch.jobs, blend_file, batch.manifest)
    except PoseCoreError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return BAD_USAGE
    except SystemExit as stop:  # --help
        return int(stop.code or 0)
    worker_python = _worker_python(batch, default_python)
    counts = {"done": 0, "skipped": 0, "failed": 0}
    for number, job in enumerate(batch.jobs, 1):
        raise_if_stopped()
        title = f"[{number}/{len(batch.jobs)}] {job.result_name}"
        if batch.resume and done_before(job, blend_file):
            counts["skipped"] += 1
            print(f"{title}: done before", flush=True)
            continue
        report = run_job(job, blend_file, worker_python)
        counts["done" if report["status"] == FINISHED else "failed"] += 1
        print(f"{title}: {_summary(report)}", flush=True)
        of_takes = [note for take in report["takes"] for note in take["notes"]]
        notes = [*report.get("estimate", {}).get("warnings", []), *report.get("notes", []), *of_takes, *_doubts(report)]
        for note in dict.fromkeys(notes):
            print(f"  note: {note}", flush=True)
    print(f"Batch: {counts['done']} done, {counts['skipped']} skipped, {counts['failed']} failed.", flush=True)
    return SOME_FAILED if counts["failed"] else OK


def _worker_python(batch: Batch, default_python: Callable[[], Path]) -> Path:
    named = batch.worker_python or os.environ.get("POSE_CORE_WORKER_PYTHON")
    return Path(named) if named else default_python()


def _summary(report: dict[str, Any]) -> str:
    if "error" in report:
        files = ", ".join(name for take in report["takes"] for name in take["files"])
        return f"FAILED: {report['error']['message']}{f' Written all the same: {files}.' if files else ''}"
    takes = [
        f"{', '.join(take['files'])} ({take['frames_keyed']} frames at {take['fps']:.5g}/s, {take['bones']} bones,"
        f" largest deviation {1000 * take['verify']['max_joint_deviation_m']:.3g} mm)"
        for take in report["takes"]
    ]
    return f"{', '.join(takes)} in {report['timings_s']['total']:.1f} s"


def _doubts(report: dict[str, Any]) -> list[str]:
    """Bones that were not certain: used all the same, or left out."""
    out = []
    for take in report["takes"]:
        found = take["mapping"]
        unsure = {name: found["confidence"][name] for name in found["doubtful"]} | found["left_out"]
        if unsure:
            listed = ", ".join(f"'{name}' {100 * value:.0f} %" for name, value in unsure.items())
            out.append(f"bones of '{take['object']}' that are not certain: {listed}")
    return out
