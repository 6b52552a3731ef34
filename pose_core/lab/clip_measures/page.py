"""The page of results on rendered clips and on real people who stand."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pose_core.lab.clip_measures.run_clips import ClipMeasures, ClipResult, PersonResult
from pose_core.lab.clip_measures.standing import StandingResult

_COLUMNS = (
    ("mpjpe_mm", "MPJPE mm", 0), ("pa_mpjpe_mm", "PA mm", 0), ("view_mm", "along the view mm", 0),
    ("knee_bias_deg", "knee bias deg", 0), ("standing_bias_deg", "standing knees: bias deg", 0),
    ("standing_share", "below 20 deg %", 0), ("lean_deg", "trunk lean deg", 0),
    ("lean_abs_deg", "its size deg", 0), ("up_error_deg", "up off by deg", 0),
    ("path_cm", "path cm", 1), ("path_share", "path % of its length", 1), ("acceleration", "acceleration m/s²", 1),
)  # fmt: skip
_SHARES = ("standing_share", "path_share")
_STANDING = ("standing", "half body", "occluded", "turning")


def mean_of(people: Iterable[PersonResult], key: str) -> float:
    """Mean over people, weighted by frames, or for knees by those that stand; NaN where nobody has the figure."""
    rows = []
    for p in people:
        value = p.figures.get(key, float("nan"))
        weight = p.figures.get("standing_knees", 0.0) if key.startswith("standing") else float(p.frames)
        if np.isfinite(value) and weight > 0:
            rows.append((value, weight))
    if not rows:
        return float("nan")
    values, weights = np.array(rows).T
    return float(np.average(values, weights=weights))


def build_clips_page(
    measures: ClipMeasures, standing: list[StandingResult], facts: list[str], picture: str, sheet: str = ""
) -> str:
    """The whole page.

    Args:
        measures: on the rendered clips.
        standing: on real people.
        facts: what was run; shown as a list.
        picture: file name of the side views, "" for none.
        sheet: file name of the contact sheet, "" for none.
    """
    parts = [_HEAD, *[f"- {fact}" for fact in facts], "", "## In short", ""]
    models = list(dict.fromkeys(p.model for p in measures.people))
    parts += _table("2D model", {m: [p for p in measures.people if p.model == m] for m in models})
    parts += ["", "People who stand, by what they wear and from where they are seen:", ""]
    parts += _standing_tables(measures.people, models)
    for model in models:
        own = [p for p in measures.people if p.model == model]
        parts += ["", f"## By kind, {model}", ""]
        parts += _table("Kind", {k: [p for p in own if p.clip.kind == k] for k in _kinds(own)})
        parts += ["", f"## Clip by clip, {model}", ""]
        names = dict.fromkeys((p.clip.name, p.person) for p in own)
        rows = {
            n if not _is_several(own, n) else f"{n} {k + 1}": [p for p in own if (p.clip.name, p.person) == (n, k)]
            for n, k in names
        }
        parts += _table("Clip", rows)
    parts += ["", "## Who is who", "", *_identity_table(measures.clips, models)]
    if standing:
        parts += ["", "## Real people who stand", "", *_real_table(standing)]
        if picture:
            parts += ["", f"![Side views of real people who stand]({picture})"]
    if sheet:
        parts += ["", "## The clips", "", f"![The middle frame of every clip with its true skeleton]({sheet})"]
    return "\n".join(parts) + "\n"


def _kinds(people: list[PersonResult]) -> list[str]:
    return list(dict.fromkeys(p.clip.kind for p in people))


def _is_several(people: list[PersonResult], name: str) -> bool:
    return len({p.person for p in people if p.clip.name == name}) > 1


def _table(title: str, groups: dict[str, list[PersonResult]]) -> list[str]:
    rows = [f"| {title} | people | not found | " + " | ".join(c[1] for c in _COLUMNS) + " |"]
    rows.append("|---" * (len(_COLUMNS) + 3) + "|")
    for name, people in groups.items():
        lost = sum(not p.figures for p in people)
        cells = [_cell(mean_of(people, key) * (100 if key in _SHARES else 1), digits) for key, _, digits in _COLUMNS]
        rows.append(f"| {name} | {len(people)} | {lost or ''} | " + " | ".join(cells) + " |")
    return rows


def _standing_tables(people: list[PersonResult], models: list[str]) -> list[str]:
    from pose_core.lab.clip_measures.offset_table import view_of
    from pose_core.lab.rendered_clips.outfits import CLOTHING

    own = [p for p in people if p.clip.kind in _STANDING]
    groups: dict[str, list[PersonResult]] = {}
    for model in models:
        for p in (p for p in own if p.model == model):
            for label in (CLOTHING[p.clip.actors[p.person].outfit], view_of(p.clip.camera.pitch_deg)):
                groups.setdefault(f"{model.removeprefix('blazepose-')}: {label}", []).append(p)
    return _table("", dict(sorted(groups.items())))


def _identity_table(clips: list[ClipResult], models: list[str]) -> list[str]:
    rows = ["| Clip | 2D model | frames with the right person % | frames of visible people lost % |", "|---" * 4 + "|"]
    for model in models:
        own = [c for c in clips if c.model == model]
        for c in (c for c in own if len(c.clip.actors) > 1 or c.lost_share > 0.005 or c.right_share < 0.995):
            rows.append(
                f"| {c.clip.name} | {model} | {_cell(100 * c.right_share, 1)} | {_cell(100 * c.lost_share, 1)} |"
            )
        right, lost = (float(np.nanmean([getattr(c, key) for c in own])) for key in ("right_share", "lost_share"))
        rows.append(f"| mean of all {len(own)} clips | {model} | {_cell(100 * right, 1)} | {_cell(100 * lost, 1)} |")
    return rows


def _real_table(standing: list[StandingResult]) -> list[str]:
    rows = [
        "| Span | 2D model | hips, shoulders to ankles | left knee deg | right knee deg | 90th percentile | "
        "knees below 20 deg % | trunk lean deg |",
        "|---" * 8 + "|",
    ]
    for r in standing:
        left, right = np.median(r.knees_deg, axis=0) if len(r.knees_deg) else (np.nan, np.nan)
        high = float(np.percentile(r.knees_deg, 90)) if len(r.knees_deg) else float("nan")
        cells = [_cell(r.hip_share, 2), _cell(left, 0), _cell(right, 0), _cell(high, 0), _cell(100 * r.share_below, 0)]
        rows.append(f"| {r.span.name} | {r.model} | " + " | ".join([*cells, _cell(r.lean_deg, 0)]) + " |")
    return rows


def _cell(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else ""


_HEAD = """\
# Rendered clips

Made by `scripts/evaluate.py --parts clips`; do not edit. The whole pipeline (2D network, tracking, lifter, solve) on
clips of `scripts/render_clips.py`: mannequins in coats, skirts, wide trousers and with bags do what performers did whom
training never sees; their joints and the camera are known exactly. The person's height is given; the camera is unknown,
but for the way and the focal length of the one that moves.

- **MPJPE, PA**: hips, knees, ankles, shoulders, elbows, wrists, relative to the pelvis, in camera axes; **along the
  view**: mean absolute part of it in depth.
- **Knee bias**: solved minus true flexion, mean over both knees. **Standing knees** are those whose true flexion is
  below 20 degrees; the share that comes out below 20 as well should be 90 %.
- **Trunk lean**: error of the trunk's lean along the view, away from the camera positive; and the mean of its size.
- **Up off by**: between the solve's up and the true one.
- **Path**: distance of the pelvis from its true way in the world after a turn about the vertical and a shift, also in
  per cent of the way for people who go at least half a metre.
- Means are weighted by frames; people who were not found count in no mean.

What would be good: MPJPE 60, PA 42 mm; standing knees biased by at most 6 degrees and 90 % of them below 20; trunk lean
of at most 6 degrees; path within 4 % of its length; the right person in 99 % of frames, 5 % of visible frames lost.
"""
