"""Everything that differs between Blender 4.2 and 5.x, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy


def has_slots() -> bool:
    """Whether actions have slots and layers (4.4 and newer)."""
    return bpy.app.version >= (4, 4, 0)


def has_native_fbx_import() -> bool:
    """Whether Blender has an FBX importer beside the one that is an add-on (4.5 and newer)."""
    return "fbx_import" in dir(bpy.ops.wm)  # asking with hasattr says yes to any name


def new_action_curves(name: str, obj: bpy.types.Object) -> tuple[bpy.types.Action, Any, Any, Any]:
    """Make an empty action for an object, not yet assigned to it.

    Returns:
        The action, its slot (None before 4.4), and the collections of its curves and groups.
    """
    action = bpy.data.actions.new(name)
    if not has_slots():
        action.id_root = "OBJECT"
        return action, None, action.fcurves, action.groups
    slot = action.slots.new("OBJECT", obj.name)
    bag = action.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)
    return action, slot, bag.fcurves, bag.groups


def assign_action(obj: bpy.types.Object, action: bpy.types.Action | None, slot: Any = None) -> None:
    """Make an action (and its slot) the active one of an object."""
    data = obj.animation_data or obj.animation_data_create()
    data.action = action
    if action is not None and slot is not None and has_slots():
        data.action_slot = slot


def active_action(obj: bpy.types.Object) -> tuple[bpy.types.Action | None, Any]:
    """The active action of an object and its slot (None before 4.4, or if there is none)."""
    data = obj.animation_data
    if data is None or data.action is None:
        return None, None
    return data.action, (data.action_slot if has_slots() else None)


def slot_for(action: bpy.types.Action, obj: bpy.types.Object) -> Any:
    """The slot of an action that an object would use: its own, or one made for objects (None before 4.4)."""
    if not has_slots():
        return None
    active, slot = active_action(obj)
    if active == action and slot is not None:
        return slot
    fitting = [one for one in action.slots if one.target_id_type in ("OBJECT", "UNSPECIFIED")]
    named = [one for one in fitting if one.name_display == obj.name]
    return (named or fitting or [None])[0]


def known_arguments(operator: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Those arguments that an operator of this version has."""
    known = operator.get_rna_type().properties
    return {name: value for name, value in arguments.items() if name in known}


def action_curves(action: bpy.types.Action, slot: Any = None) -> Iterator[bpy.types.FCurve]:
    """All F-curves of an action; with slots those of one slot, or of all if `slot` is None."""
    if not has_slots():
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                if slot is None or bag.slot_handle == slot.handle:
                    yield from bag.fcurves


def curves_for_writing(action: bpy.types.Action, slot: Any = None) -> Any:
    """The collection that takes new F-curves of an action made by `new_action_curves`."""
    if not has_slots():
        return action.fcurves
    return action.layers[0].strips[0].channelbag(slot, ensure=True).fcurves


def interpolation_code(name: str) -> int:
    """The number that `foreach_set` wants for an interpolation such as `LINEAR`."""
    return int(bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items[name].value)


def handle_code(name: str) -> int:
    """The number that `foreach_set` wants for a type of handle such as `ALIGNED`."""
    return int(bpy.types.Keyframe.bl_rna.properties["handle_left_type"].enum_items[name].value)


def strip_slot(strip: bpy.types.NlaStrip, slot: Any) -> None:
    """Have an NLA strip play one slot of its action (4.4 and newer)."""
    if slot is not None and has_slots() and strip.action_slot != slot:
        strip.action_slot = slot


def escape_all(names: Iterable[str]) -> list[str]:
    """Bone names as they stand inside data paths."""
    return [bpy.utils.escape_identifier(name) for name in names]
