"""What a user should know of the bones that were keyed: overruled by constraints, hidden, locked."""

from __future__ import annotations

import math
from collections.abc import Iterable

import bpy

from pose_core.retarget import RigDescription

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
