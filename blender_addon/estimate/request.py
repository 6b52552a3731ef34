"""From the panel's settings to the one request object that all ways of running a job share."""

from __future__ import annotations

import math
from pathlib import Path

import bpy

from pose_core.config import CameraConfig, EstimateRequest, SolveConfig, TrackConfig, VideoConfig
from pose_core.errors import ConfigError
from pose_core.folders import cache_folder
from pose_core.job_paths import JobPath, JobPaths, check_collisions, check_estimate
from pose_core.retarget import KeysConfig

from ..bridge.options import ApplyOptions
from ..cast.roles import uses_list
from ..machine.models import DEFAULT
from ..machine.paths import MachinePaths
from .property_group import PoseCoreSettings


def build_request(settings: PoseCoreSettings, preferences: MachinePaths) -> EstimateRequest:
    """The job that the settings describe.

    Raises:
        ConfigError: no video was chosen, a value is outside what it may be, or a result would replace an input.
        OutputError: a result would replace a file that is not ours, or cannot be written.
    """
    video = video_path(settings)
    folder = output_folder(settings)
    stem = video.stem.rstrip("#_-. ") or video.stem or "motion"
    whole = not settings.use_range
    request = EstimateRequest(
        video=str(video),
        out=str(folder / f"{stem}.motion.npz"),
        preview=str(folder / f"{stem}.preview.mp4") if settings.write_preview else None,
        model_folder=preferences.model_folder_path,
        video_config=VideoConfig(
            start_s=None if whole or settings.range_start_s <= 0 else settings.range_start_s,
            end_s=None if whole or settings.range_end_s <= 0 else settings.range_end_s,
        ),
        track=TrackConfig(
            model=settings.model_name or DEFAULT,
            people=_people(settings),
            person_id=settings.person_id if settings.people == "ID" else None,
            device=preferences.device,
            threads=preferences.threads,
        ),
        camera=CameraConfig(
            fov_deg=math.degrees(settings.fov_rad) if settings.use_fov else None,
            pitch_deg=math.degrees(settings.pitch_rad) if settings.use_tilt else None,
            roll_deg=math.degrees(settings.roll_rad) if settings.use_tilt else None,
        ),
        solve=SolveConfig(
            height_m=settings.height_m,
            smoothness=settings.smoothness,
            max_gap_s=settings.max_gap_s,
            foot_contact=settings.foot_contact,
            floor=settings.floor,
        ),
    )
    check_estimate(request, open_files())
    return request


def open_files() -> list[JobPath]:
    """Files that the session lives on: nothing may replace them."""
    found = [JobPath("the open scene", Path(bpy.data.filepath))] if bpy.data.filepath else []
    for kind, items in (("a linked scene", bpy.data.libraries), ("an image", bpy.data.images),
                        ("a movie clip", bpy.data.movieclips)):  # fmt: skip
        for item in items:
            if item.filepath:
                path = bpy.path.abspath(item.filepath, library=getattr(item, "library", None))
                found.append(JobPath(f"{kind} of this scene", Path(path)))
    return found


def check_export(path: str | Path, settings: PoseCoreSettings) -> None:
    """Refuse an export that would replace what the session or its video lives on.

    Whether another file may be replaced was asked by the file browser.

    Raises:
        ConfigError: it would.
    """
    reads = open_files()
    if settings.video_path.strip():
        reads.append(JobPath("the video", video_path(settings)))
    check_collisions(JobPaths(tuple(reads), (JobPath("the export", Path(path)),)))


def _people(settings: PoseCoreSettings) -> int:
    """How many people to keep; 0 = everybody."""
    if settings.people != "ALL":
        return 1
    by_order = uses_list(settings) and all(row.person is None for row in settings.cast)
    return len(settings.cast) if settings.only_cast and by_order else 0


def build_apply_options(settings: PoseCoreSettings, clip_name: str) -> ApplyOptions:
    """How the motion is put on the character."""
    return ApplyOptions(
        clip_name=clip_name,
        frame_start=settings.frame_start,
        fps_mode=settings.fps_mode,
        set_scene_fps=settings.set_scene_fps,
        set_frame_range=settings.set_frame_range,
        keys=KeysConfig(
            error_mm=settings.key_error_mm if settings.use_fewer_keys else None,
            rotation_mode=settings.rotation_mode,
            root_motion=settings.root_motion,
            root_bone=settings.root_bone.strip(),
        ),
        nla=settings.push_to_nla,
        replace_action=settings.replace_action,
    )


def video_path(settings: PoseCoreSettings) -> Path:
    """The chosen video.

    Raises:
        ConfigError: none was chosen.
    """
    if not settings.video_path.strip():
        raise ConfigError("No video was chosen.", "Choose one with the folder button.")
    return Path(bpy.path.abspath(settings.video_path.strip())).absolute()


def output_folder(settings: PoseCoreSettings) -> Path:
    """Where motion files and previews go."""
    named = settings.output_folder.strip()
    if named and (not named.startswith("//") or bpy.data.filepath):
        return Path(bpy.path.abspath(named)).absolute()
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "pose_core"
    return cache_folder() / "motions"
