"""Run one job in a fresh scene: estimate, retarget, export, report."""

from __future__ import annotations

import json
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from pose_core import __version__
from pose_core.batch.jobs import Job, Role, is_family
from pose_core.batch.paths import WRITES, check_job, export_names, files_of
from pose_core.batch.stop import raise_if_stopped
from pose_core.casting import cast_people, first_time_s, take_name
from pose_core.errors import ConfigError, OutputError, PoseCoreError, WorkerError
from pose_core.files import atomic_path, why_not_written, write_text
from pose_core.job_paths import MOTION_SUFFIX, JobPath, is_report, read_report, refuse_foreign
from pose_core.motion_file import read_motion
from pose_core.retarget import BoneMap, TransferConfig, map_by_family, read_bone_map
from pose_core.worker.client import WorkerClient
from pose_core.worker.protocol import ProgressUpdate

from ..bridge.apply_many import Casting, apply_motions, from_the_left
from ..bridge.apply_motion import apply_motion
from ..bridge.blender_io import empty_scene
from ..bridge.export.character import ExportOptions, export_character
from ..bridge.export.presets import export_preset
from ..bridge.options import ApplyOptions
from ..bridge.read.armature_reader import read_armature
from ..bridge.read.rig_import import choose_armature, import_rig, import_rig_file

REPORT_VERSION = 1
FINISHED, FAILED, RUNNING, STOPPED = "finished", "failed", "running", "stopped"


def done_before(job: Job, blend_file: str) -> bool:
    """Whether the job's report says that it finished, with the same input, and its results are still there."""
    report = read_report(job.report_path)
    if report.get("status") != FINISHED or report.get("digest") != job.digest(blend_file):
        return False
    files = files_of(report)
    return bool(files) and all((job.report_path.parent / name).is_file() for name in files)


def run_job(job: Job, blend_file: str, worker_python: Path) -> dict[str, Any]:
    """Run a job to its end and write its report, whether it succeeds or not.

    Args:
        job: what to do; Ctrl-C in the middle raises KeyboardInterrupt.
        blend_file: the file that was open at the start; empty = none.
        worker_python: interpreter of the worker's environment.
    Returns:
        The report.
    """
    start = time.monotonic()
    digest = job.digest(blend_file)  # before the run: input that changes meanwhile must not count as done
    report: dict[str, Any] = {"version": REPORT_VERSION, "pose_core": __version__, "name": job.result_name,
                              "input": job.video or job.motion, "rig": job.rig, "digest": digest,
                              "blender": bpy.app.version_string, "timings_s": {}, "takes": [],
                              "status": RUNNING}  # fmt: skip
    try:
        _attempt(job, blend_file, worker_python, report)
        raise_if_stopped()
    except KeyboardInterrupt:
        _leave_stopped(job, report)
        raise
    report["timings_s"]["total"] = time.monotonic() - start
    _write_report(job, report)
    return report


def _attempt(job: Job, blend_file: str, worker_python: Path, report: dict[str, Any]) -> None:
    """Do the job; whatever goes wrong is in the report."""
    try:
        report[WRITES] = check_job(job)
        Path(job.out).mkdir(parents=True, exist_ok=True)
        _write_report(job, report)  # from now on these files are known to be ours, whatever ends this run
        motions = job.motion_files() if job.motion else _estimate(job, worker_python, report)
        if job.is_ensemble:
            report["takes"] += _ensemble(job, motions, blend_file, report)
        else:
            for path in motions:
                report["takes"].append(_take(job, path, blend_file, report))
        report["status"] = FINISHED
        _judge(report)
    except (PoseCoreError, OSError) as error:
        report["status"] = FAILED
        report["error"] = {"code": getattr(error, "code", "os"), "message": str(error)}
    except Exception as error:  # noqa: BLE001 - the job's outer boundary: one bad job must not end the others
        report["status"] = FAILED
        report["error"] = {"code": "unexpected", "message": f"{type(error).__name__}: {error}",
                           "traceback": traceback.format_exc()}  # fmt: skip


def _leave_stopped(job: Job, report: dict[str, Any]) -> None:
    """After Ctrl-C: nothing where nothing was made, else a report that says whose the files are."""
    if WRITES not in report:  # refused or stopped before the first file: a report there may be somebody else's
        return
    folder = job.report_path.parent
    if any((folder / name).exists() for name in report[WRITES] if name != job.report_path.name):
        report["status"] = STOPPED
        _write_report(job, report)
    else:
        job.report_path.unlink(missing_ok=True)


def _judge(report: dict[str, Any]) -> None:
    """A character on which bones are not where the motion wants them is a failure, though its files are there."""
    failures = [f"'{take['object']}': {sentence}" for take in report["takes"] for sentence in take["failures"]]
    if failures:
        report["status"] = FAILED
        report["error"] = {"code": "off_the_motion", "message": " ".join(failures)}


def _write_report(job: Job, report: dict[str, Any]) -> None:
    try:
        refuse_foreign(JobPath("the report", job.report_path, is_report))
        write_text(job.report_path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    except (OSError, OutputError) as error:
        report["status"] = FAILED
        why = why_not_written(error) if isinstance(error, OSError) else str(error)
        message = f"Cannot write '{job.report_path}' ({why})."
        report.setdefault("error", {"code": "os", "message": message})


def _estimate(job: Job, worker_python: Path, report: dict[str, Any]) -> list[Path]:
    if not worker_python.is_file():
        raise WorkerError(
            f"There is no worker environment: '{worker_python}' does not exist.",
            "Make it (in the add-on's preferences, or with scripts/quickstart.py), or name one with --worker-python.",
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


def _take(job: Job, motion_path: Path, blend_file: str, report: dict[str, Any]) -> dict[str, Any]:
    """Put one motion file on the character and export it."""
    start = time.monotonic()
    motion = read_motion(motion_path)
    name = job.result_name
    if job.video:  # with several people the worker numbers the files
        name = motion_path.name.removesuffix(MOTION_SUFFIX)
    target = _fresh_scene(job, blend_file)
    imported = time.monotonic()
    options = _options(job, name, _bone_map(job.bone_map, target))
    take: dict[str, Any] = {"motion": str(motion_path), "person_id": motion.person_id}
    done = apply_motion(bpy.context, motion, target, options)
    take |= done.to_data()
    applied = time.monotonic()
    take["files"] = _export(job, name, bpy.data.objects[done.object_name], report, take["notes"])
    take["fbx"] = next((file for file in take["files"] if file.endswith(".fbx")), None)
    exported = time.monotonic()
    if job.save_blend:
        take["blend"] = _save_blend(job, name)
    take["timings_s"] = {"import": imported - start, "apply": applied - imported, "export": exported - applied,
                         "parts_of_apply": dict(done.timings_s)}  # fmt: skip
    return take


def _ensemble(job: Job, paths: list[Path], blend_file: str, report: dict[str, Any]) -> list[dict[str, Any]]:
    """Put all people on their characters in one scene, or none; then export each character by itself."""
    motions = [read_motion(path) for path in paths]
    _open_scene(blend_file)
    if job.rig:
        import_rig_file(Path(job.rig).absolute())
    roles = job.cast
    if job.everybody and not roles:
        there = from_the_left(bpy.context, _armatures())
        roles = tuple(Role(armature=obj.name) for obj in there)
    cast = cast_people(motions, [role.person for role in roles])
    played: list[tuple[int, Any, str | None]] = []
    for role, person in zip(roles, cast.people, strict=True):
        obj = _character(role)
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
        options = _options(job, names[-1], _bone_map(map_name, obj) if obj is not None else None)
        castings.append(Casting(motions[person], obj, replace(options, time_zero_s=zero_s)))
    takes = []
    for (person, _, _), name, done in zip(played, names, apply_motions(bpy.context, castings), strict=True):
        take = {"motion": str(paths[person]), "person_id": motions[person].person_id, **done.to_data()}
        take["files"] = _export(job, name, bpy.data.objects[done.object_name], report, take["notes"])
        take["fbx"] = next((file for file in take["files"] if file.endswith(".fbx")), None)
        takes.append(take)
    if job.save_blend:
        takes[0]["blend"] = _save_blend(job, job.result_name)
    return takes


def _character(role: Role) -> Any:
    """The armature object of a role: from its own file, or one that is there."""
    if role.rig is not None:
        return import_rig(Path(role.rig).absolute(), role.armature)
    return choose_armature(_armatures(), role.armature, "the scene")


def _options(job: Job, name: str, bone_map: BoneMap | None) -> ApplyOptions:
    return ApplyOptions(
        clip_name=name,
        frame_start=job.frame_start,
        fps_mode=job.fps_mode,
        bone_map=bone_map,
        keys=job.keys_config,
        transfer=replace(TransferConfig(), place=job.place),
    )


def _export(job: Job, name: str, armature: Any, report: dict[str, Any], notes: list[str]) -> list[str]:
    """Write all formats wanted; names of the files. What a user should know of them goes to the notes."""
    names = export_names(job.exports, name)
    new = {*names, *([f"{name}.blend"] if job.save_blend else [])} - set(report[WRITES])
    if new:
        report[WRITES] = sorted({*report[WRITES], *new})
        _write_report(job, report)
    options = ExportOptions(job.scene_time, job.key_error_mm)
    for wanted, file in zip(job.exports, names, strict=True):
        said: list[str] = []
        export_character(
            bpy.context, armature, Path(job.out) / file, export_preset(wanted), options=options, notes=said
        )
        notes += [f"{file}: {note}" for note in said]
    return names


def _bone_map(name: str | None, target: Any) -> BoneMap | None:
    """The map that a job names: a file's, or the one by a family's names."""
    if not name:
        return None
    if not is_family(name):
        return read_bone_map(name)
    if target is None:
        raise ConfigError(f"The bone map '{name}' needs a character.", "Give one with --rig.")
    return map_by_family(read_armature(target), name)


def _open_scene(blend_file: str) -> None:
    """Start from the same state whatever ran before."""
    if blend_file:
        bpy.ops.wm.open_mainfile(filepath=blend_file, load_ui=False)
    else:
        empty_scene()


def _fresh_scene(job: Job, blend_file: str) -> Any:
    """Open the scene; return the armature to use, or None for a new one."""
    _open_scene(blend_file)
    if job.rig:
        return import_rig(Path(job.rig).absolute(), job.armature)
    if not blend_file:
        return None
    return choose_armature(_armatures(), job.armature, blend_file)


def _armatures() -> list[Any]:
    return [obj for obj in bpy.context.view_layer.objects if obj.type == "ARMATURE"]


def _save_blend(job: Job, name: str) -> str:
    """Save the scene; the file's name."""
    path = Path(job.out) / f"{name}.blend"
    with atomic_path(path) as temporary:
        temporary.unlink()  # Blender would keep the empty file as a backup
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary.absolute()), copy=True, check_existing=False, compress=True)
    return path.name
