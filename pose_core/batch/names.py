"""Names of results, so that no two clips of a batch write the same files."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .jobs import Job

_PERSON = re.compile(r"\.p\d+$")


def with_distinct_names(jobs: list[Job]) -> list[Job]:
    """Tell jobs apart whose results would bear one name, as far as nobody named them.

    Clips of one name and other kinds get their kind (`walk_mp4`, `walk_mov`), those of other folders the folder
    (`monday_walk`), as many of them as it takes. Names depend on the clips alone, not on their order. What was named by
    hand, and one clip twice, stay as they are.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for i, job in enumerate(jobs):
        groups[_key(job)].append(i)
    out = list(jobs)
    for members in groups.values():
        free = [i for i in members if not jobs[i].name]
        sources = {_source(jobs[i]) for i in members}
        if len(members) > 1 and free and len(sources) == len(members):
            for i, name in zip(free, _told_apart([_source(jobs[i]) for i in free], jobs, free), strict=True):
                out[i] = dataclasses.replace(jobs[i], name=name)
    # several people of `walk` leave `walk.p2`: a clip that is called so needs another name
    of_several = {_key(job) for job in out if job.people_to_keep != 1}
    for i, job in enumerate(out):
        if not job.name and _PERSON.search(job.result_name) and _PERSON.sub("", _key(job)) in of_several:
            out[i] = dataclasses.replace(job, name=f"{job.result_name}_{_kind(_source(job))}")
    return out


def _key(job: Job) -> str:
    """What the results lie under, as a file system that does not tell capitals apart sees it."""
    return str(job.base.absolute()).casefold()


def _source(job: Job) -> Path:
    return Path(job.video or job.motion or "").resolve()


def _kind(source: Path) -> str:
    return source.suffix.removeprefix(".") or "clip"


def _told_apart(sources: list[Path], jobs: list[Job], indices: list[int]) -> list[str]:
    names = [jobs[i].result_name for i in indices]
    kinds = [_kind(source) for source in sources]
    several_kinds = len(set(kinds)) > 1
    for depth in range(max(len(source.parts) for source in sources)):
        found = [
            "_".join([*_folders(source, depth), name, *([kind] if several_kinds else [])])
            for source, name, kind in zip(sources, names, kinds, strict=True)
        ]
        if len({name.casefold() for name in found}) == len(found) and (depth or several_kinds):
            return found
    return names


def _folders(source: Path, depth: int) -> list[str]:
    """The last `depth` folders above a file."""
    parts = [part for part in source.parent.parts if part != source.anchor]
    return parts[len(parts) - min(depth, len(parts)) :]
