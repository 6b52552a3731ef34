"""The part `clips` of the evaluation: measures, pages, data and side views."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pose_core.errors import InsufficientDataError
from pose_core.lab.clip_measures.offset_table import OFFSETS_FILE, build_offset_page, write_data
from pose_core.lab.clip_measures.page import build_clips_page
from pose_core.lab.clip_measures.run_clips import measure_clips
from pose_core.lab.clip_measures.sheet import draw_sheet
from pose_core.lab.clip_measures.standing import STANDING_SPANS, draw_standing, measure_standing
from pose_core.lab.clip_measures.tracks import FULL, HEAVY, LabModels
from pose_core.lab.rendered_clips.clips import CLIPS
from pose_core.lab.rendered_clips.plan import Clip, default_folder
from pose_core.lab.rendered_clips.produce import is_finished
from pose_core.lift.temporal import WEIGHTS

PICTURE, SHEET = "standing_side_views.png", "clips.jpg"


@dataclass(frozen=True)
class ClipsPart:
    """What to measure and where."""

    rendered: Path | None = None
    """Folder of rendered clips; None = the user's cache."""
    real: Path | None = None
    """Folder of real clips."""
    models: Path | None = None
    """Folder with `pose_landmark_heavy.tflite`."""
    out: Path = Path("docs") / "results"
    offsets: Path = OFFSETS_FILE
    tracks: Path | None = None
    """Folder that keeps 2D tracks; None = they are made anew, as tracking may have changed."""
    only: tuple[str, ...] = ()
    """Names of clips; all otherwise."""


def run_clips_part(part: ClipsPart, command: str, tell: Callable[[str], None]) -> list[Path]:
    """Measure and write `clips.md`, `keypoint_offsets.md`, the data and the picture.

    Args:
        part: what to measure.
        command: that made it, for the pages.
        tell: told what is done.
    Returns:
        The files written.
    Raises:
        InsufficientDataError: no clip has been rendered.
    """
    folder = part.rendered or default_folder()
    clips = [c for c in CLIPS if (not part.only or c.name in part.only) and is_finished(folder, c)]
    if not clips:
        raise InsufficientDataError(f"There are no rendered clips in '{folder}'.", "Run scripts/render_clips.py first.")
    with tempfile.TemporaryDirectory(prefix="pose-core-tracks-") as scratch:
        return _measure_and_write(part, command, tell, clips, part.tracks or Path(scratch))


def _measure_and_write(
    part: ClipsPart, command: str, tell: Callable[[str], None], clips: list[Clip], cache: Path
) -> list[Path]:
    folder, store = part.rendered or default_folder(), LabModels(part.models)
    models = [m for m in (FULL, HEAVY) if store.has(m)]
    measures = measure_clips(clips, folder, models, store, cache, tell)
    standing = []
    for span in STANDING_SPANS if part.real is not None else ():
        for model in models:
            result = measure_standing(span, part.real or Path(), model, store, cache)
            if result is not None:
                standing.append(result)
                tell(f"{span.name}, {model}")
    frames = sum(p.frames for p in measures.people if p.model == models[0])
    facts = [
        f"Command: `{command}`; {len(clips)} clips of {len(CLIPS)}, {frames} frames of people, 2D models "
        f"{' and '.join(models)}",
        f"Lifter: `{WEIGHTS.name}`, SHA-256 `{hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:16]}`",
    ]
    part.out.mkdir(parents=True, exist_ok=True)
    picture = part.out / PICTURE if standing else None
    if picture is not None:
        draw_standing(standing, picture)
    draw_sheet(clips, folder, part.out / SHEET)
    pages = [part.out / "clips.md", part.out / "keypoint_offsets.md"]
    page = build_clips_page(measures, standing, facts, picture.name if picture is not None else "", SHEET)
    pages[0].write_text(page, encoding="utf-8")
    pages[1].write_text(build_offset_page(measures.offsets, facts[:1]), encoding="utf-8")
    write_data(measures.offsets, part.offsets)
    return [*pages, part.offsets, part.out / SHEET, *([picture] if picture is not None else [])]
