"""What imports and exports share."""

from __future__ import annotations

from typing import Any

import addon_utils
import bpy


def skinned_meshes(armature: bpy.types.Object) -> list[bpy.types.Object]:
    """Mesh objects that an armature moves: by a modifier, or as its children."""
    scene_objects = bpy.context.view_layer.objects
    children = set(armature.children_recursive)
    return [
        obj
        for obj in scene_objects
        if obj.type == "MESH"
        and (obj in children or any(m.type == "ARMATURE" and m.object == armature for m in obj.modifiers))
    ]


def enable_addon(module: str) -> None:
    """Have one of Blender's own importers or exporters on; users may have switched it off."""
    loaded: Any = addon_utils.check(module)
    if not loaded[1]:
        addon_utils.enable(module, default_set=False)


def empty_scene() -> None:
    """Start from Blender's own empty file, and leave the user's settings and extensions as they are.

    `wm.read_factory_settings` would switch all extensions off, whereupon Blender deletes their modules from the disk.
    """
    bpy.ops.wm.read_homefile(app_template="", use_factory_startup=True, use_empty=True)
