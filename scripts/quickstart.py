"""From nothing to keyframes on a character: installs what is missing, then runs the main job on a video.

    python3 scripts/quickstart.py                       a sample clip that comes with the project
    python3 scripts/quickstart.py VIDEO                 a video of yours, on the mannequin of the sample clip
    python3 scripts/quickstart.py VIDEO --rig RIG.fbx   ... on your character (.fbx, .blend, .glb, .gltf, .vrm)
    python3 scripts/quickstart.py VIDEO --rig new       ... on a new, bare armature

Writes NAME.motion.npz, NAME.preview.mp4 (the skeleton over the footage), NAME.fbx and NAME.blend into the output
folder. The first run installs: the worker's environment into .venv, the 2D model and, unless you have Blender 4.2 or
newer, the bpy module into your cache folder. Later runs start at once.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from tools import main_job
from tools.blender import DEFAULT_BPY, ensure_bpy, find_blender
from tools.environments import ensure_worker_env
from tools.errors import SetupError
from tools.main_job import Blender, Outputs
from tools.paths import project_root
from tools.progress import Progress
from tools.python import leave_venv, require_minimum

RIG_SUFFIXES = (".fbx", ".blend", ".glb", ".gltf", ".vrm")
NEW_RIG = "new"
SAMPLE = Path("samples") / "mannequin_walk.mp4"
MANNEQUIN = Path("samples") / "mannequin.fbx"


def check_inputs(video: Path, rig: Path | None, folder: Path) -> None:
    """Refuse missing files before anything long begins.

    Raises:
        SetupError: a file is missing, or the output folder cannot be made.
    """
    if not video.exists() and "#" not in video.name and "%" not in video.name:
        raise SetupError(f"there is no video '{video}'.", advice="check the path; leave it out to run the sample clip.")
    if rig is not None and not (rig.is_file() and rig.suffix.lower() in RIG_SUFFIXES):
        problem = f"'{rig}' is no rig file" if rig.exists() else f"there is no rig '{rig}'"
        raise SetupError(f"{problem}.", advice=f"give a file of type {', '.join(RIG_SUFFIXES)}, or leave --rig out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"the folder '{folder}' cannot be made: {error}", advice="name another with --out.") from error


def print_report(report: dict[str, Any], retarget_s: float, outputs: Outputs, blender: Blender) -> None:
    """Print what came out, in a few lines."""
    error_px = report.get("mean_reprojection_px")
    stages = dict(report.get("stage_seconds", {}))
    rows = [
        ("frames", f"{report['frames']}, {report['duration_s']:.2f} s at {report['fps']:.2f} frames/s"),
        ("people found", str(report["people_found"])),
        ("mean reprojection error", "unknown" if error_px is None else f"{error_px:.1f} px"),
        ("time", ", ".join(f"{name} {seconds:.1f} s" for name, seconds in [*stages.items(), ("Blender", retarget_s)])),
        ("Blender", blender.name),
        *((path.suffixes[-1].lstrip("."), str(path)) for path in (outputs.motion, outputs.preview)),
        *((path.suffix.lstrip("."), str(path)) for path in (outputs.fbx, outputs.blend)),
    ]
    names = {"npz": "motion", "mp4": "preview", "fbx": "FBX", "blend": "scene"}
    print()
    for name, value in rows:
        print(f"  {names.get(name, name):<24} {value}")
    for warning in report.get("warnings", []):
        print(f"  note: {warning}")
    sys.stdout.flush()


def run(options: argparse.Namespace) -> None:
    """Install what is missing, run the job, print the report."""
    require_minimum()
    progress = Progress()
    video = Path(options.video) if options.video else project_root() / SAMPLE
    rig = None if options.rig == NEW_RIG else Path(options.rig or project_root() / MANNEQUIN).absolute()
    folder = Path(options.out).absolute()
    check_inputs(video, rig, folder)
    outputs = main_job.outputs_for(video, folder)
    program = find_blender(options.blender, progress)
    python = ensure_worker_env(progress, "worker")
    if program is not None:
        blender = main_job.blender_program(program)
    else:
        blender = main_job.bpy_module(ensure_bpy(DEFAULT_BPY, progress), DEFAULT_BPY)
    with progress.step("2D pose model") as step:
        main_job.get_model(step, python)
    with progress.step(f"motion of {video.name}") as step:
        report = main_job.estimate(step, python, video.absolute(), outputs)
    with progress.step("keyframes and FBX in Blender") as step:
        start = time.monotonic()
        main_job.retarget(step, blender, outputs, rig)
        retarget_s = time.monotonic() - start
    print_report(report, retarget_s, outputs, blender)


def main() -> int:
    """Run the script and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?", metavar="VIDEO", help="video of one person (default: the sample clip)")
    parser.add_argument("--rig", metavar="RIG", help="your character, or 'new' (default: the mannequin)")
    parser.add_argument("--out", default="out", metavar="DIR", help="folder for the results (default: out)")
    parser.add_argument("--blender", metavar="BLENDER", help="Blender program to use, 4.2 or newer")
    options = parser.parse_args()
    leave_venv()
    try:
        run(options)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
