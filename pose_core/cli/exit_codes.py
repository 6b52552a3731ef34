"""What the command's exit code means."""

from __future__ import annotations

from enum import IntEnum

from pose_core.errors import PoseCoreError


class ExitCode(IntEnum):
    """Exit codes of `pose-core`; part of its interface."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    VIDEO = 3
    MODEL = 4
    NO_EVIDENCE = 5
    FILE = 6
    CANCELLED = 130


MEANING = {
    ExitCode.OK: "done",
    ExitCode.UNEXPECTED: "a fault of Pose Core itself",
    ExitCode.USAGE: "a wrong argument or setting",
    ExitCode.VIDEO: "the video cannot be read",
    ExitCode.MODEL: "a model or the program to run it is missing or damaged",
    ExitCode.NO_EVIDENCE: "nobody was found, or too little was seen of them",
    ExitCode.FILE: "a file cannot be read or written",
    ExitCode.CANCELLED: "cancelled (Ctrl-C)",
}

_BY_ERROR_CODE = {
    "config": ExitCode.USAGE,
    "video": ExitCode.VIDEO,
    "model": ExitCode.MODEL,
    "runtime": ExitCode.MODEL,
    "no_person": ExitCode.NO_EVIDENCE,
    "insufficient_data": ExitCode.NO_EVIDENCE,
    "motion_file": ExitCode.FILE,
    "output": ExitCode.FILE,
    "export": ExitCode.FILE,
    "rig": ExitCode.FILE,
    "dataset": ExitCode.FILE,
    "cancelled": ExitCode.CANCELLED,
}


def exit_code_of(error: PoseCoreError | OSError) -> ExitCode:
    """The exit code that tells of this error."""
    if isinstance(error, OSError):
        return ExitCode.FILE
    return _BY_ERROR_CODE.get(error.code, ExitCode.UNEXPECTED)


def exit_code_help() -> str:
    """The table of exit codes for `--help`."""
    return "exit codes:\n" + "\n".join(f"  {code:>3}  {text}" for code, text in MEANING.items())
