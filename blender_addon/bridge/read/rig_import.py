"""Bring a character from a file into the scene, and find the armature meant."""

from __future__ import annotations

import json
from pathlib import Path

import bpy

from pose_core.errors import RigError
from pose_core.files import RIG_SUFFIXES
from pose_core.retarget.mapping.vrm import read_humanoid

from ..blender_io import enable_addon
from .rig_hints import VRM_PROPERTY


def import_rig(path: Path, armature: str = "") -> bpy.types.Object:
    """Import a character file into the present scene.

    Args:
        path: FBX, GLB, glTF, VRM or blend file.
        armature: name of the armature object wanted; empty if the file has only one.
    Returns:
        The armature object.
    Raises:
        RigError: the file cannot be read, or holds no armature or not the one wanted.
    """
    return choose_armature(import_rig_file(path), armature, str(path))


def import_rig_file(path: Path) -> list[bpy.types.Object]:
    """Import a character file into the present scene; all its armature objects.

    Raises:
        RigError: the file cannot be read.
    """
    if not path.is_file():
        raise RigError(f"There is no rig file '{path}'.", "Check the path.")
    suffix = path.suffix.lower()
    if suffix not in RIG_SUFFIXES:
        raise RigError(f"'{path.name}' is no rig file: one of {', '.join(RIG_SUFFIXES)} was expected.")
    before = {obj.name for obj in bpy.data.objects}
    try:
        if suffix == ".fbx":
            enable_addon("io_scene_fbx")
            # Blender's own offset of one frame would shift every key
            bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
        elif suffix == ".blend":
            _append_scene(path)
        else:
            enable_addon("io_scene_gltf2")
            bpy.ops.import_scene.gltf(filepath=str(path))
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else "no reason given"
        raise RigError(f"Blender could not import '{path}' ({reason}).", "Open it in Blender to see why.") from error
    bpy.context.view_layer.update()
    new = [obj for obj in bpy.data.objects if obj.name not in before and obj.type == "ARMATURE"]
    if suffix in (".vrm", ".glb"):
        _keep_humanoid(path, new)
    return new


def _keep_humanoid(path: Path, armatures: list[bpy.types.Object]) -> None:
    """Keep what a VRM file says of its bones, which Blender's importer drops, with the armature that has them."""
    humanoid = read_humanoid(path)
    for obj in armatures:
        own = {human: bone for human, bone in humanoid.items() if bone in obj.data.bones}
        if own:
            obj.data[VRM_PROPERTY] = json.dumps(own)


def choose_armature(candidates: list[bpy.types.Object], name: str, origin: str) -> bpy.types.Object:
    """The armature wanted among several.

    Args:
        candidates: armature objects.
        name: the one wanted, or empty for the only one.
        origin: where they come from, for messages.
    Raises:
        RigError: none, not the one wanted, or several and none named.
    """
    names = ", ".join(f"'{obj.name}'" for obj in candidates)
    if name:
        for obj in candidates:
            if obj.name == name:
                return obj
        raise RigError(f"'{origin}' has no armature '{name}'; it has {names or 'none'}.")
    if not candidates:
        raise RigError(f"'{origin}' has no armature.", "A character with a skeleton is needed.")
    if len(candidates) > 1:
        raise RigError(f"'{origin}' has several armatures: {names}.", "Name the one to use.")
    return candidates[0]


def _append_scene(path: Path) -> None:
    """Append all objects of a blend file's scenes and put them into the present scene."""
    with bpy.data.libraries.load(str(path), link=False) as (available, wanted):
        wanted.objects = available.objects
    for obj in wanted.objects:
        if obj is not None:
            bpy.context.scene.collection.objects.link(obj)
