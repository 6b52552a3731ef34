"""Bone names of the common rig families, and how names are compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pose_core.errors import RigError
from pose_core.retarget.bone_map import CHAINS, PARTS, SIDES

FORMAT = "pose_core.bone_names"
VERSION = 1

_GENERIC = re.compile(r"^(bone|joint|node|object|null|empty|b|j)?[\W_]*\d*([\W_]\d+)*$", re.IGNORECASE)


def normalised(name: str) -> str:
    """A bone name without what tools add or change: namespace, case, separators, zeros before numbers."""
    bare = re.split(r"[:|]", name)[-1]
    bare = re.sub(r"[^0-9a-zA-Z\u0080-\uffff]+", "", bare).casefold()
    return re.sub(r"(?<!\d)0+(?=\d)", "", bare)


def says_nothing(name: str) -> bool:
    """Whether a name is of the kind a tool gives by itself, like `Bone.012`."""
    return bool(_GENERIC.match(name))


@dataclass(frozen=True)
class NamePreset:
    """One family of rigs: for every part the names its bones may have."""

    family: str
    label: str
    names: Mapping[str, tuple[tuple[str, ...], ...]]
    """Part to alternatives; an alternative is one bone name, or for chains several from bottom to top."""


@cache
def name_presets() -> tuple[NamePreset, ...]:
    """All families that ship with the package, one JSON file each."""
    folder = resources.files("pose_core.retarget") / "presets"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda entry: entry.name)
    return tuple(parse_preset(entry.read_text(encoding="utf-8"), entry.name) for entry in files)


def parse_preset(text: str, origin: str) -> NamePreset:
    """Read one preset.

    Args:
        text: JSON with `family`, `label`, `sides` (pairs of words for left and right) and `bones`; names of paired
            parts hold `{side}`, chains are lists of names.
        origin: what to call it in messages.
    Raises:
        RigError: no preset of a known version, or unknown parts.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise RigError(f"The bone-name preset '{origin}' is no JSON ({error}).") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise RigError(f"'{origin}' is no bone-name preset of version {VERSION}.")
    names: dict[str, tuple[tuple[str, ...], ...]] = {}
    for part, alternatives in data["bones"].items():
        if part in CHAINS:
            names[part] = tuple(tuple(chain) for chain in alternatives)
        elif part in PARTS:
            names[part] = tuple((name,) for name in alternatives)
        else:
            for i, side in enumerate(SIDES):
                words = [pair[i] for pair in data["sides"]]
                names[f"{side}_{part}"] = tuple((name.format(side=word),) for name in alternatives for word in words)
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        raise RigError(f"The bone-name preset '{origin}' names unknown parts: {', '.join(unknown)}.")
    return NamePreset(str(data["family"]), str(data.get("label", data["family"])), names)
