"""What a user should know of the bones that were keyed: overruled by constraints, hidden, locked."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from pose_core.retarget import RigDescription

_SHOWN = 6


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
