"""The stages of a job as people see them: names, and their share of the whole; standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stage of a job."""

    name: str
    """What people are told that it does."""
    begin: float
    end: float
    """Its part of a progress bar over the whole job, in [0, 1]; from experience, not exact."""


STAGES = {
    "open": Stage("Opening the video", 0.0, 0.02),
    "track": Stage("Finding people", 0.02, 0.80),
    "lift": Stage("Lifting to 3D", 0.80, 0.82),
    "solve": Stage("Solving the motion", 0.82, 0.90),
    "preview": Stage("Drawing the preview", 0.90, 0.98),
    "write": Stage("Writing", 0.98, 1.0),
    "create": Stage("Making the environment", 0.0, 0.12),
    "download": Stage("Downloading packages", 0.12, 0.45),
    "install": Stage("Installing packages", 0.45, 0.9),
    "check": Stage("Checking", 0.9, 1.0),
    "fetch": Stage("Fetching the model", 0.0, 1.0),
    "self_test": Stage("Testing", 0.0, 1.0),
}


def stage_name(stage: str) -> str:
    """What people are told that a stage does."""
    return STAGES[stage].name if stage in STAGES else stage


def overall_fraction(stage: str, done: int, total: int) -> float:
    """How far the whole job is, in [0, 1].

    Args:
        stage: a name in `STAGES`; others count as the whole job.
        done: of `total` within the stage.
        total: 0 when unknown.
    """
    part = STAGES.get(stage, Stage(stage, 0.0, 1.0))
    share = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
    return part.begin + (part.end - part.begin) * share


def clock(seconds: float) -> str:
    """A duration as minutes and seconds, with hours where needed."""
    whole = max(0, round(seconds))
    minutes = f"{whole // 60 % 60:02}" if whole >= 3600 else f"{whole // 60}"
    return f"{whole // 3600}:{minutes}:{whole % 60:02}" if whole >= 3600 else f"{minutes}:{whole % 60:02}"
