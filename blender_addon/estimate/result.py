"""What the panel says about a finished job."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pose_core.casting import first_time_s
from pose_core.doubts import DoubtSpan
from pose_core.motion_file import Motion
from pose_core.worker.protocol import Result

from ..bridge.report.apply_report import ApplyReport
from ..job.state import Span, Summary
from ..job.text import counted
from ..machine.models import DEFAULT


def summarise(
    scene_name: str,
    result: Result,
    motions: Sequence[Motion],
    doubts: Sequence[Sequence[DoubtSpan]],
    applied: Sequence[ApplyReport],
    problems: Sequence[str],
    model: str = DEFAULT,
) -> Summary:
    """Put a job's report, its motions and what was made of them into rows for people.

    Args:
        scene_name: the scene that was changed.
        result: the worker's answer.
        motions: of all people who were put on a character, most prominent first.
        doubts: where each is unsure.
        applied: the report of `apply_motion` for each.
        problems: what could not be done.
        model: name of the pose model.
    """
    report = result.report
    rows = [
        ("Frames", f"{report.get('frames', 0)}  ({_number(report.get('duration_s'), '.2f')} s)"),
        ("Frame Rate", f"{_number(applied[0].rate.value, '.5g')} fps"),
        ("People", _people(report)),
    ]
    if len(motions) > 1:
        rows += [(f"Person {m.person_id}", one.object_name) for m, one in zip(motions, applied, strict=True)]
    if model != DEFAULT:
        rows.append(("Model", model))
    rows.append(("Bones", _bones(applied)))
    if report.get("mean_reprojection_px") is not None:
        rows.append(("Reprojection", f"{_number(report['mean_reprojection_px'], '.1f')} px"))
    spans = _spans(motions, doubts, applied[0])
    rows.append(("Unsure", counted(len(spans), "span") if spans else "nothing"))
    notes = _told([(one.object_name, one.notes) for one in applied])
    failures = _told([(one.object_name, one.failures) for one in applied])
    return Summary(
        scene_name=scene_name,
        object_names=tuple(one.object_name for one in applied),
        source=motions[0].source,
        rows=tuple(rows),
        spans=spans,
        failures=failures,
        warnings=(*problems, *map(str, report.get("warnings", ())), *notes),
        motion_paths=tuple(result.motion_paths),
        preview_path=result.preview_path or "",
    )


def _told(by_object: Sequence[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """Sentences on one character as they are; on several, each with its character's name."""
    if len(by_object) == 1:
        return tuple(by_object[0][1])
    return tuple(f"{name}: {sentence}" for name, sentences in by_object for sentence in sentences)


def _spans(motions: Sequence[Motion], doubts: Sequence[Sequence[DoubtSpan]], applied: ApplyReport) -> tuple[Span, ...]:
    """Doubts in scene frames, in the order of time; with several people it is said whose."""
    rate, first, zero_s = applied.rate.value, float(applied.frame_start), first_time_s(motions)

    def frame(time_s: float) -> float:
        return first + (time_s - zero_s) * rate

    spans = [
        Span(
            math.floor(frame(span.start_s) + 1e-4),
            math.ceil(frame(span.end_s) - 1e-4),
            span.reason if len(motions) == 1 else f"{span.reason} (person {motion.person_id})",
        )
        for motion, own in zip(motions, doubts, strict=True)
        for span in own
    ]
    return tuple(sorted(spans, key=lambda span: span.first_frame))


def _bones(applied: Sequence[ApplyReport]) -> str:
    """How many bones were keyed, and how sure the least sure one is; armatures made for the motion are certain."""
    count = sum(one.bones for one in applied)
    sure = [min(one.mapping.confidence.values()) for one in applied if not one.new_armature]
    least = min(sure, default=1.0)
    return f"{count} keyed" if least >= 1 else f"{count} keyed, {100 * least:.0f} % sure"


def _people(report: Mapping[str, Any]) -> str:
    found = report.get("people_found", 1)
    kept = [str(person) for person in report.get("person_ids", [])]
    return f"{found} found, kept {', '.join(kept)}" if kept and found != 1 else str(found)


def _number(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, (int, float)) else "?"
