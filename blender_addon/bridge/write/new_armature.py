"""Make Pose Core's own armature in the sizes of a motion."""

from __future__ import annotations

from typing import Any

import bpy

from pose_core.motion_file import Motion
from pose_core.retarget import new_rig_layout


def create_armature(context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
    """Make an armature object at the world's origin, in T pose on the floor.

    The selection, the active object and its mode are as before when this returns.

    Args:
        context: with a scene and a view layer.
        motion: its rest pose gives the sizes.
        name: of the object and its data.
    """
    data = bpy.data.armatures.new(name)
    obj = bpy.data.objects.new(name, data)
    (context.collection or context.scene.collection).objects.link(obj)
    if obj.name not in context.view_layer.objects:  # the active collection is excluded from the view layer
        for collection in obj.users_collection:
            collection.objects.unlink(obj)
        context.scene.collection.objects.link(obj)
    active = context.view_layer.objects.active
    mode = active.mode if active is not None else "OBJECT"
    selected = [other.name for other in context.view_layer.objects if other.select_get()]
    try:
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        context.view_layer.objects.active = obj
        bpy.ops.object.mode_set(mode="EDIT")
        for layout in new_rig_layout(motion):
            bone = data.edit_bones.new(layout.name)
            bone.head, bone.tail = layout.head_m, layout.tail_m
            if layout.parent is not None:
                bone.parent = data.edit_bones[layout.parent]
        bpy.ops.object.mode_set(mode="OBJECT")
    except BaseException:
        if obj.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        remove_armature(obj)
        raise
    finally:
        context.view_layer.objects.active = active
        for other in context.view_layer.objects:
            other.select_set(other.name in selected)
        if active is not None and mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
    data.display_type = "OCTAHEDRAL"
    obj.show_in_front = True
    context.view_layer.update()
    return obj


def remove_armature(obj: bpy.types.Object) -> None:
    """Remove an armature object and its data."""
    data: Any = obj.data
    bpy.data.objects.remove(obj)
    bpy.data.armatures.remove(data)
