"""Put the motion of videos or motion files on a character and export FBX, without a window.

    blender -b [FILE.blend] --python scripts/batch_retarget.py -- --video A.mp4 B.mp4 --rig HERO.fbx --out DIR
    python scripts/batch_retarget.py --motion A.motion.npz --rig HERO.fbx --out DIR      (a Python with bpy)

    ... --motion A.motion.npz --person 1=HeroRig --person 2=other.fbx      several people, all in one scene

Without --rig the armature of FILE.blend is used, or a new one is made. Each job starts from a fresh scene and leaves
NAME.fbx (or what --export names), NAME.report.json and, if asked, NAME.blend; a job that fails does not stop the
others.
Exit codes: 0 all jobs done, 1 some failed, 2 bad usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

ROOT = Path(__file__).resolve().parents[1]
OK, SOME_FAILED, BAD_USAGE, STOPPED = 0, 1, 2, 130


def _own_arguments() -> list[str]:
    """What is meant for this script: after `--`, or under the bpy module everything."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    return [] if bpy.app.binary_path and not bpy.app.module else sys.argv[1:]


def _load_parts() -> tuple[Any, Any, Any]:
    """The project's modules from the folder beside this script, so that nothing needs to be installed."""
    for folder in (ROOT / "scripts", ROOT):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    bridge = SimpleNamespace(
        **{
            name: import_module(f"blender_addon.bridge.{name}")
            for name in ("apply_many", "apply_motion", "export_character", "export_presets", "rig_import")
        }
    )
    return import_module("pose_core.batch.jobs"), import_module("blender_addon.batch.job"), bridge


def run(argv: list[str]) -> int:
    """Run all jobs of a command line.

    Returns:
        The exit code.
    """
    jobs_module, run_module, bridge = _load_parts()
    errors = import_module("pose_core.errors")
    try:
        batch = jobs_module.read_batch(argv)
    except errors.PoseCoreError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return BAD_USAGE
    except SystemExit as stop:  # --help
        return int(stop.code or 0)
    blend_file = str(Path(batch.blend).absolute()) if batch.blend else bpy.data.filepath
    worker_python = run_module.find_worker_python(batch.worker_python, ROOT)
    counts = {"done": 0, "skipped": 0, "failed": 0}
    for number, job in enumerate(batch.jobs, 1):
        title = f"[{number}/{len(batch.jobs)}] {job.result_name}"
        if batch.resume and run_module.done_before(job, blend_file):
            counts["skipped"] += 1
            print(f"{title}: done before", flush=True)
            continue
        report = run_module.run_job(job, bridge, blend_file, worker_python)
        failed = report["status"] != run_module.FINISHED
        counts["failed" if failed else "done"] += 1
        print(f"{title}: {_summary(report)}", flush=True)
        for warning in (*report.get("estimate", {}).get("warnings", []), *report.get("notes", []), *_doubts(report)):
            print(f"  note: {warning}", flush=True)
    print(f"Batch: {counts['done']} done, {counts['skipped']} skipped, {counts['failed']} failed.", flush=True)
    return SOME_FAILED if counts["failed"] else OK


def _summary(report: dict[str, Any]) -> str:
    if "error" in report:
        return f"FAILED: {report['error']['message']}"
    takes = [
        f"{', '.join(take['files'])} ({take['frames_keyed']} frames at {take['fps']:.5g}/s, {take['bones']} bones,"
        f" largest deviation {1000 * take['verify']['max_joint_deviation_m']:.3g} mm)"
        for take in report["takes"]
    ]
    return f"{', '.join(takes)} in {report['timings_s']['total']:.1f} s"


def _doubts(report: dict[str, Any]) -> list[str]:
    """Bones that were not certain: used all the same, or left out."""
    out = []
    for take in report["takes"]:
        found = take["mapping"]
        unsure = {name: found["confidence"][name] for name in found["doubtful"]} | found["left_out"]
        if unsure:
            told = ", ".join(f"'{name}' {100 * value:.0f} %" for name, value in unsure.items())
            out.append(f"bones of '{take['object']}' that are not certain: {told}")
    return out


def main() -> None:
    """Run and end the process with the exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Blender's own handler would let the script go on
    try:
        code = run(_own_arguments())
    except KeyboardInterrupt:
        print("\nstopped; what was finished stays, and --resume goes on from there", file=sys.stderr)
        code = STOPPED
    except BaseException:  # noqa: BLE001 - Blender itself would end with 0
        traceback.print_exc()
        code = SOME_FAILED
    sys.stdout.flush()
    sys.stderr.flush()
    # The bpy module may crash or hang in its own clean-up, and Blender ends with 0 whatever a script does.
    os._exit(code)


if __name__ == "__main__":
    main()
