"""What a user should know of the bones that were keyed: overruled by constraints, hidden, locked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import bpy

from pose_core.retarget import RigDescription

from ..read.armature_reader import driven_bones
from ..write.switches import is_live
from .verify import FAILING_SHARE

_SHOWN = 6
# Characters this many times larger or smaller than a person are told of.
_FAR_FROM_LIFE = 8.0
# How many times too large a character is whose file's unit was taken for another.
_UNITS = {
    "in centimetres and was read as metres": 100.0,
    "in millimetres and was read as metres": 1000.0,
    "in inches and was read as metres": 39.37,
    "in metres and was read as centimetres": 0.01,
}
_LIKELY = 1.5


def target_notes(obj: bpy.types.Object, rig: RigDescription, keyed: Iterable[str]) -> list[str]:
    """Notes on the bones of a target.

    Args:
        obj: the armature object.
        rig: its description, with what was found by trying.
        keyed: bones that got keys.
    """
    bones = [obj.pose.bones[name] for name in keyed]
    notes = []
    if rig.overruled:
        told = [f"'{name}'{_why(obj.pose.bones[name])}" for name in rig.overruled]
        notes.append(f"Constraints or drivers overrule the keys of {_listed(told)}.")
    hidden = [f"'{bone.name}'" for bone in bones if _is_hidden(bone)]
    if hidden:
        notes.append(f"Hidden bones got keys too: {_listed(hidden)}.")
    locked = [f"'{bone.name}'" for bone in bones if any(bone.lock_rotation) or bone.lock_rotation_w]
    if locked:
        notes.append(f"Locked channels got keys too, on {_listed(locked)}; locks only guard against the mouse.")
    return notes


def failing_notes(obj: bpy.types.Object, found: dict[str, Any]) -> list[str]:
    """Name the bones that do not go where the motion wants them, and what moves them.

    Args:
        obj: the armature object.
        found: from `verify`.
    """
    if not found["failing_bones"]:
        return []
    off = found["deviation_by_bone_m"]
    told = [f"'{name}' ({100 * off[name]:.1f} cm)" for name in found["failing_bones"]]
    movers = dict.fromkeys(mover for name in found["failing_bones"] if (mover := _mover(obj, name)))
    because = f" They are moved by {_listed(list(movers))}." if movers else ""
    return [
        f"Not where the motion wants them (further off than 1 % of the height): {_listed(told)}.{because}"
        f"{' Switch that off, or map other bones.' if movers else ''}"
    ]


def floor_notes(found: dict[str, Any]) -> list[str]:
    """A note on a mesh that is in the floor.

    Args:
        found: from `verify`.
    """
    lowest_mm = found["floor"].get("lowest_mesh_mm", 0.0)
    if lowest_mm >= -1e3 * FAILING_SHARE * found["height_m"]:
        return []
    frame = found["floor"]["lowest_mesh_frame"]
    return [f"The mesh is {-0.1 * lowest_mm:.1f} cm under the floor in frame {frame:g}."]


def object_notes(obj: bpy.types.Object, found: dict[str, Any]) -> list[str]:
    """A note on an armature whose object moves by itself, so that the motion is added to that.

    Args:
        obj: the armature object.
        found: from `verify`.
    """
    if found["object_moves_m"] <= FAILING_SHARE * found["height_m"]:
        return []
    above = obj
    movers = []
    while above is not None:
        if above != obj and above.animation_data is not None:
            movers.append(f"its parent '{above.name}' is animated")
        live = [one.name for one in above.constraints if not one.mute and one.influence > 0]
        if live:
            movers.append(f"constraints of '{above.name}' ({', '.join(live)})")
        above = above.parent
    why = "; ".join(movers) or "animation of the object itself"
    return [
        f"'{obj.name}' itself moves during the take, by up to {found['object_moves_m']:.3g} ({why}). The motion is"
        " relative to it; to have it in the world, stop that movement or clear the parent, and apply the motion again."
    ]


def _mover(obj: bpy.types.Object, name: str) -> str:
    """What besides its keys moves a bone, or else the nearest bone above that something moves; empty if nothing."""
    bone = obj.pose.bones[name]
    driven = driven_bones(obj)
    chains = {
        led.name: f"the {_kind(one)} '{one.name}' of '{end.name}'"
        for end in obj.pose.bones
        for one in end.constraints
        if is_live(one) and one.type in ("IK", "SPLINE_IK")
        for led in [end, *end.parent_recursive][: one.chain_count or None]
    }
    for own in (bone, *bone.parent_recursive):
        for constraint in own.constraints:
            if is_live(constraint):
                return f"the {_kind(constraint)} '{constraint.name}' of '{own.name}'"
        if own.name in chains:
            return chains[own.name]
        if own.name in driven:
            return f"drivers of '{own.name}'"
    return ""


def _kind(constraint: bpy.types.Constraint) -> str:
    return "IK" if constraint.type == "IK" else f"{constraint.type.replace('_', ' ').lower()} constraint"


def size_notes(name: str, leg_ratio: float, unit_scale: float) -> list[str]:
    """A note on a character that is no person's size, with the likely cause.

    Args:
        name: the armature object's.
        leg_ratio: its legs over the motion's, in Blender units.
        unit_scale: metres a Blender unit, as the scene's settings have it.
    """
    times = leg_ratio * unit_scale
    if 1 / _FAR_FROM_LIFE < times < _FAR_FROM_LIFE:
        return []
    size = f"{times:.0f} times" if times >= 1 else f"1/{1 / times:.0f} of"
    unit, factor = min(_UNITS.items(), key=lambda entry: abs(math.log(times / entry[1])))
    likely = abs(math.log(times / factor)) < math.log(_LIKELY)
    cause = f"; its file is probably {unit}" if likely else ""
    return [
        f"'{name}' is {size} life size{cause}. The motion is scaled to fit and nothing of the rig is changed; for true"
        f" size import the character with scale {1 / times if not likely else 1 / factor:.3g}."
    ]


def _why(bone: bpy.types.PoseBone) -> str:
    names = [constraint.name for constraint in bone.constraints if not constraint.mute and constraint.influence > 0]
    return f" ({', '.join(names)})" if names else ""


def _is_hidden(bone: bpy.types.PoseBone) -> bool:
    collections = bone.bone.collections
    return (
        bone.bone.hide
        or getattr(bone, "hide", False)
        or (len(collections) > 0 and not any(collection.is_visible_effectively for collection in collections))
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
