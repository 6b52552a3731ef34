"""Controls beside the mapped bones: targets and poles of inverse kinematics, and the switches that choose them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pose_core.retarget.mapping.families import NamePreset
from pose_core.retarget.rig.bone_map import LIMB_PARTS, BoneMap, IkControl, Switch
from pose_core.retarget.rig.description import RigDescription


def with_controls(rig: RigDescription, bone_map: BoneMap, preset: NamePreset | None = None) -> BoneMap:
    """Add the IK controls and switches that a rig has.

    Args:
        rig: the rig; its hints `constraints` and `properties` are read.
        bone_map: the mapped bones.
        preset: a family whose controls are known by name.
    """
    if preset is not None and preset.controls:
        return replace(bone_map, ik=_known_ik(rig, preset), switches=_known_switches(rig, preset))
    return replace(bone_map, ik=_ik_of_constraints(rig, bone_map))


def _known_ik(rig: RigDescription, preset: NamePreset) -> dict[str, IkControl]:
    known = set(rig.bone_names)
    out = {}
    for limb, entry in preset.ik.items():
        if entry["target"] in known:
            pole = entry.get("pole")
            out[limb] = IkControl(
                entry["target"], pole if pole in known else None, turns_end=bool(entry.get("turns_end", False))
            )
    return out


def _known_switches(rig: RigDescription, preset: NamePreset) -> tuple[Switch, ...]:
    """The family's switches; of those that the rig was read with, only the ones that are there."""
    properties: Mapping[str, Mapping[str, float]] | None = rig.hints.get("properties")
    switches = [Switch(**entry) for entry in preset.switches]
    if properties is None:
        return tuple(switch for switch in switches if switch.bone in rig.bone_names)
    return tuple(switch for switch in switches if switch.property in properties.get(switch.bone, {}))


def _ik_of_constraints(rig: RigDescription, bone_map: BoneMap) -> dict[str, IkControl]:
    """IK constraints whose solved bones are a mapped limb's."""
    constraints: Iterable[Mapping[str, Any]] = rig.hints.get("constraints", ())
    out: dict[str, IkControl] = {}
    for constraint in constraints:
        if constraint["kind"] != "IK" or constraint["bone"] not in rig.bone_names:
            continue
        solved = _solved(rig, str(constraint["bone"]), int(constraint["chain_count"]))
        for limb, (upper, lower, end) in LIMB_PARTS.items():
            wanted = bone_map.bone(upper), bone_map.bone(lower)
            if None in wanted or not set(wanted) <= set(solved):
                continue
            if limb in out and out[limb].active and not constraint["active"]:
                continue
            target = str(constraint["target"])
            turns = any(
                c["kind"] != "IK" and c["bone"] == bone_map.bone(end) and c["target"] == target and c["active"]
                for c in constraints
            )
            out[limb] = IkControl(
                target, constraint["pole"] or None, tuple(reversed(solved)), turns, bool(constraint["active"])
            )
    return out


def _solved(rig: RigDescription, bone: str, count: int) -> list[str]:
    """Bones that an IK constraint turns, from its own upwards; 0 means all the way."""
    own = rig.index(bone)
    chain = [own, *rig.ancestors(own)]
    return [rig.bone_names[b] for b in (chain[:count] if count > 0 else chain)]
