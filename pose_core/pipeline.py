"""The whole job: a video in, a motion file a person out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.config import EstimateRequest, VideoConfig
from pose_core.errors import CancelledError, InsufficientDataError, NoPersonError, PoseCoreError, VideoError
from pose_core.job_paths import JobPath, check_estimate, is_motion_file, motion_paths, refuse_foreign
from pose_core.motion_file import Motion, write_motion
from pose_core.types import CancelCallback, KeypointTrack, Progress, ProgressCallback

if TYPE_CHECKING:
    from pose_core.track.cuts import Break
    from pose_core.track.run import TrackResult
    from pose_core.video import VideoInfo


@dataclass(frozen=True)
class EstimateResult:
    """What a job left behind, and how it went."""

    motion_paths: tuple[str, ...]
    """One motion file a person, most prominent first."""
    preview_path: str | None
    report: dict[str, Any]
    """Plain data for people and machines; see `_report`."""


@dataclass
class _Stages:
    """Runs the stages of a job: times them, passes progress on, looks whether the user wants to stop."""

    progress: ProgressCallback | None
    cancel: CancelCallback | None
    seconds: dict[str, float] = field(default_factory=dict)

    def check_cancel(self) -> None:
        if self.cancel is not None and self.cancel():
            raise CancelledError("The job was cancelled.")

    def tell(self, stage: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(Progress(stage, done, total))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.check_cancel()
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def estimate(
    request: EstimateRequest, *, progress: ProgressCallback | None = None, cancel: CancelCallback | None = None
) -> EstimateResult:
    """Estimate the motion of the people in a video.

    Args:
        request: the whole job.
        progress: told how far the job is.
        cancel: asked whether to stop.
    Returns:
        Paths of the files written, and a report.
    Raises:
        VideoError: the video cannot be read.
        ModelError, RuntimeUnavailableError: no 2D model to run.
        NoPersonError: nobody was found, or not the person asked for.
        InsufficientDataError: people were found, but too little of each is seen.
        ConfigError: an output is an input, or another output, or the camera file is none; nothing was done then.
        OutputError: an output exists and is not ours, or cannot be written; nothing was done then.
        MotionFileError: the result cannot be written.
        CancelledError: `cancel` said so. Whatever the error, no half-written file is left.
    """
    check_estimate(request)
    _check_camera(request)
    stages = _Stages(progress, cancel)
    with stages.stage("track"):
        tracked, video, warnings, focal_35mm = _track(request, stages)
    if request.camera.focal_35mm is None:
        request = replace(request, camera=replace(request.camera, focal_35mm=focal_35mm))
    motions, left_out = _solve_people(request, tracked, Path(request.video).name, stages)
    stages.check_cancel()
    paths, fresh = _write_motions(request, motions, stages)
    warnings += left_out
    preview = None
    if request.preview is not None:
        try:
            with stages.stage("preview"):
                _write_preview(request, motions, stages)
            preview = request.preview
        except CancelledError:
            for path in fresh:  # whoever cancels wants nothing of this
                path.unlink(missing_ok=True)
            raise
        except PoseCoreError as error:
            warnings.append(f"There is no preview: {error}")
    report = _report(motions, tracked, video, stages.seconds, warnings)
    return EstimateResult(paths, preview, report)


def _check_camera(request: EstimateRequest) -> None:
    """Finding people may take hours: what is wrong with the camera file is said before."""
    if request.camera.poses_path is not None:
        from pose_core.solve.camera_poses import check_camera_file

        check_camera_file(request.camera.poses_path)


def _write_motions(
    request: EstimateRequest, motions: list[Motion], stages: _Stages
) -> tuple[tuple[str, ...], list[Path]]:
    """Write a motion file a person; their paths, and those of them that replaced nothing."""
    paths = motion_paths(request.out, [m.person_id for m in motions])
    for path in paths:  # again: hours may have passed
        refuse_foreign(JobPath("the motion file", Path(path), is_motion_file))
    fresh = [Path(path) for path in paths if not Path(path).exists()]
    with stages.stage("write"):
        for path, motion in zip(paths, motions, strict=True):
            write_motion(path, motion)
    return paths, fresh


def _track(request: EstimateRequest, stages: _Stages) -> tuple[TrackResult, dict[str, Any], list[str], float | None]:
    from pose_core.runtime.store import ModelStore
    from pose_core.track.run import track_people
    from pose_core.video import open_video, prefetch

    range_ = request.video_config
    store = ModelStore(model_folder=request.model_folder)
    with (
        open_video(
            request.video,
            start_s=range_.start_s,
            end_s=range_.end_s,
            target_fps=range_.target_fps,
            image_fps=range_.image_fps,
            cancel=stages.cancel,
        ) as reader,
        prefetch(reader) as frames,
    ):
        result = track_people(
            frames,
            request.track,
            store,
            frame_count=expected_frames(reader.info, range_),
            progress=stages.progress,
            cancel=stages.cancel,
        )
        stages.check_cancel()
        video = {
            "width": reader.info.width,
            "height": reader.info.height,
            "fps": str(reader.info.average_fps),
            "codec": reader.info.codec,
            "reading": reader.diagnostics,
        }
        warnings = [*reader.warnings, *break_warnings(result.breaks)]
        focal_35mm = reader.info.focal_35mm
    if not result.tracks:
        wanted = f"person {request.track.person_id}" if request.track.person_id is not None else "anybody"
        raise NoPersonError(
            f"Could not find {wanted} in the {len(result.timestamps_s)} frames of '{request.video}'.",
            "Choose a clip in which a person is at least a fifth of the picture high, or lower the detector score.",
        )
    return result, video, warnings, focal_35mm


def outside_warnings(motion: Motion) -> list[str]:
    """What a user should know of limbs that the picture does not show, in sentences."""
    from pose_core.solve.outside import limbs_outside

    if motion.joint_seen is None:
        return []
    inside = motion.joint_seen[motion.valid]
    return [
        f"The {limb} of person {motion.person_id} {'are' if limb == 'legs' else 'is'} outside of the picture in {count}"
        f" of {len(inside)} frames: what {'they do' if limb == 'legs' else 'it does'} there is a guess."
        for limb, count in limbs_outside(inside, motion.joint_names).items()
    ]


def break_warnings(breaks: Sequence[Break]) -> list[str]:
    """What a user should know of the cuts and gaps of a clip, in sentences."""
    found = []
    cuts = [f"{b.time_s:.2f} s" for b in breaks if b.kind == "cut"]
    gaps = [f"{b.before_s:.2f} to {b.time_s:.2f} s" for b in breaks if b.kind == "gap"]
    advice = "nobody is followed across it: who comes after it is somebody new"
    if cuts:
        found.append(f"The video has {_listed(cuts, 'cut')} at {_some(cuts)}; {advice}.")
    if gaps:
        found.append(f"The video has {_listed(gaps, 'gap')} in time at {_some(gaps)}; {advice}.")
    return found


def _listed(items: Sequence[str], word: str) -> str:
    return f"a {word}" if len(items) == 1 else f"{len(items)} {word}s"


def _some(items: Sequence[str], most: int = 6) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def expected_frames(info: VideoInfo, range_: VideoConfig) -> int:
    """How many frames a range of a video will give, for the progress display; 0 when unknown."""
    if info.duration_s <= 0:
        return 0
    end = min(info.duration_s, range_.end_s if range_.end_s is not None else info.duration_s)
    share = max(end - (range_.start_s or 0.0), 0.0) / info.duration_s
    count = share * info.frame_count
    if range_.target_fps is not None:
        count = min(count, share * info.duration_s * range_.target_fps)
    return round(count)


def _solve_people(
    request: EstimateRequest, tracked: TrackResult, source: str, stages: _Stages
) -> tuple[list[Motion], list[str]]:
    motions: list[Motion] = []
    warnings: list[str] = []
    problem: PoseCoreError | None = None
    for number, track in enumerate(tracked.tracks):
        try:
            motions.append(_solve_person(request, track, source, stages, number, len(tracked.tracks)))
        except InsufficientDataError as error:
            problem = error
            warnings.append(f"Person {track.person_id} was left out: {error}")
    if not motions:
        assert problem is not None
        raise problem
    return motions, warnings


def _solve_person(
    request: EstimateRequest, track: KeypointTrack, source: str, stages: _Stages, number: int, people: int
) -> Motion:
    from pose_core.lift import lift_track, repair_track
    from pose_core.solve import solve_motion
    from pose_core.solve.intrinsics import choose_intrinsics

    def on_progress(share: float) -> None:
        stages.check_cancel()
        stages.tell("solve", round(100 * (number + share)), 100 * people)

    K, _ = choose_intrinsics(request.camera, track.image_size)
    with stages.stage("lift"):
        track, repaired = repair_track(track)
        lifted = lift_track(track, K)
        lifted = replace(lifted, diagnostics={**lifted.diagnostics, "repair": repaired.as_dict()})
    with stages.stage("solve"):
        try:
            return solve_motion(track, lifted, source, request.solve, request.camera, on_progress)
        except np.linalg.LinAlgError as error:
            raise InsufficientDataError(
                f"What is seen of person {track.person_id} does not determine a motion ({error}).",
                "Choose a clip in which they are seen better.",
            ) from error


def _write_preview(request: EstimateRequest, motions: list[Motion], stages: _Stages) -> None:
    from pose_core.preview import write_preview

    assert request.preview is not None
    try:
        Path(request.preview).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(
            f"Cannot make the folder of the preview '{request.preview}' ({error.strerror or error}).",
            "Choose another folder.",
        ) from error
    write_preview(
        request.preview, request.video, request.video_config, motions, progress=stages.progress, cancel=stages.cancel
    )


def _report(
    motions: list[Motion],
    tracked: TrackResult,
    video: dict[str, Any],
    seconds: dict[str, float],
    warnings: list[str],
) -> dict[str, Any]:
    times = tracked.timestamps_s
    errors = np.concatenate([m.reprojection_error_px[np.isfinite(m.reprojection_error_px)] for m in motions])
    for motion in motions:
        empty = int(np.sum(~motion.valid))
        filled = int(np.sum(motion.filled))
        warnings += outside_warnings(motion)
        if empty:
            warnings.append(f"Person {motion.person_id} has no pose in {empty} of {len(times)} frames.")
        if filled:
            warnings.append(f"Person {motion.person_id} was not seen in {filled} frames; they were filled in.")
    return {
        "frames": len(times),
        "duration_s": float(times[-1] - times[0]) + (float(np.median(np.diff(times))) if len(times) > 1 else 0.0),
        "fps": float(1.0 / np.median(np.diff(times))) if len(times) > 1 else 0.0,
        "video": video,
        "people_found": int(tracked.diagnostics.get("people_found", len(tracked.tracks))),
        "person_ids": [m.person_id for m in motions],
        "mean_reprojection_px": float(np.mean(errors)) if len(errors) else None,
        "stage_seconds": {name: round(value, 3) for name, value in seconds.items()},
        "warnings": warnings,
        "diagnostics": {"track": dict(tracked.diagnostics), "people": [dict(m.diagnostics) for m in motions]},
    }
