"""Find by name which bones of a rig play which part of the body, and check the answer by hierarchy and geometry."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from pose_core.errors import RigError
from pose_core.retarget.bone_map import ESSENTIAL, OPTIONAL, PARENT_PART, PARTS, BoneMap
from pose_core.retarget.bone_names import NamePreset, name_presets, normalised, says_nothing
from pose_core.retarget.rig import RigDescription
from pose_core.rotations import unit
from pose_core.types import FloatArray

# Below this share of the essential parts a rig is not taken for one of the family with bones missing.
_FAMILY_SHARE = 0.6

_MAP_HINT = "Map the bones by hand and save the map, then give it with the job."


@dataclass(frozen=True)
class _Match:
    preset: NamePreset
    bones: dict[str, tuple[str, ...]]
    ambiguous: dict[str, tuple[str, ...]]

    @property
    def essential(self) -> int:
        return sum(part in self.bones for part in ESSENTIAL)

    @property
    def score(self) -> tuple[int, int]:
        return self.essential, sum(len(names) for names in self.bones.values())


def map_bones(rig: RigDescription) -> BoneMap:
    """Map a humanoid rig of a known naming family.

    Raises:
        RigError: the rig is no humanoid, its names say nothing or are of no known family, essential bones are
            missing or ambiguous (they are named), or the named bones do not hang together like a body.
    """
    if rig.hints.get("rigify_generated"):
        raise RigError(
            f"'{rig.name}' is a generated Rigify control rig, which cannot be keyed directly yet.",
            "Choose its metarig, or give a bone map to its FK controls.",
        )
    matches = [_match(rig, preset, prefix) for preset in name_presets() for prefix in _prefixes(rig, preset)]
    best = max(matches, key=lambda match: match.score, default=None)
    if best is None or best.essential < _FAMILY_SHARE * len(ESSENTIAL):
        raise RigError(*_refusal(rig, best))
    if best.ambiguous:
        spelled = "; ".join(f"{part}: {', '.join(map(repr, names))}" for part, names in best.ambiguous.items())
        raise RigError(f"In '{rig.name}' several bones could be the same part ({spelled}).", _MAP_HINT)
    missing = [part for part in ESSENTIAL if part not in best.bones]
    if missing:
        raise RigError(
            f"'{rig.name}' looks like a {best.preset.label} rig, but has no bone for {', '.join(missing)}.", _MAP_HINT
        )
    lacking = [part for part in PARTS if part in OPTIONAL and part not in best.bones]
    notes = (f"The rig has no bone for {', '.join(lacking)}.",) if lacking else ()
    bone_map = BoneMap(best.bones, best.preset.family, notes)
    check_bone_map(rig, bone_map)
    return bone_map


def _prefixes(rig: RigDescription, preset: NamePreset) -> set[str]:
    """What may stand before all names of a family on this rig, seen at its pelvis; normalised."""
    out = {""}
    for (name,) in preset.names["pelvis"]:
        ending = normalised(name)
        for bone in rig.bone_names:
            whole = normalised(bone)
            if whole.endswith(ending):
                out.add(whole[: -len(ending)])
    return out


def _match(rig: RigDescription, preset: NamePreset, prefix: str) -> _Match:
    by_name: dict[str, list[str]] = defaultdict(list)
    for bone in rig.bone_names:
        by_name[normalised(bone)].append(bone)
    exact = set(rig.bone_names)
    bones: dict[str, tuple[str, ...]] = {}
    ambiguous: dict[str, tuple[str, ...]] = {}
    for part, alternatives in preset.names.items():
        found: list[tuple[str, ...]] = []
        for chain in alternatives:
            picked: list[str] = []
            for name in chain:
                candidates = [name] if name in exact else by_name.get(prefix + normalised(name), [])
                if len(candidates) > 1:
                    ambiguous[part] = tuple(candidates)
                if candidates:
                    picked.append(candidates[0])
            if picked and tuple(picked) not in found:
                found.append(tuple(picked))
        if len(found) > 1:
            ambiguous[part] = tuple(name for chain in found for name in chain)
        if found:
            bones[part] = max(found, key=len)
    return _Match(preset, bones, ambiguous)


def _refusal(rig: RigDescription, best: _Match | None) -> tuple[str, str]:
    generic = sum(says_nothing(name) for name in rig.bone_names)
    if generic > 0.7 * len(rig):
        return f"The bone names of '{rig.name}' say nothing ('{rig.bone_names[0]}', ...).", _MAP_HINT
    found = sorted(best.bones) if best else []
    have = f"only {', '.join(found)} could be recognised" if found else "no body part could be recognised"
    families = ", ".join(preset.label for preset in name_presets())
    return (
        f"'{rig.name}' is no humanoid rig, or its bone names are of no known family: {have}.",
        f"Known families: {families}. {_MAP_HINT}",
    )


def check_bone_map(rig: RigDescription, bone_map: BoneMap) -> None:
    """Check that mapped bones exist, hang together like a body, and that left is left.

    Raises:
        RigError: naming the parts and bones at fault.
    """
    missing_parts = [part for part in ESSENTIAL if part not in bone_map]
    if missing_parts:
        raise RigError(f"The bone map of '{rig.name}' has no bone for {', '.join(missing_parts)}.", _MAP_HINT)
    absent = [f"{part}: '{name}'" for part, _, name in bone_map if name not in rig.bone_names]
    if absent:
        raise RigError(f"'{rig.name}' lacks bones that its map names ({'; '.join(absent)}).", "Correct the bone map.")
    users: dict[str, list[str]] = defaultdict(list)
    for part, _, name in bone_map:
        users[name].append(part)
    twice = [f"'{name}' for {' and '.join(parts)}" for name, parts in users.items() if len(parts) > 1]
    if twice:
        raise RigError(f"The bone map of '{rig.name}' uses bones twice: {'; '.join(twice)}.", "Correct the bone map.")
    _check_hierarchy(rig, bone_map)
    _check_sides(rig, bone_map)


def _check_hierarchy(rig: RigDescription, bone_map: BoneMap) -> None:
    wrong: list[str] = []
    for part, i, name in bone_map:
        above = bone_map.bones[part][i - 1] if i else _bone_above(bone_map, part)
        if above is not None and rig.index(above) not in rig.ancestors(rig.index(name)):
            wrong.append(f"'{name}' ({part}) does not hang below '{above}'")
    if wrong:
        raise RigError(f"The bones of '{rig.name}' do not hang together like a body: {'; '.join(wrong)}.", _MAP_HINT)


def _bone_above(bone_map: BoneMap, part: str) -> str | None:
    if part == "pelvis":
        return None
    above = PARENT_PART[part]
    # arms and neck may branch off below the top of the spine, so its lowest bone is asked for
    return bone_map.bones[above][0]


def _check_sides(rig: RigDescription, bone_map: BoneMap) -> None:
    def head(part: str) -> FloatArray | None:
        name = bone_map.bone(part)
        return None if name is None else rig.heads[rig.index(name)]

    left, right = head("left_upper_arm"), head("right_upper_arm")
    hips = head("left_thigh"), head("right_thigh")
    if left is None or right is None or hips[0] is None or hips[1] is None:
        return
    across = unit(left - right)
    if float(np.dot(across, hips[0] - hips[1])) < 0:
        named = ", ".join(f"'{bone_map.bone(f'{s}_{p}')}'" for p in ("upper_arm", "thigh") for s in ("left", "right"))
        raise RigError(f"In '{rig.name}' the left arm is on the side of the right leg.", f"Check the names of {named}.")
    up = (left + right) - (hips[0] + hips[1])
    forward = np.zeros(3)
    for side in ("left", "right"):
        foot, toe = head(f"{side}_foot"), head(f"{side}_toe")
        if foot is not None and toe is not None:
            forward = forward + unit(toe - foot)
    expected_left = np.asarray(np.cross(up, forward), dtype=np.float64)
    if float(np.dot(unit(expected_left), across)) < -0.5:
        raise RigError(
            f"In '{rig.name}' left and right seem to be swapped: by the toes '{bone_map.bone('left_upper_arm')}' lies"
            " on the right.",
            "Rename the bones or give a bone map.",
        )
