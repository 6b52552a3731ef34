"""Jobs out of a manifest, a TOML file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pose_core.batch.jobs import Job, Role, is_family
from pose_core.config import from_mapping
from pose_core.errors import ConfigError, PoseCoreError
from pose_core.untrusted.text import read_toml


def read_manifest(path: Path, defaults: Mapping[str, Any], out: str | None) -> list[Job]:
    """Jobs of a manifest; its paths are relative to its folder, its settings go before the command line's defaults."""
    try:
        data = read_toml(path, "the manifest", ConfigError, "See docs/command_line.md.")
    except FileNotFoundError as error:
        raise ConfigError(f"There is no manifest '{path}'.", "Check the path.") from error
    unknown = sorted(set(data) - {"defaults", "job"})
    entries = data.get("job", [])
    shared = data.get("defaults", {})
    tables = isinstance(entries, list) and isinstance(shared, dict) and all(isinstance(e, dict) for e in entries)
    if unknown or not tables or not entries:
        raise ConfigError(f"The manifest '{path}' must hold [[job]] tables and may hold [defaults]; nothing else.")
    jobs = []
    for number, entry in enumerate(entries, 1):
        own = {**shared, **entry}
        roles = own.pop("cast", None)
        for key in ("video", "motion", "rig", "bone_map", "out"):
            if isinstance(own.get(key), str) and not (key == "bone_map" and is_family(own[key])):
                own[key] = str(path.parent / own[key])
        if out is not None:
            own["out"] = out
        if own.get("people") == "all":
            own["people"] = 0
        try:
            given = {key: value for key, value in defaults.items() if value is not None}
            cast = given.pop("cast")
            cast = cast if roles is None else _roles(roles, path.parent)
            jobs.append(dataclasses.replace(from_mapping(Job, {**given, **own}), cast=cast))
        except PoseCoreError as error:
            raise ConfigError(f"Job {number} of '{path}': {error.message}", error.hint) from error
    return jobs


def _roles(entries: Any, folder: Path) -> tuple[Role, ...]:
    """The cast of a manifest's job; its paths are relative to the manifest's folder."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"cast must be tables [[job.cast]], but is {entries!r}.")
    roles = []
    for entry in entries:
        own = dict(entry)
        for key in ("rig", "bone_map"):
            if isinstance(own.get(key), str) and not (key == "bone_map" and is_family(own[key])):
                own[key] = str(folder / own[key])
        roles.append(from_mapping(Role, own))
    return tuple(roles)
