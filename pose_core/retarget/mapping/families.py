"""Bone names of the common rig families, and how names are compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from pose_core.errors import RigError
from pose_core.retarget.rig.bone_map import CHAINS, FINGER_BONES, FINGERS, PARTS, SIDES

FORMAT = "pose_core.bone_names"
VERSION = 1

_KEYS = {"format", "version", "family", "label", "sides", "bones", "fingers", "root", "controls", "ik", "switches"}
_GENERIC = re.compile(r"^(bone|joint|node|object|null|empty|b|j)?[\W_]*\d*([\W_]\d+)*$", re.IGNORECASE)


@lru_cache(maxsize=8192)
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
    fingers: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """Finger to alternatives of up to three bones from the knuckle outwards."""
    root: tuple[str, ...] = ()
    """Names of the bone that carries the whole figure."""
    controls: bool = False
    """Whether these are the controls of a rig whose bones do not hang below each other as in a body, so that names are
    taken as they are."""
    ik: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Limb to fields of an `IkControl`."""
    switches: tuple[Mapping[str, Any], ...] = ()
    """Fields of each `Switch`."""


@cache
def name_presets() -> tuple[NamePreset, ...]:
    """All families that ship with the package, one JSON file each."""
    folder = resources.files("pose_core.retarget") / "presets"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda entry: entry.name)
    return tuple(parse_preset(entry.read_text(encoding="utf-8"), entry.name) for entry in files)


def preset_of(family: str) -> NamePreset:
    """The preset of a family.

    Raises:
        RigError: no such family.
    """
    for preset in name_presets():
        if preset.family == family:
            return preset
    raise RigError(
        f"There is no rig family '{family}'.", f"Known: {', '.join(preset.family for preset in name_presets())}."
    )


def parse_preset(text: str, origin: str) -> NamePreset:
    """Read one preset.

    Args:
        text: JSON with `family`, `label`, `sides` (pairs of words for left and right) and `bones`; names of paired
            parts hold `{side}`, chains are lists of names. It may have `fingers` (lists like chains, with `{side}`),
            `root` (names), `controls`, `ik` and `switches` (see `NamePreset`; their limb is `arm` or `leg`).
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
    strange = sorted(set(data) - _KEYS)
    if strange:
        raise RigError(f"The bone-name preset '{origin}' has unknown entries: {', '.join(strange)}.")
    try:
        return _preset(data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise RigError(f"The bone-name preset '{origin}' is not put together rightly ({error!r}).") from error
    except RigError as error:
        raise RigError(f"The bone-name preset '{origin}' {error.message}", error.hint) from error


def _preset(data: Mapping[str, Any]) -> NamePreset:
    pairs = [(str(left), str(right)) for left, right in data["sides"]]
    names: dict[str, tuple[tuple[str, ...], ...]] = {}
    for part, alternatives in data["bones"].items():
        if part in CHAINS:
            names[part] = tuple(tuple(chain) for chain in alternatives)
        elif part in PARTS:
            names[part] = tuple((name,) for name in alternatives)
        else:
            names |= _both_sides(part, [[name] for name in alternatives], pairs)
    fingers: dict[str, tuple[tuple[str, ...], ...]] = {}
    for finger, alternatives in data.get("fingers", {}).items():
        fingers |= _both_sides(finger, [chain[:FINGER_BONES] for chain in alternatives], pairs)
    unknown = sorted((set(names) - set(PARTS)) | (set(fingers) - set(FINGERS)))
    if unknown:
        raise RigError(f"names unknown parts: {', '.join(unknown)}.")
    ik = {
        f"{side}_{limb}": {key: _with_side(value, pairs[0][i]) for key, value in entry.items()}
        for limb, entry in data.get("ik", {}).items()
        for i, side in enumerate(SIDES)
    }
    switches = []
    for entry in data.get("switches", []):
        limb = entry.get("limb", "")
        for i, side in enumerate(SIDES[: 2 if limb else 1]):
            filled = {key: _with_side(value, pairs[0][i]) for key, value in entry.items()}
            switches.append({**filled, "limb": f"{side}_{limb}" if limb else ""})
    label = str(data.get("label", data["family"]))
    root = tuple(map(str, data.get("root", [])))
    return NamePreset(
        str(data["family"]), label, names, fingers, root, bool(data.get("controls", False)), ik, tuple(switches)
    )


def _both_sides(
    part: str, alternatives: list[list[str]], pairs: list[tuple[str, str]]
) -> dict[str, tuple[tuple[str, ...], ...]]:
    return {
        f"{side}_{part}": tuple(
            tuple(name.format(side=pair[i]) for name in chain) for chain in alternatives for pair in pairs
        )
        for i, side in enumerate(SIDES)
    }


def _with_side(value: Any, word: str) -> Any:
    if isinstance(value, str):
        return value.replace("{side}", word)
    return [_with_side(item, word) for item in value] if isinstance(value, list) else value
