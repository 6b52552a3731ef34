"""What a rig says of itself beside its bones, as plain data: who made it, its constraints, its switches."""

from __future__ import annotations

from typing import Any

import bpy

from pose_core.errors import RigError
from pose_core.untrusted.text import parse_json

from ..write.switches import is_live, keyed_influences

VRM_PROPERTY = "pose_core_vrm_humanoid"
"""Custom property of armature data in which the importer leaves a VRM file's humanoid mapping, as JSON."""

_TARGETED = {"IK", "COPY_ROTATION", "COPY_TRANSFORMS"}


def read_hints(obj: bpy.types.Object) -> dict[str, Any]:
    """Collect what helps to map a rig's bones; nothing is changed.

    Returns:
        `rigify_generated`: whether Rigify made the rig.
        `constraints`: of every bone that follows another bone of the rig a dictionary of `bone`, `kind`
            (`IK`, `COPY_ROTATION` or `COPY_TRANSFORMS`), `target`, `pole` (bones or empty), `chain_count`, `active`.
        `properties`: bone to its numeric custom properties.
        `vrm_humanoid`: VRM's name of a human bone to the rig's bone; empty if the rig says nothing.
    """
    armature: Any = obj.data
    return {
        "rigify_generated": "rig_id" in armature,
        "constraints": _constraints(obj),
        "properties": _properties(obj),
        "vrm_humanoid": _vrm_humanoid(armature),
    }


def _constraints(obj: bpy.types.Object) -> list[dict[str, Any]]:
    out = []
    by_action = keyed_influences(obj)
    for bone in obj.pose.bones:
        for constraint in bone.constraints:
            if constraint.type not in _TARGETED or constraint.target != obj or not constraint.subtarget:
                continue
            ik = constraint.type == "IK"
            own_pole = ik and constraint.pole_target == obj
            out.append(
                {
                    "bone": bone.name,
                    "kind": constraint.type,
                    "target": constraint.subtarget,
                    "pole": constraint.pole_subtarget if own_pole else "",
                    "chain_count": constraint.chain_count if ik else 0,
                    "active": is_live(constraint, by_action),
                }
            )
    return out


def _properties(obj: bpy.types.Object) -> dict[str, dict[str, float]]:
    out = {}
    for bone in obj.pose.bones:
        numbers = {key: float(value) for key, value in bone.items() if isinstance(value, (bool, int, float))}
        if numbers:
            out[bone.name] = numbers
    return out


def _vrm_humanoid(data: bpy.types.Armature) -> dict[str, str]:
    """The mapping that the VRM add-on has, else the one that our importer found in the file."""
    extension = getattr(data, "vrm_addon_extension", None)
    if extension is not None and (own := of_vrm_addon(extension)):
        return own
    try:
        found = parse_json(str(data.get(VRM_PROPERTY, "{}")), "the VRM mapping", RigError)
    except RigError:
        return {}
    return {str(human): str(bone) for human, bone in found.items()} if isinstance(found, dict) else {}


def of_vrm_addon(extension: Any) -> dict[str, str]:
    """Read the add-on's own settings; its layout differs between VRM 0.x and 1.0 and may change, so look with care."""
    out: dict[str, str] = {}
    if str(getattr(extension, "spec_version", "")).startswith("1"):
        humans = getattr(getattr(getattr(extension, "vrm1", None), "humanoid", None), "human_bones", None)
        listed = getattr(humans, "human_bone_name_to_human_bone", None)
        pairs = [(getattr(name, "value", name), bone) for name, bone in listed().items()] if listed else []
    else:
        humans = getattr(getattr(getattr(extension, "vrm0", None), "humanoid", None), "human_bones", None) or ()
        pairs = [(getattr(bone, "bone", ""), bone) for bone in humans]
    for human, bone in pairs:
        name = getattr(getattr(bone, "node", None), "bone_name", "")
        if human and name:
            out[str(human)] = str(name)
    return out
