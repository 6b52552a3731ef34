"""`pose-core info`: what a motion file or video holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.cli.exit_codes import ExitCode
from pose_core.cli.output import Output
from pose_core.stages import clock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pose-core info`."""
    parser.add_argument("file", metavar="F", help="motion file, video, folder of images or pattern like shot_####.png")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Print a summary of the file.

    Raises:
        MotionFileError: a motion file that cannot be read.
        VideoError: anything else that is no video.
    """
    path = Path(arguments.file)
    facts = motion_facts(path) if path.suffix == ".npz" else video_facts(path)
    if output.as_json:
        output.document({"ok": True, "exit_code": 0, **facts})
    else:
        output.fields({name.replace("_", " "): _spelled(name, value) for name, value in facts.items()})
    return ExitCode.OK


def motion_facts(path: Path) -> dict[str, Any]:
    """Summarise a motion file.

    Raises:
        MotionFileError: it cannot be read.
    """
    from pose_core.motion_file import read_motion

    motion = read_motion(path)
    times = motion.timestamps_s
    duration_s = float(times[-1] - times[0]) if len(times) else 0.0
    errors = motion.reprojection_error_px[np.isfinite(motion.reprojection_error_px)]
    return {
        "kind": "motion",
        "source": motion.source,
        "person_id": motion.person_id,
        "frames": len(times),
        "frames_with_pose": int(np.sum(motion.valid)),
        "frames_filled": int(np.sum(motion.filled)),
        "duration_s": duration_s,
        "fps": (len(times) - 1) / duration_s if duration_s > 0 else None,
        "joints": len(motion.joint_names),
        "keypoints": len(motion.keypoint_names),
        "mean_reprojection_px": float(np.mean(errors)) if errors.size else None,
        "focal_px": float(motion.camera_matrix[0, 0]),
        "image_size": list(motion.image_size),
    }


def video_facts(path: Path) -> dict[str, Any]:
    """Summarise a video or image sequence.

    Raises:
        VideoError: it cannot be read.
    """
    from pose_core.video.probe import probe_video

    info = probe_video(path)
    return {
        "kind": "video",
        "source": path.name,
        "frames": info.frame_count,
        "duration_s": info.duration_s,
        "fps": float(info.average_fps),
        "variable_rate": info.is_variable_rate,
        "image_size": [info.width, info.height],
        "rotation_deg": info.rotation_deg,
        "codec": info.codec,
        "pixel_format": info.pixel_format,
    }


def _spelled(name: str, value: Any) -> str:
    if value is None:
        return "unknown"
    if name == "image_size":
        return f"{value[0]} x {value[1]} px"
    if name == "duration_s":
        return f"{clock(value)} ({value:.3f} s)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
