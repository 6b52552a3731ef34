"""The offsets of all clips as a page and as data that training reads as its noise model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.lab.clip_measures.offsets import PARTS, Offset

OFFSETS_FILE = Path(__file__).with_name("keypoint_offsets.json")
_PER_CENT = 100.0


@dataclass(frozen=True)
class Measured:
    """An offset and what it was measured on."""

    model: str
    clip: str
    clothing: str
    """A value of `outfits.CLOTHING`."""
    view: str
    """"from above", "level" or "from below"."""
    offset: Offset


@dataclass(frozen=True)
class Spread:
    """A joint's offset over clips, shares of the height."""

    mean_along: float
    between_along: float
    """Standard deviation of the clips' constant offsets."""
    within_along: float
    """Root mean square of the standard deviations within clips."""
    mean_across: float
    between_across: float
    within_across: float
    clips: int


def view_of(pitch_deg: float) -> str:
    """Name of a view by the camera's pitch, upwards positive."""
    return "from above" if pitch_deg <= -25 else "from below" if pitch_deg >= 15 else "level"


def spread_of(measured: Iterable[Measured]) -> Spread | None:
    """Mean and spreads; None for nothing."""
    rows = np.array(
        [(m.offset.along, m.offset.spread_along, m.offset.across, m.offset.spread_across) for m in measured]
    ).reshape(-1, 4)
    if not len(rows):
        return None
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    rms = np.sqrt((rows**2).mean(axis=0))
    return Spread(mean[0], deviation[0], rms[1], mean[2], deviation[2], rms[3], len(rows))


def as_data(measured: list[Measured]) -> dict[str, Any]:
    """Plain data: by model, clothing ("all" as well) and joint."""
    out: dict[str, Any] = {"unit": "share of the person's height", "along": "trunk: towards the head; limbs: outwards"}
    models: dict[str, Any] = {}
    for model in _names(m.model for m in measured):
        own = [m for m in measured if m.model == model]
        kinds: dict[str, Any] = {}
        for clothing in ("all", *_names(m.clothing for m in own)):
            chosen = [m for m in own if clothing in ("all", m.clothing)]
            joints = {part: spread_of(m for m in chosen if m.offset.part == part) for part in PARTS}
            kinds[clothing] = {p: _rounded(s) for p, s in joints.items() if s is not None}
        models[model] = kinds
    return {**out, "models": models}


def write_data(measured: list[Measured], path: Path = OFFSETS_FILE) -> None:
    """Write the data."""
    path.write_text(json.dumps(as_data(measured), indent=1, sort_keys=False) + "\n", encoding="utf-8")


def read_data(model: str, clothing: str = "all", path: Path = OFFSETS_FILE) -> dict[str, Spread]:
    """The spread of every joint's offset, by joint without its side."""
    joints = json.loads(path.read_text(encoding="utf-8"))["models"][model][clothing]
    return {part: Spread(**values) for part, values in joints.items()}


def _rounded(spread: Spread) -> dict[str, float]:
    return {key: value if key == "clips" else round(float(value), 5) for key, value in vars(spread).items()}


def _names(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def build_offset_page(measured: list[Measured], facts: list[str]) -> str:
    """The page."""
    parts = [_HEAD, *[f"- {fact}" for fact in facts]]
    for model in _names(m.model for m in measured):
        own = [m for m in measured if m.model == model]
        parts += ["", f"## {model}: all joints", "", *_joint_table(own)]
        parts += ["", f"### {model}: hips and shoulders by clothing", ""]
        parts += _by(own, "clothing", lambda m: m.clothing)
        parts += ["", f"### {model}: hips and shoulders by view", ""]
        parts += _by(own, "view", lambda m: m.view)
    parts += ["", "## Hips along the trunk, clip by clip", "", *_clip_table(measured)]
    return "\n".join(parts) + "\n"


def _joint_table(own: list[Measured]) -> list[str]:
    rows = ["| Joint | along | between clips | within | across | between clips | within | n |", "|---" * 8 + "|"]
    for part in PARTS:
        s = spread_of(m for m in own if m.offset.part == part)
        if s is not None:
            cells = [s.mean_along, s.between_along, s.within_along, s.mean_across, s.between_across, s.within_across]
            rows.append(f"| {part} | " + " | ".join(_cell(c) for c in cells) + f" | {s.clips} |")
    return rows


def _by(own: list[Measured], title: str, label: Callable[[Measured], str]) -> list[str]:
    rows = [
        f"| {title} | hip along | between clips | hip across | shoulder along | between clips | knee along | n |",
        "|---" * 8 + "|",
    ]
    for name in _names(label(m) for m in own):
        hip, shoulder, knee = (
            spread_of(m for m in own if label(m) == name and m.offset.part == part)
            for part in ("hip", "shoulder", "knee")
        )
        if hip is None or shoulder is None:
            continue
        cells = [hip.mean_along, hip.between_along, hip.mean_across, shoulder.mean_along, shoulder.between_along]
        cells.append(knee.mean_along if knee is not None else float("nan"))
        rows.append(f"| {name} | " + " | ".join(_cell(c) for c in cells) + f" | {hip.clips} |")
    return rows


def _clip_table(measured: list[Measured]) -> list[str]:
    models = _names(m.model for m in measured)
    rows = ["| Clip | clothing | view | " + " | ".join(models) + " |", "|---" * (3 + len(models)) + "|"]
    for clip in _names(m.clip for m in measured):
        here = [m for m in measured if m.clip == clip and m.offset.part == "hip"]
        if not here:
            continue
        means = [spread_of(m for m in here if m.model == model) for model in models]
        cells = [_cell(s.mean_along) if s is not None else "" for s in means]
        worn = ", ".join(_names(m.clothing for m in here))
        rows.append(f"| {clip} | {worn} | {here[0].view} | " + " | ".join(cells) + " |")
    return rows


def _cell(share: float) -> str:
    return f"{_PER_CENT * share:+.1f}" if np.isfinite(share) else ""


_HEAD = """\
# Keypoint offsets

Made by `scripts/evaluate.py --parts clips`; do not edit. How far the keypoints of a 2D network lie from the joints of
rendered people whose joints are known exactly. All numbers in **per cent of the person's height** (1 = 1.7 cm on a
person of 1.70 m).

- *along*: on hips, shoulders, neck and head along the trunk, towards the head positive; on limbs along the bone that
  ends in the joint, away from the trunk positive. What is seen is divided by how much the bone is foreshortened, so
  that it is a length on the body; frames in which the bone points at the camera do not count.
- *across*: square to it in the picture, outwards positive.
- The mean is that of the clips' own means, which are offsets that stay through a clip; *between clips* is their
  standard deviation, *within* what changes from frame to frame.
- The same numbers, by model, clothing and joint, lie in `pose_core/lab/clip_measures/keypoint_offsets.json` as shares
  of the height; `offset_table.read_data(model, clothing)` reads them as a noise model for training.
- Constant and spread of one clip are told by its median and its middle 68 %, so that single lost frames do not count.
- A joint is the mannequin's own: the hip is the centre of rotation of the thigh, the shoulder that of the upper arm.
"""
