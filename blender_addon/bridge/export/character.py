"""Export one character with its motion: FBX for several programs, GLB, BVH."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from pose_core.errors import RigError
from pose_core.files import atomic_path

from .. import compat
from ..blender_io import enable_addon, skinned_meshes
from ..restore.scene_guard import export_state
from .presets import ExportPreset

_PLAIN_FBX: dict[str, Any] = {
    "check_existing": False,
    "use_selection": True,
    "object_types": {"ARMATURE", "MESH"},
    "add_leaf_bones": False,
    "use_armature_deform_only": False,
    "bake_anim": True,
    "bake_anim_use_all_bones": True,
    "bake_anim_use_nla_strips": False,
    "bake_anim_use_all_actions": False,
    "bake_anim_force_startend_keying": True,
    "bake_anim_step": 1.0,
    "bake_anim_simplify_factor": 0.0,
}
_PLAIN_GLTF: dict[str, Any] = {
    "check_existing": False,
    "export_format": "GLB",
    "use_selection": True,
    "export_yup": True,
    "export_animations": True,
    "export_animation_mode": "ACTIVE_ACTIONS",
    "export_frame_range": True,
    "export_force_sampling": True,
    "export_frame_step": 1,
    "export_optimize_animation_size": False,
    "export_def_bones": False,
    "export_leaf_bone": False,
    "export_current_frame": False,
    "export_rest_position_armature": True,
    "export_anim_slide_to_zero": False,
    "export_negative_frame": "SLIDE",
}


def export_character(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    path: str | os.PathLike[str],
    preset: ExportPreset,
    takes: Sequence[str] = (),
) -> Path:
    """Write an armature, its meshes and its motion; the file appears only once it is complete.

    Without `takes` the file holds what the armature does in the scene's frame range: its active action, or its NLA.
    The scene is as before afterwards: selection, frame, actions, NLA.

    Args:
        context: with the scene whose frame rate is exported.
        armature: the armature object.
        path: where the file goes; its suffix is set right.
        preset: for which program.
        takes: names of actions that become a clip each of this one file.
    Returns:
        The path.
    Raises:
        RigError: the armature is not in the view layer or has no motion, there is no such action, the format takes one
            clip only, or Blender's exporter reports a failure.
        OSError: the file cannot be written.
    """
    if armature.name not in context.view_layer.objects:
        raise RigError(
            f"'{armature.name}' is not in the view layer, so it cannot be exported.", "Enable its collection."
        )
    actions = [_action(name) for name in takes]
    if not actions:
        _check_has_motion(armature)
    if len(actions) > 1 and not preset.takes:
        raise RigError(
            f"A {preset.label} file holds one clip only, but {len(actions)} are wanted.", "Export them to files each."
        )
    target = Path(path)
    if target.suffix.lower() != preset.suffix:
        target = target.with_name(target.name + preset.suffix)
    _check_writable(target)
    objects = [armature, *(skinned_meshes(armature) if preset.suffix != ".bvh" else [])]
    with atomic_path(target) as temporary, export_state(context, armature, objects, preset.object_name):
        if len(actions) == 1:
            compat.assign_action(armature, actions[0], compat.slot_for(actions[0], armature))
            _play_range(context.scene, actions[0])
        elif actions:
            _lay_out_takes(armature, actions)
        try:
            result = _EXPORTERS[preset.suffix](context, armature, objects, temporary, preset, len(actions) > 1)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else "no reason given"
            raise RigError(f"Blender could not export '{armature.name}' to '{target}' ({reason}).") from error
        if "FINISHED" not in result:
            raise RigError(f"Blender could not export '{armature.name}' to '{target}'.", "Look at Blender's log.")
    return target


def export_takes(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    folder: str | os.PathLike[str],
    preset: ExportPreset,
    takes: Sequence[str],
) -> list[Path]:
    """Write several clips to a file each, named after the actions; see `export_character`."""
    names = [bpy.path.clean_name(name, replace="_") for name in takes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RigError(f"Several clips would be written to '{twice[0]}{preset.suffix}'.", "Rename their actions.")
    return [
        export_character(context, armature, Path(folder) / f"{name}{preset.suffix}", preset, [take])
        for name, take in zip(names, takes, strict=True)
    ]


def actions_of(armature: bpy.types.Object) -> list[str]:
    """Names of the actions that move bones of an armature, its active one first."""
    active, _ = compat.active_action(armature)
    bones = {bone.path_from_id() for bone in armature.pose.bones}
    found = []
    for action in bpy.data.actions:
        slot = compat.slot_for(action, armature)
        curves = compat.action_curves(action, slot) if slot is not None or not compat.has_slots() else ()
        if any(curve.data_path.rpartition(".")[0] in bones for curve in curves):
            found.append(action)
    found.sort(key=lambda action: (action != active, action.name))
    return [action.name for action in found]


def _action(name: str) -> bpy.types.Action:
    action = bpy.data.actions.get(name)
    if action is None:
        raise RigError(f"There is no action '{name}'.", "Choose an action of this file.")
    return action


def _check_has_motion(armature: bpy.types.Object) -> None:
    data = armature.animation_data
    strips = data is not None and data.use_nla and any(len(t.strips) and not t.mute for t in data.nla_tracks)
    if compat.active_action(armature)[0] is None and not strips:
        raise RigError(f"'{armature.name}' has no action to export.", "Put a motion on it first, or choose its action.")


def _check_writable(target: Path) -> None:
    """Find out before the scene is touched.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(13, "the folder is not writable", str(target.parent))
    if target.is_dir():
        raise IsADirectoryError(21, "there is a folder of this name", str(target))


def _play_range(scene: bpy.types.Scene, action: bpy.types.Action) -> None:
    first, last = action.frame_range
    scene.frame_start, scene.frame_end = math.floor(first + 1e-4), math.ceil(last - 1e-4)
    scene.frame_start = math.floor(first + 1e-4)


def _lay_out_takes(armature: bpy.types.Object, actions: Sequence[bpy.types.Action]) -> None:
    """An NLA track for each clip and nothing else; the guard takes them away again."""
    compat.assign_action(armature, None)
    data = armature.animation_data
    data.use_nla = True
    for track in data.nla_tracks:
        track.mute = True
        for strip in track.strips:
            strip.name = f"{strip.name} (set aside)"  # a clip in the file is called like its strip
    for action in actions:
        track = data.nla_tracks.new()
        track.name = action.name
        strip = track.strips.new(action.name, math.floor(action.frame_range[0]), action)
        strip.name = action.name
        compat.strip_slot(strip, compat.slot_for(action, armature))


def _fbx(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    objects: Sequence[bpy.types.Object],
    path: Path,
    preset: ExportPreset,
    takes: bool,
) -> set[str]:
    enable_addon("io_scene_fbx")
    settings = {**_PLAIN_FBX, **preset.settings, "bake_anim_use_nla_strips": takes}
    with context.temp_override(selected_objects=list(objects), active_object=armature, object=armature):
        return set(bpy.ops.export_scene.fbx(filepath=str(path), **settings))


def _glb(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    objects: Sequence[bpy.types.Object],
    path: Path,
    preset: ExportPreset,
    takes: bool,
) -> set[str]:
    enable_addon("io_scene_gltf2")
    settings = {**_PLAIN_GLTF, **preset.settings}
    if takes or compat.active_action(armature)[0] is None:
        settings["export_animation_mode"] = "NLA_TRACKS"
        settings["export_frame_range"] = not takes  # each clip has its own
    settings = compat.known_arguments(bpy.ops.export_scene.gltf, settings)
    with context.temp_override(selected_objects=list(objects), active_object=armature, object=armature):
        return set(bpy.ops.export_scene.gltf(filepath=str(path), **settings))


def _bvh(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    objects: Sequence[bpy.types.Object],
    path: Path,
    preset: ExportPreset,
    takes: bool,
) -> set[str]:
    del objects, takes
    enable_addon("io_anim_bvh")
    scene = context.scene
    settings = {"check_existing": False, "rotate_mode": "NATIVE", "root_transform_only": False, **preset.settings}
    with context.temp_override(selected_objects=[armature], active_object=armature, object=armature):
        return set(
            bpy.ops.export_anim.bvh(
                filepath=str(path), frame_start=scene.frame_start, frame_end=scene.frame_end, **settings
            )
        )


_EXPORTERS = {".fbx": _fbx, ".glb": _glb, ".bvh": _bvh}
