"""What a batch reads and writes, so that no result ever replaces an input or a file that is not ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.errors import ConfigError
from pose_core.job_paths import (
    MOTION_SUFFIX,
    JobPath,
    JobPaths,
    check_collisions,
    check_foreign,
    is_motion_file,
    is_report,
    probe_writable,
    read_report,
)

if TYPE_CHECKING:
    from .jobs import Job

WRITES = "writes"
"""Entry of a report: names of the files that the job wrote or was about to write; these may be replaced."""
_FORBIDDEN = frozenset('/\\:*?"<>|')


def check_name(name: str) -> None:
    """Refuse names of results that would leave their folder, or that some system cannot write.

    Raises:
        ConfigError: a separator, a special name or a character that is not allowed everywhere.
    """
    special = name in (".", "..") or name != name.strip() or name.endswith(".")
    if special or _FORBIDDEN & set(name) or any(ord(letter) < 32 for letter in name):
        raise ConfigError(f"'{name}' cannot name a result.", "Give a plain name without folders; 'out' is the folder.")


def file_state(path: Path) -> list[int] | None:
    """Size and time of change; None where there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


_SUFFIXES = {"godot": ".glb"}
"""Of formats that are called after a program; the others' names begin with theirs."""


def export_names(exports: Sequence[str], name: str) -> list[str]:
    """File names of the formats; several of one suffix bear the name of the program too."""
    suffixes = [_SUFFIXES.get(export, f".{export.partition('-')[0]}") for export in exports]
    names = []
    for export, suffix in zip(exports, suffixes, strict=True):
        program = export if export in _SUFFIXES else export.partition("-")[2]
        own = f"{name}.{program}" if program and suffixes.count(suffix) > 1 else name
        names.append(f"{own}{suffix}")
    return names


def inputs_of(job: Job) -> list[JobPath]:
    """Everything that a job reads, but for the scene that is open."""
    found = [("the video", job.video), ("the rig", job.rig), ("the bone map", job.bone_map)]
    found += [("a rig", role.rig) for role in job.cast] + [("a bone map", role.bone_map) for role in job.cast]
    reads = [JobPath(what, Path(name)) for what, name in found if name]
    return reads + [JobPath("a motion file", path) for path in (job.motion_files() if job.motion else [])]


def outputs_of(job: Job) -> JobPaths:
    """Everything that a job writes; files of further people by their pattern. Reads are left empty."""
    folder, name, known = Path(job.out), job.result_name, frozenset(_written_before(job))

    def is_own(path: Path) -> bool:
        return path.name in known or is_motion_file(path)

    writes = [JobPath("the report", job.report_path, is_report)]
    writes += [JobPath("the export", folder / file, is_own) for file in export_names(job.exports, name)]
    if job.save_blend:
        owned = (lambda _path: True) if job.overwrite_blend else is_own
        writes.append(JobPath("the saved scene", folder / f"{name}.blend", owned))
    if job.video:
        writes.append(JobPath("the motion file", folder / f"{name}{MOTION_SUFFIX}", is_motion_file))
    if not job.is_ensemble and job.people == 1:
        return JobPaths((), tuple(writes))
    # The motion files of an ensemble lie beside its first one, and are only read.
    kinds = "fbx|glb|bvh|blend" if job.motion else "fbx|glb|bvh|blend|npz"
    pattern = re.compile(rf"{re.escape(name)}\.p\d+(\.\w+)?\.({kinds})", re.IGNORECASE)
    return JobPaths((), tuple(writes), ((JobPath("a result", folder / name, is_own), pattern),))


def check_batch(jobs: Iterable[Job], blend_file: str, manifest: str | None) -> None:
    """Refuse a batch in which a result would replace any input of any job.

    Raises:
        ConfigError: it would, or two jobs would write one file.
    """
    jobs = list(jobs)
    reads = [read for job in jobs for read in inputs_of(job)]
    reads += [JobPath("the manifest", Path(manifest))] if manifest else []
    scene = [JobPath("the scene that is read", Path(blend_file))] if blend_file else []
    outputs = [outputs_of(job) for job in jobs]
    writes = tuple(write for output in outputs for write in output.writes)
    series = tuple(entry for output in outputs for entry in output.series)
    if len(jobs) == 1 and jobs[0].overwrite_blend:
        # Asked for by name; with more than one job the others would start from what the first one left.
        own = {f"{jobs[0].result_name}.blend"}
        writes_on_scene = tuple(write for write in writes if write.path.name not in own)
        check_collisions(JobPaths(tuple(scene), writes_on_scene))
        check_collisions(JobPaths(tuple(r for r in reads if r.path.suffix.lower() == ".blend"), writes_on_scene))
        check_collisions(JobPaths(tuple(r for r in reads if r.path.suffix.lower() != ".blend"), writes, series))
        return
    try:
        check_collisions(JobPaths((*reads, *scene), writes, series))
    except ConfigError as error:
        hint = "Choose another name or folder (--out), or --overwrite-blend for a single job's own scene."
        raise ConfigError(error.message, hint if "saved scene" in error.message else error.hint) from error


def check_job(job: Job) -> list[str]:
    """Refuse to replace files that are not ours; done right before a job, as earlier ones write too.

    Returns:
        Names that the job may write from now on, and those that earlier runs wrote.
    Raises:
        OutputError: a file that is not ours stands in the way, or a result cannot be written.
    """
    paths = outputs_of(job)
    check_foreign(paths)
    probe_writable(paths.writes)
    return sorted({*_written_before(job), *(write.path.name for write in paths.writes)})


def _written_before(job: Job) -> list[str]:
    """Names of files that the job's last report says it wrote."""
    report = read_report(job.report_path)
    own = report.get(WRITES)
    names = [name for name in own if isinstance(name, str)] if isinstance(own, list) else []
    return names + files_of(report)


def files_of(report: Mapping[str, Any]) -> list[str]:
    """Names of the finished files that a report tells of."""
    takes = report.get("takes")
    found: list[Any] = []
    for take in takes if isinstance(takes, list) else []:
        if isinstance(take, dict):
            files = take.get("files")
            found += [*(files if isinstance(files, list) else []), take.get("blend")]
    return [name for name in found if isinstance(name, str)]
