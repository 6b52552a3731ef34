"""`pose-core estimate`: a video becomes motion files."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pose_core.cli.exit_codes import ExitCode
from pose_core.cli.output import Output
from pose_core.cli.progress import shown_progress
from pose_core.config import CameraConfig, EstimateRequest, SolveConfig, TrackConfig, VideoConfig
from pose_core.stages import stage_name

if TYPE_CHECKING:
    from pose_core.types import CancelCallback

DEFAULTS = EstimateRequest(video="-", out="-")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pose-core estimate`."""
    track, solve = DEFAULTS.track, DEFAULTS.solve
    parser.add_argument("video", metavar="VIDEO", help="video file, folder of images, or pattern like shot_####.png")
    parser.add_argument(
        "--out", required=True, metavar="F", help="motion file to write (*.motion.npz); further people: *.p2.motion.npz"
    )
    parser.add_argument("--preview", metavar="P", help="also write an MP4 with the skeleton over the footage")

    who = parser.add_argument_group("people and models")
    who.add_argument(
        "--people", type=_people, default=track.people, metavar="N|all", help="people to keep (default: 1)"
    )
    who.add_argument("--person", type=int, metavar="ID", help="keep only this person")
    who.add_argument("--height", type=float, default=solve.height_m, metavar="M",
                     help="the person's height, metres; sets the scale (default: %(default)s)")  # fmt: skip
    who.add_argument("--model", default=track.model, metavar="M", help="2D model (default: %(default)s)")
    who.add_argument("--detector", default=track.detector, metavar="D", help="person detector (default: %(default)s)")
    who.add_argument("--model-folder", metavar="D", help="folder of model files to look in before the user's cache")

    camera = parser.add_argument_group("camera")
    focal = camera.add_mutually_exclusive_group()
    focal.add_argument("--fov", type=float, metavar="DEG", help="field of view across the longer side, degrees")
    focal.add_argument("--focal", type=float, metavar="PX", help="focal length, pixels")
    focal.add_argument("--focal-35mm", type=float, metavar="MM",
                       help="focal length, about, in millimetres on 35 mm film (default: the file's)")  # fmt: skip
    camera.add_argument("--camera-pitch", type=float, metavar="DEG", help="camera tilt, upwards positive, degrees")
    camera.add_argument("--camera-poses", metavar="F",
                        help="NumPy file with T_world_camera, (4, 4) or one for every frame of the video")  # fmt: skip
    camera.add_argument("--camera-roll", type=float, metavar="DEG", help="camera roll, clockwise positive, degrees")

    time = parser.add_argument_group("time")
    time.add_argument("--start", type=float, metavar="S", help="first time to use, seconds")
    time.add_argument("--end", type=float, metavar="S", help="time to stop before, seconds")
    time.add_argument("--fps", type=float, metavar="F", help="thin out to about this many frames a second")
    time.add_argument("--image-fps", type=float, default=DEFAULTS.video_config.image_fps, metavar="F",
                      help="rate of an image sequence (default: %(default)s)")  # fmt: skip

    motion = parser.add_argument_group("motion")
    motion.add_argument("--smoothness", type=float, default=solve.smoothness, metavar="X",
                        help="0 = none, 1 = as tuned, 2 = twice as strong (default: %(default)s)")  # fmt: skip
    motion.add_argument("--max-gap", type=float, default=solve.max_gap_s, metavar="S",
                        help="longest gap in the evidence that is filled, seconds (default: %(default)s)")  # fmt: skip
    motion.add_argument("--no-foot-contact", action="store_true", help="do not hold feet still while they bear weight")
    motion.add_argument("--no-floor", action="store_true", help="do not put the feet on z = 0")
    motion.add_argument("--no-joint-limits", action="store_true", help="let joints bend further than people can")
    motion.add_argument("--in-place", action="store_true", help="take the way through the room out")

    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", default=track.device, metavar="D",
                         help="auto, cpu, cuda, tensorrt, directml or coreml (default: %(default)s)")  # fmt: skip
    machine.add_argument("--threads", type=int, default=track.threads, metavar="N", help="threads; 0 = all (default)")


def request_from(arguments: argparse.Namespace) -> EstimateRequest:
    """Build the request that the arguments describe.

    Raises:
        ConfigError: a value is outside what it may be.
    """
    return EstimateRequest(
        video=arguments.video,
        out=str(Path(arguments.out).absolute()),
        preview=str(Path(arguments.preview).absolute()) if arguments.preview else None,
        model_folder=arguments.model_folder,
        video_config=VideoConfig(
            start_s=arguments.start,
            end_s=arguments.end,
            target_fps=arguments.fps,
            image_fps=arguments.image_fps,
        ),
        track=TrackConfig(
            model=arguments.model,
            detector=arguments.detector,
            people=arguments.people,
            person_id=arguments.person,
            device=arguments.device,
            threads=arguments.threads,
        ),
        camera=CameraConfig(
            focal_px=arguments.focal,
            fov_deg=arguments.fov,
            focal_35mm=arguments.focal_35mm,
            pitch_deg=arguments.camera_pitch,
            roll_deg=arguments.camera_roll,
            poses_path=str(Path(arguments.camera_poses).absolute()) if arguments.camera_poses else None,
        ),
        solve=SolveConfig(
            height_m=arguments.height,
            smoothness=arguments.smoothness,
            max_gap_s=arguments.max_gap,
            foot_contact=not arguments.no_foot_contact,
            floor=not arguments.no_floor,
            joint_limits=not arguments.no_joint_limits,
            in_place=arguments.in_place,
        ),
    )


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Run the job and print its report.

    Raises:
        PoseCoreError: as `pose_core.pipeline.estimate`.
    """
    request = request_from(arguments)
    from pose_core.pipeline import estimate

    with interrupt_cancels() as cancel, shown_progress(output.as_json) as progress:
        result = estimate(request, progress=progress, cancel=cancel)
    if output.as_json:
        output.document(
            {
                "ok": True,
                "exit_code": 0,
                "motion_paths": list(result.motion_paths),
                "preview_path": result.preview_path,
                "report": result.report,
            }
        )
    else:
        output.fields(report_rows(result.report, list(result.motion_paths), result.preview_path))
        for warning in result.report.get("warnings", []):
            output.text(f"warning: {warning}")
    return ExitCode.OK


def report_rows(report: Mapping[str, Any], motion_paths: list[str], preview_path: str | None) -> dict[str, object]:
    """Put a report into names and values for people to read."""
    rows: dict[str, object] = {
        "frames": f"{report['frames']} ({report['duration_s']:.2f} s at {report['fps']:.3f} frames/s)",
        "people found": report["people_found"],
    }
    error_px = report.get("mean_reprojection_px")
    if error_px is not None:
        rows["mean reprojection error"] = f"{error_px:.1f} px"
    for stage, seconds in report["stage_seconds"].items():
        name = stage_name(stage)
        rows[name[:1].lower() + name[1:]] = f"{seconds:.1f} s"
    for number, path in enumerate(motion_paths):
        rows["motion" if number == 0 else f"motion {number + 1}"] = path
    if preview_path:
        rows["preview"] = preview_path
    return rows


@contextmanager
def interrupt_cancels() -> Iterator[CancelCallback]:
    """Turn the first Ctrl-C (or a polite kill) into a request to stop; the second one stops at once.

    Yields:
        A callback that tells whether to stop.
    """
    asked = False

    def ask(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    saved = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)


def _people(text: str) -> int:
    if text == "all":
        return 0
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a number from 1, or 'all', was expected, but '{text}' came")
    return number
