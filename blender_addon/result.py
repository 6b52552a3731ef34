"""What the panel says about a finished job."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pose_core.doubts import DoubtSpan
from pose_core.motion_file import Motion
from pose_core.worker.protocol import Result

from .state import Span, Summary
from .text import counted


def summarise(
    scene_name: str,
    result: Result,
    motion: Motion,
    doubts: Sequence[DoubtSpan],
    applied: Sequence[Mapping[str, Any]],
    problems: Sequence[str],
) -> Summary:
    """Put a job's report, its motions and what was made of them into rows for people.

    Args:
        scene_name: the scene that was changed.
        result: the worker's answer.
        motion: that of the most prominent person.
        doubts: where it is unsure.
        applied: the report of `apply_motion` for each.
        problems: what could not be applied.
    """
    report = result.report
    rows = [
        ("Frames", f"{report.get('frames', 0)}  ({_number(report.get('duration_s'), '.2f')} s)"),
        ("Frame Rate", f"{_number(applied[0]['fps'], '.5g')} fps"),
        ("People", _people(report)),
        ("Keyed Bones", str(applied[0]["bones"])),
    ]
    if report.get("mean_reprojection_px") is not None:
        rows.append(("Reprojection", f"{_number(report['mean_reprojection_px'], '.1f')} px"))
    spans = _spans(motion, doubts, applied[0])
    rows.append(("Unsure", counted(len(spans), "span") if spans else "nothing"))
    notes = [str(note) for one in applied for note in one["notes"]]
    return Summary(
        scene_name=scene_name,
        object_names=tuple(str(one["object"]) for one in applied),
        source=motion.source,
        rows=tuple(rows),
        spans=spans,
        warnings=(*problems, *map(str, report.get("warnings", ())), *notes),
        motion_paths=tuple(result.motion_paths),
        preview_path=result.preview_path or "",
    )


def _spans(motion: Motion, doubts: Sequence[DoubtSpan], applied: Mapping[str, Any]) -> tuple[Span, ...]:
    rate, first = float(applied["fps"]), float(applied["frame_start"])
    zero_s = float(motion.timestamps_s[0])

    def frame(time_s: float) -> float:
        return first + (time_s - zero_s) * rate

    return tuple(
        Span(math.floor(frame(span.start_s) + 1e-4), math.ceil(frame(span.end_s) - 1e-4), span.reason)
        for span in doubts
    )


def _people(report: Mapping[str, Any]) -> str:
    found = report.get("people_found", 1)
    kept = [str(person) for person in report.get("person_ids", [])]
    return f"{found} found, kept {', '.join(kept)}" if kept and found != 1 else str(found)


def _number(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, (int, float)) else "?"
