"""Export one character with its active action as FBX."""

from __future__ import annotations

import os
from pathlib import Path

import addon_utils
import bpy

from pose_core.errors import RigError
from pose_core.files import atomic_path


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


def export_fbx(context: bpy.types.Context, armature: bpy.types.Object, path: str | os.PathLike[str]) -> Path:
    """Write an armature, its meshes and its active action; the file appears only once it is complete.

    Joints, times and frame rate come back the same on import (with an animation offset of 0); no leaf bones are added
    and no keys thinned out. Keys are at the whole frames of the scene's range. Selection and modes are not touched.

    Args:
        context: with the scene whose frame range and rate are exported.
        armature: the armature object.
        path: where the file goes.
    Returns:
        The path.
    Raises:
        RigError: the armature is not in the view layer, or Blender's exporter reports a failure.
    """
    enable_addon("io_scene_fbx")
    if armature.name not in context.view_layer.objects:
        raise RigError(
            f"'{armature.name}' is not in the view layer, so it cannot be exported.", "Enable its collection."
        )
    objects = [armature, *skinned_meshes(armature)]
    with (
        atomic_path(path) as temporary,
        context.temp_override(selected_objects=objects, active_object=armature, object=armature),
    ):
        result = bpy.ops.export_scene.fbx(
            filepath=str(temporary),
            check_existing=False,
            use_selection=True,
            object_types={"ARMATURE", "MESH"},
            add_leaf_bones=False,
            use_armature_deform_only=False,
            bake_anim=True,
            bake_anim_use_all_bones=True,
            bake_anim_use_nla_strips=False,
            bake_anim_use_all_actions=False,
            bake_anim_force_startend_keying=True,
            bake_anim_step=1.0,
            bake_anim_simplify_factor=0.0,
        )
        if "FINISHED" not in result:
            raise RigError(f"Blender could not export '{armature.name}' to '{path}'.", "Look at Blender's log.")
    return Path(path)


def enable_addon(module: str) -> None:
    """Have one of Blender's own importers or exporters on; users may have switched it off."""
    if not addon_utils.check(module)[1]:
        addon_utils.enable(module, default_set=False)
