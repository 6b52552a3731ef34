"""Run one job in a fresh scene: estimate, retarget, export, report."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from pose_core import __version__
from pose_core.batch.jobs import MOTION_SUFFIX, Job, Role, is_family
from pose_core.casting import cast_people, first_time_s, take_name
from pose_core.errors import ConfigError, PoseCoreError, WorkerError
from pose_core.files import atomic_path
from pose_core.install.environment import environment_python
from pose_core.motion_file import read_motion
from pose_core.retarget import BoneMap, TransferConfig, map_by_family, read_bone_map
from pose_core.worker.client import WorkerClient
from pose_core.worker.protocol import ProgressUpdate

REPORT_VERSION = 1
FINISHED, FAILED = "finished", "failed"


def done_before(job: Job, blend_file: str) -> bool:
    """Whether the job's report says that it finished, with the same input, and its results are still there."""
    try:
        report = json.loads(job.report_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(report, dict) or report.get("status") != FINISHED:
        return False
    if report.get("digest") != job.digest(blend_file):
        return False
    files = [path for take in report.get("takes", []) for path in (*take.get("files", []), take.get("blend")) if path]
    return bool(files) and all((job.report_path.parent / name).is_file() for name in files)


def run_job(job: Job, bridge: Any, blend_file: str, worker_python: Path) -> dict[str, Any]:
    """Run a job to its end and write its report, whether it succeeds or not.

    Args:
        job: what to do.
        bridge: the modules of the add-on's bridge that it uses.
        blend_file: the file that was open at the start; empty = none.
        worker_python: interpreter of the worker's environment.
    Returns:
        The report.
    """
    start = time.monotonic()
    digest = job.digest(blend_file)  # before the run: input that changes meanwhile must not count as done
    report: dict[str, Any] = {"version": REPORT_VERSION, "pose_core": __version__, "name": job.result_name,
                              "input": job.video or job.motion, "rig": job.rig, "digest": digest,
                              "blender": bpy.app.version_string, "timings_s": {}, "takes": []}  # fmt: skip
    try:
        Path(job.out).mkdir(parents=True, exist_ok=True)
        motions = job.motion_files() if job.motion else _estimate(job, worker_python, report)
        if job.is_ensemble:
            report["takes"] += _ensemble(job, motions, bridge, blend_file, report)
        else:
            report["takes"] += [_take(job, path, bridge, blend_file) for path in motions]
        report["status"] = FINISHED
    except (PoseCoreError, OSError) as error:
        report["status"] = FAILED
        report["error"] = {"code": getattr(error, "code", "os"), "message": str(error)}
    except Exception as error:  # noqa: BLE001 - the job's outer boundary: one bad job must not end the others
        report["status"] = FAILED
        report["error"] = {"code": "unexpected", "message": f"{type(error).__name__}: {error}",
                           "traceback": traceback.format_exc()}  # fmt: skip
    report["timings_s"]["total"] = time.monotonic() - start
    _write_report(job, report)
    return report


def _write_report(job: Job, report: dict[str, Any]) -> None:
    try:
        with atomic_path(job.report_path) as temporary:
            temporary.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        report["status"] = FAILED
        report.setdefault("error", {"code": "os", "message": f"Cannot write '{job.report_path}' ({error})."})


def find_worker_python(named: str | None, root: Path) -> Path:
    """The worker's interpreter: the one named, `$POSE_CORE_WORKER_PYTHON`, else that of the project's `.venv`."""
    chosen = named or os.environ.get("POSE_CORE_WORKER_PYTHON")
    return Path(chosen) if chosen else environment_python(root / ".venv")


def _estimate(job: Job, worker_python: Path, report: dict[str, Any]) -> list[Path]:
    if not worker_python.is_file():
        raise WorkerError(
            f"There is no worker environment: '{worker_python}' does not exist.",
            "Make it with scripts/quickstart.py, or name one with --worker-python.",
        )
    start = time.monotonic()
    shown = {"stage": "", "tenth": -1}

    def tell(update: ProgressUpdate) -> None:
        tenth = int(10 * update.done / update.total) if update.total else -1
        if (update.stage, tenth) != (shown["stage"], shown["tenth"]):
            shown.update(stage=update.stage, tenth=tenth)
            share = f" {10 * tenth} %" if tenth >= 0 else ""
            print(f"  {job.result_name}: {update.stage}{share}", file=sys.stderr, flush=True)

    result = WorkerClient(worker_python).run_blocking(job.estimate_request(), tell)
    report["timings_s"]["estimate"] = time.monotonic() - start
    report["estimate"] = result.report
    return [Path(path) for path in result.motion_paths]


def _take(job: Job, motion_path: Path, bridge: Any, blend_file: str) -> dict[str, Any]:
    """Put one motion file on the character and export it."""
    start = time.monotonic()
    motion = read_motion(motion_path)
    name = job.result_name
    if job.video:  # with several people the worker numbers the files
        name = motion_path.name.removesuffix(MOTION_SUFFIX)
    target = _fresh_scene(job, bridge, blend_file)
    imported = time.monotonic()
    options = _options(job, name, _bone_map(job.bone_map, bridge, target), bridge)
    take: dict[str, Any] = {"motion": str(motion_path), "person_id": motion.person_id}
    take |= bridge.apply_motion.apply_motion(bpy.context, motion, target, options)
    applied = time.monotonic()
    take["files"] = _export(job, name, bpy.data.objects[take["object"]], bridge, take["notes"])
    take["fbx"] = next((file for file in take["files"] if file.endswith(".fbx")), None)
    exported = time.monotonic()
    if job.save_blend:
        take["blend"] = _save_blend(job, name)
    take["timings_s"] = {"import": imported - start, "apply": applied - imported, "export": exported - applied,
                         "parts_of_apply": take["timings_s"]}  # fmt: skip
    return take


def _ensemble(
    job: Job, paths: list[Path], bridge: Any, blend_file: str, report: dict[str, Any]
) -> list[dict[str, Any]]:
    """Put all people on their characters in one scene, or none; then export each character by itself."""
    motions = [read_motion(path) for path in paths]
    _open_scene(blend_file)
    if job.rig:
        bridge.rig_import.import_rig_file(Path(job.rig).absolute())
    roles = job.cast
    if job.everybody and not roles:
        there = bridge.apply_many.from_the_left(bpy.context, _armatures())
        roles = tuple(Role(armature=obj.name) for obj in there)
    cast = cast_people(motions, [role.person for role in roles])
    played: list[tuple[int, Any, str | None]] = []
    for role, person in zip(roles, cast.people, strict=True):
        obj = _character(role, bridge)
        if person is None:
            report.setdefault("notes", []).append(f"Nobody was left in the clip to play '{obj.name}'.")
        else:
            played.append((person, obj, role.bone_map or job.bone_map))
    played += [(person, None, None) for person in cast.others] if job.everybody else []
    played.sort(key=lambda entry: entry[0])
    zero_s = first_time_s([motions[person] for person, _, _ in played])
    castings, names = [], []
    for person, obj, map_name in played:
        names.append(take_name(job.result_name, motions[person].person_id, len(played)))
        options = _options(job, names[-1], _bone_map(map_name, bridge, obj) if obj is not None else None, bridge)
        castings.append(bridge.apply_many.Casting(motions[person], obj, replace(options, time_zero_s=zero_s)))
    takes = []
    for (person, _, _), name, done in zip(
        played, names, bridge.apply_many.apply_motions(bpy.context, castings), strict=True
    ):
        take = {"motion": str(paths[person]), "person_id": motions[person].person_id, **done}
        take["files"] = _export(job, name, bpy.data.objects[take["object"]], bridge, take["notes"])
        take["fbx"] = next((file for file in take["files"] if file.endswith(".fbx")), None)
        takes.append(take)
    if job.save_blend:
        takes[0]["blend"] = _save_blend(job, job.result_name)
    return takes


def _character(role: Role, bridge: Any) -> Any:
    """The armature object of a role: from its own file, or one that is there."""
    if role.rig is not None:
        return bridge.rig_import.import_rig(Path(role.rig).absolute(), role.armature)
    return bridge.rig_import.choose_armature(_armatures(), role.armature, "the scene")


def _options(job: Job, name: str, bone_map: BoneMap | None, bridge: Any) -> Any:
    return bridge.apply_motion.ApplyOptions(
        clip_name=name,
        frame_start=job.frame_start,
        fps_mode=job.fps_mode,
        bone_map=bone_map,
        keys=job.keys_config,
        transfer=replace(TransferConfig(), place=job.place),
    )


def _export(job: Job, name: str, armature: Any, bridge: Any, notes: list[str]) -> list[str]:
    """Write all formats wanted; names of the files. Several of one suffix bear the name of the program too."""
    options = bridge.export_character.ExportOptions(job.scene_time, job.key_error_mm)
    presets = [bridge.export_presets.export_preset(wanted) for wanted in job.exports]
    suffixes = [preset.suffix for preset in presets]
    files = []
    for preset in presets:
        program = preset.name.removeprefix(preset.suffix[1:]).lstrip("-")
        own = f"{name}.{program}" if program and suffixes.count(preset.suffix) > 1 else name
        path = Path(job.out) / f"{own}{preset.suffix}"
        said: list[str] = []
        export = bridge.export_character.export_character
        files.append(export(bpy.context, armature, path, preset, options=options, notes=said).name)
        notes += [f"{files[-1]}: {note}" for note in said]
    return files


def _bone_map(name: str | None, bridge: Any, target: Any) -> BoneMap | None:
    """The map that a job names: a file's, or the one by a family's names."""
    if not name:
        return None
    if not is_family(name):
        return read_bone_map(name)
    if target is None:
        raise ConfigError(f"The bone map '{name}' needs a character.", "Give one with --rig.")
    return map_by_family(bridge.apply_motion.read_armature(target), name)


def _open_scene(blend_file: str) -> None:
    """Start from the same state whatever ran before."""
    if blend_file:
        bpy.ops.wm.open_mainfile(filepath=blend_file, load_ui=False)
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)


def _fresh_scene(job: Job, bridge: Any, blend_file: str) -> Any:
    """Open the scene; return the armature to use, or None for a new one."""
    _open_scene(blend_file)
    if job.rig:
        return bridge.rig_import.import_rig(Path(job.rig).absolute(), job.armature)
    if not blend_file:
        return None
    return bridge.rig_import.choose_armature(_armatures(), job.armature, blend_file)


def _armatures() -> list[Any]:
    return [obj for obj in bpy.context.view_layer.objects if obj.type == "ARMATURE"]


def _save_blend(job: Job, name: str) -> str:
    """Save the scene; the file's name."""
    path = Path(job.out) / f"{name}.blend"
    with atomic_path(path) as temporary:
        temporary.unlink()  # Blender would keep the empty file as a backup
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary.absolute()), copy=True, check_existing=False, compress=True)
    return path.name
