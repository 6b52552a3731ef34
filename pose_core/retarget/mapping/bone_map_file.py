"""Bone maps as JSON files: written for people to read and edit, checked entry by entry when read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from pose_core.errors import RigError
from pose_core.files import why_not_written, write_text
from pose_core.retarget.rig.bone_map import CHAINS, PARTS, BoneMap, IkControl, Switch
from pose_core.untrusted.text import TextBounds, read_json, shortened

FORMAT = "pose_core.bone_map"
VERSION = 2
VERSION_WITHOUT_CORRECTIONS = 1
"""What maps without corrections are written as, so that programs from before there were any read them."""

_BOUNDS = TextBounds(most_bytes=1 << 20, most_depth=8, most_values=20_000, most_key=100)
_KEYS = ("format", "version", "family", "bones", "fingers", "root", "ik", "switches", "corrections", "notes")
_IK_KEYS: dict[str, tuple[type, ...]] = {
    "target": (str,), "pole": (str, type(None)), "solved": (list,), "turns_end": (bool,), "active": (bool,)
}  # fmt: skip
_SWITCH_KEYS: dict[str, tuple[type, ...]] = {
    "bone": (str,), "property": (str,), "fk": (int, float, type(None)), "ik": (int, float, type(None)), "limb": (str,)
}  # fmt: skip
_WORDS = {str: "a text", list: "a list", bool: "true or false", int: "a number", float: "a number",
          type(None): "null", dict: "an object"}  # fmt: skip


def read_bone_map(path: str | os.PathLike[str]) -> BoneMap:
    """Read a bone map that a user or the add-on saved as JSON.

    Raises:
        RigError: not there, no JSON, not a bone map of a known version, or an entry that is wrong (it is named).
    """
    try:
        data = read_json(path, "the bone map", RigError, "Check the path.", _BOUNDS)
    except FileNotFoundError as error:
        raise RigError(f"Cannot read the bone map '{path}' (there is no such file).", "Check the path.") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("bones"), dict):
        raise RigError(f"'{path}' is no bone map: its format must be '{FORMAT}' with an object 'bones'.")
    if data.get("version") not in (VERSION_WITHOUT_CORRECTIONS, VERSION):
        raise RigError(
            f"The bone map '{path}' has version {shortened(data.get('version'), 80)}, but this program reads"
            f" {VERSION_WITHOUT_CORRECTIONS} and {VERSION}."
        )
    try:
        return bone_map_from_dict(data)
    except RigError as error:
        raise RigError(f"The bone map '{path}' is wrong: {error.message}", error.hint) from error


def write_bone_map(path: str | os.PathLike[str], bone_map: BoneMap) -> None:
    """Save a bone map as JSON.

    Raises:
        RigError: the file cannot be written.
    """
    content = json.dumps(bone_map_to_dict(bone_map), indent=2, ensure_ascii=False) + "\n"
    try:
        write_text(path, content)
    except OSError as error:
        raise RigError(
            f"Cannot write the bone map '{path}' ({why_not_written(error)}).", "Choose another folder."
        ) from error


def bone_map_to_dict(bone_map: BoneMap) -> dict[str, Any]:
    """Plain data of a whole map; confidence is left out, as a map that a person keeps is certain."""
    version = VERSION if bone_map.corrections else VERSION_WITHOUT_CORRECTIONS
    out: dict[str, Any] = {"format": FORMAT, "version": version, "family": bone_map.family}
    out["bones"] = bone_map.to_dict()
    if bone_map.fingers:
        out["fingers"] = {finger: list(names) for finger, names in bone_map.fingers.items()}
    if bone_map.root:
        out["root"] = bone_map.root
    if bone_map.ik:
        out["ik"] = {limb: _plain(control, ("solved",)) for limb, control in bone_map.ik.items()}
    if bone_map.switches:
        out["switches"] = [_plain(switch) for switch in bone_map.switches]
    if bone_map.corrections:
        out["corrections"] = {part: list(angles) for part, angles in bone_map.corrections.items()}
    return out


def _plain(item: IkControl | Switch, lists: tuple[str, ...] = ()) -> dict[str, Any]:
    """Fields that differ from nothing said."""
    fields = {key: getattr(item, key) for key in item.__dataclass_fields__}
    return {key: list(value) if key in lists else value for key, value in fields.items() if value not in (None, (), "")}


def bone_map_from_dict(data: Mapping[str, Any]) -> BoneMap:
    """Build a map from plain data as `bone_map_to_dict` gives it.

    Raises:
        RigError: an entry is unknown or of the wrong kind.
    """
    strange = sorted(set(data) - set(_KEYS))
    if strange:
        raise RigError(f"unknown entries {shortened(', '.join(strange))}.", f"Known: {', '.join(_KEYS)}.")
    fingers = {finger: _names(value, finger) for finger, value in _object(data, "fingers").items()}
    ik = {}
    for limb, entry in _object(data, "ik").items():
        fields = _fields(entry, _IK_KEYS, ("target",), f"ik of '{limb}'")
        ik[limb] = IkControl(**{**fields, "solved": _names(fields.get("solved"), f"{limb}.solved")})
    listed = data.get("switches", [])
    if not isinstance(listed, list):
        raise RigError("'switches' must be a list.")
    switches = tuple(Switch(**_fields(entry, _SWITCH_KEYS, ("bone", "property"), "a switch")) for entry in listed)
    root, notes = data.get("root"), data.get("notes", [])
    if root is not None and not isinstance(root, str):
        raise RigError(f"'root' must be a bone name, but is {shortened(repr(root))}.")
    bones = parts_from_dict(data["bones"])
    return BoneMap(
        bones=bones,
        family=str(data.get("family", "custom")),
        notes=_names(notes, "notes"),
        fingers={finger: names for finger, names in fingers.items() if names},
        root=root or None,
        ik=ik,
        switches=switches,
        corrections=_corrections(_object(data, "corrections"), bones),
    )


def _corrections(data: Mapping[str, Any], bones: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Angles by part; those that are all zero say nothing and are left out."""
    out = {}
    for part, angles in data.items():
        numbers = isinstance(angles, list) and all(type(angle) in (int, float) for angle in angles)
        if not numbers or len(angles) != 3:
            raise RigError(
                f"The correction of '{part}' must be a list of three angles in degrees, but is"
                f" {shortened(repr(angles))}."
            )
        if part in PARTS and part not in bones:
            raise RigError(f"'{part}' is corrected, but has no bone.", "Name its bone, or leave the correction out.")
        if any(angles):
            x, y, z = map(float, angles)
            out[part] = (x, y, z)
    return out


def parts_from_dict(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Parts and their bones from plain data: a name, a list of names, or null.

    Raises:
        RigError: an unknown part, or a value that is no bone name.
    """
    bones = {part: _names(value, part) for part, value in data.items()}
    return {part: names for part, names in bones.items() if names or part not in PARTS}


def _names(value: Any, entry: str) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) and name for name in names):
        what = "a list of bone names" if entry in CHAINS else "bone names"
        raise RigError(f"The bone map's entry for '{entry}' must be {what}, but is {shortened(repr(value))}.")
    return tuple(names)


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise RigError(f"'{key}' must be an object, but is {shortened(repr(value))}.")
    return value


def _fields(entry: Any, known: Mapping[str, tuple[type, ...]], needed: tuple[str, ...], what: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise RigError(f"{what} must be an object, but is {shortened(repr(entry))}.")
    strange = sorted(set(entry) - set(known))
    if strange:
        raise RigError(f"{what} has unknown entries {shortened(', '.join(strange))}.", f"Known: {', '.join(known)}.")
    missing = [key for key in needed if not entry.get(key)]
    if missing:
        raise RigError(f"{what} lacks {', '.join(missing)}.")
    for key, value in entry.items():
        kinds = known[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            words = " or ".join(dict.fromkeys(_WORDS[kind] for kind in kinds))
            raise RigError(f"'{key}' of {what} must be {words}, but is {shortened(repr(value))}.")
    return dict(entry)
