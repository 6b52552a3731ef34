"""People of real footage who stand: their knees must come out straight."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.config import VideoConfig
from pose_core.errors import InsufficientDataError
from pose_core.lab.clip_measures.figures import STANDING_KNEE_DEG, knee_flexion_deg, trunk_lean_deg
from pose_core.lab.clip_measures.run_clips import solve_track
from pose_core.lab.clip_measures.tracks import LabModels, cached_tracks
from pose_core.lab.evaluation.side_by_side import LEFT, MIDDLE, RIGHT
from pose_core.motion_file import Motion
from pose_core.skeletons import CANONICAL, joint_mapping
from pose_core.types import BoolArray, FloatArray, KeypointTrack

_HEIGHT_M = 1.70
_MOMENTS = 4


@dataclass(frozen=True)
class StandingSpan:
    """A part of a clip, and the times in it at which somebody stands."""

    name: str
    clip: str
    """File name of the video without suffix."""
    span: tuple[float, float]
    """What is tracked and solved, seconds."""
    standing: tuple[tuple[float, float], ...]
    """When the person stands, seconds of the clip."""
    people: int = 1
    person: int = 1
    """Which of them, by prominence from 1."""


STANDING_SPANS = (
    StandingSpan("corridor, 6 to 12 s", "corridor_empty_spans", (6.0, 12.0), ((6.0, 12.0),)),
    StandingSpan("street, the man on the box", "street_two_people", (0.0, 7.7), ((0.2, 0.7), (2.6, 3.0)), 2, 1),
    StandingSpan("sit_single, while standing", "sit_single", (0.0, 9.4), ((5.5, 6.3), (8.45, 8.6))),
)


@dataclass(frozen=True, eq=False)
class StandingResult:
    """How somebody who stands came out."""

    span: StandingSpan
    model: str
    knees_deg: FloatArray
    """(N, 2) bend of the left and right knee in the frames in which the person stands."""
    hip_share: float
    """Where the hips' keypoints lie on the way from shoulders (0) to ankles (1); 0.37 in upright adults."""
    lean_deg: float
    """Mean lean of the trunk along the view, away from the camera positive, against the solve's own up."""
    track: KeypointTrack
    motion: Motion

    @property
    def share_below(self) -> float:
        """Share of knees that count as straight."""
        return float(np.mean(self.knees_deg < STANDING_KNEE_DEG)) if len(self.knees_deg) else float("nan")


def measure_standing(
    span: StandingSpan, clips: Path, model: str, store: LabModels, cache: Path
) -> StandingResult | None:
    """Track and solve a span; None where the clip is not there or too little of the person was found."""
    video = clips / f"{span.clip}.mp4"
    if not video.is_file():
        return None
    part = VideoConfig(start_s=span.span[0], end_s=span.span[1])
    tracks = cached_tracks(video, model, span.people, cache, store, part)
    if len(tracks) < span.person:
        return None
    track = tracks[span.person - 1]
    try:
        motion = solve_track(track, span.clip, _HEIGHT_M)
    except InsufficientDataError:
        return None
    use = motion.valid & standing_frames(motion.timestamps_s, span)
    order = [motion.joint_names.index(name) for name in CANONICAL.names]
    camera = motion.joints_camera_m[use][:, order]
    T = np.broadcast_to(motion.T_world_camera, (len(use), 4, 4))[use]
    seen = joint_mapping(track.keypoint_set).positions(track.xy_px)[standing_frames(track.timestamps_s, span)]
    lean = float(np.mean(trunk_lean_deg(camera, T[:, 2, :3])))
    return StandingResult(span, model, knee_flexion_deg(camera), hip_share(seen), lean, track, motion)


def standing_frames(time_s: FloatArray, span: StandingSpan) -> BoolArray:
    """(T,) whether the person stands at a time, counted from the clip's beginning."""
    out = np.zeros(len(time_s), dtype=bool)
    for begin, end in span.standing:
        out |= (time_s >= begin - 1e-6) & (time_s <= end + 1e-6)
    return out


def hip_share(joints: FloatArray) -> float:
    """Median place of the hips on the way from the shoulders (0) to the ankles (1), in the picture."""
    shoulders, hips, ankles = (
        joints[:, CANONICAL.indices(f"left_{n}", f"right_{n}")].mean(axis=1) for n in ("shoulder", "hip", "ankle")
    )
    whole = ankles - shoulders
    share = np.sum((hips - shoulders) * whole, axis=-1) / np.sum(whole * whole, axis=-1)
    return float(np.nanmedian(share)) if np.isfinite(share).any() else float("nan")


def draw_standing(results: list[StandingResult], path: Path) -> None:
    """Draw what was seen and the solved motion from the side, a row of each, at moments at which the person stands."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        2 * len(results), _MOMENTS, figsize=(1.5 * _MOMENTS + 1.0, 3.0 * len(results)), dpi=70, squeeze=False
    )
    for r, result in enumerate(results):
        rows, times = _rows(result)
        for k, (title, points) in enumerate(zip(("as seen", "solved,\nfrom the side"), rows, strict=True)):
            for c in range(_MOMENTS):
                panel = panels[2 * r + k, c]
                panel.axis("off")
                panel.set_aspect("equal")
                if c < len(points):
                    _draw(panel, points[c])
                    if k == 0:
                        panel.set_title(f"{times[c]:.1f} s", fontsize=8)
            text = f"{result.span.name.split(',')[0]}, {result.model.removeprefix('blazepose-')},\n{title}"
            panels[2 * r + k, 0].text(-0.1, 0.5, text, transform=panels[2 * r + k, 0].transAxes, fontsize=7,
                                      rotation=90, ha="right", va="center")  # fmt: skip
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _rows(result: StandingResult) -> tuple[list[FloatArray], FloatArray]:
    motion, track = result.motion, result.track
    order = [motion.joint_names.index(name) for name in CANONICAL.names]
    found = np.flatnonzero(motion.valid & standing_frames(motion.timestamps_s, result.span))
    picked = found[np.linspace(0, len(found) - 1, _MOMENTS).round().astype(int)] if len(found) else found
    times = motion.timestamps_s[picked]
    camera = motion.joints_camera_m[picked][:, order]
    at = np.clip(np.searchsorted(track.timestamps_s, times - 1e-6), 0, len(track.timestamps_s) - 1)
    seen = joint_mapping(track.keypoint_set).positions(track.xy_px)[at] * np.array([1.0, -1.0])
    side = np.stack([camera[..., 2], -camera[..., 1]], axis=-1)
    return [seen, side - side[:, :1]], times


def _draw(panel: Any, points: FloatArray) -> None:
    for j, p in enumerate(CANONICAL.parents):
        if p >= 0 and np.all(np.isfinite(points[[j, p]])):
            colour = {"left": LEFT, "right": RIGHT}.get(CANONICAL.names[j].partition("_")[0], MIDDLE)
            panel.plot(*points[[p, j]].T, "-", color=colour, lw=1.6, solid_capstyle="round")
