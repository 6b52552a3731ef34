"""The whole pipeline on every rendered clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pose_core.config import CameraConfig, SolveConfig
from pose_core.errors import InsufficientDataError
from pose_core.lab.clip_measures.figures import figures_of, pair_up
from pose_core.lab.clip_measures.offset_table import Measured, view_of
from pose_core.lab.clip_measures.offsets import joint_offsets
from pose_core.lab.clip_measures.tracks import LabModels, cached_tracks
from pose_core.lab.clip_measures.who import match_people
from pose_core.lab.rendered_clips.outfits import CLOTHING
from pose_core.lab.rendered_clips.plan import Clip, video_path
from pose_core.lab.rendered_clips.produce import is_finished
from pose_core.lab.rendered_clips.truth import Truth, read_truth
from pose_core.lift import lift_track, repair_track
from pose_core.motion_file import Motion
from pose_core.solve import solve_motion
from pose_core.solve.intrinsics import choose_intrinsics
from pose_core.types import FloatArray, KeypointTrack


@dataclass(frozen=True, eq=False)
class PersonResult:
    """One model's motion of one person of a clip."""

    model: str
    clip: Clip
    person: int
    figures: dict[str, float]
    """Empty where nobody was found."""
    frames: int


@dataclass(frozen=True)
class ClipResult:
    """How well the people of a clip were told apart by one model's tracks."""

    model: str
    clip: Clip
    right_share: float
    lost_share: float


@dataclass(frozen=True, eq=False)
class ClipMeasures:
    """Everything measured on the clips."""

    people: list[PersonResult]
    clips: list[ClipResult]
    offsets: list[Measured]


def solve_track(
    track: KeypointTrack,
    source: str,
    height_m: float,
    T_world_camera: FloatArray | None = None,
    focal_px: float | None = None,
) -> Motion:
    """What the product makes of a track when it knows the person's height and, if given, the camera.

    Raises:
        InsufficientDataError: too little of the person is seen.
    """
    camera = CameraConfig(focal_px=focal_px)
    K, _ = choose_intrinsics(camera, track.image_size)
    repaired, _ = repair_track(track)
    lifted = lift_track(repaired, K)
    return solve_motion(repaired, lifted, source, SolveConfig(height_m=height_m), camera, T_world_camera=T_world_camera)


def measure_clips(
    clips: list[Clip], folder: Path, models: list[str], store: LabModels, cache: Path, tell: Callable[[str], None]
) -> ClipMeasures:
    """Run the pipeline on all clips that have been rendered.

    Args:
        clips: which.
        folder: where they are.
        models: 2D models to run.
        store: where models are.
        cache: folder that keeps 2D tracks.
        tell: told what is done.
    """
    out = ClipMeasures([], [], [])
    for clip in (c for c in clips if is_finished(folder, c)):
        truth = read_truth(folder, clip)
        for model in models:
            tracks = cached_tracks(video_path(folder, clip), model, len(clip.actors), cache, store)
            match = match_people(tracks, truth)
            out.clips.append(ClipResult(model, clip, match.right_share, match.lost_share))
            for person in range(len(clip.actors)):
                number = match.track_of(person)
                if number is None:
                    out.people.append(PersonResult(model, clip, person, {}, len(truth.time_s)))
                    continue
                out.people.append(_person(model, clip, person, tracks[number], truth))
                out.offsets.extend(
                    Measured(model, clip.name, CLOTHING[clip.actors[person].outfit], view_of(clip.camera.pitch_deg), o)
                    for o in joint_offsets(tracks[number], truth, person)
                )
            tell(f"{clip.name}, {model}")
    return out


def _person(model: str, clip: Clip, person: int, track: KeypointTrack, truth: Truth) -> PersonResult:
    moves = clip.camera.orbit_deg_s != 0 or clip.camera.dolly_m_s != 0
    # whoever knows the way of a camera has matched it, and so knows its focal length
    given, focal = (truth.T_world_camera, float(truth.K[0, 0])) if moves else (None, None)
    result = PersonResult(model, clip, person, {}, len(truth.time_s))
    try:
        motion = solve_track(track, clip.name, float(truth.height_m[person]), given, focal)
    except InsufficientDataError:
        return result
    frames = np.searchsorted(track.timestamps_s, motion.timestamps_s - 1e-6)
    solved = pair_up(
        motion,
        track.frame_indices[np.minimum(frames, len(track.frame_indices) - 1)],
        truth.joints_camera_m[person],
        truth.joints_world_m[person],
        truth.T_world_camera,
    )
    return replace(result, figures=figures_of(solved), frames=len(solved.time_s))
