"""Export one character with its motion: FBX for several programs, GLB, BVH.

Every format says the same: what Blender evaluates, at the same times, in rest pose where nothing is keyed, and with a
scale of 1 on every node.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from pose_core.errors import RigError
from pose_core.export.clip import Clip, Skeleton
from pose_core.files import atomic_path, why_not_written, write_text

from .. import compat
from ..blender_io import skinned_meshes
from ..read.fbx_import import reason_of
from ..restore.scene_guard import export_state
from .formats import WRITERS, Job
from .presets import ExportPreset, armature_name
from .sampling import read_skeleton, sample_clip

_ROOM = bytes(1 << 20)


@dataclass(frozen=True)
class ExportOptions:
    """What a user may want of an export beside its preset."""

    scene_time: bool = False
    """FBX only: keys at the scene's own times (frame 0 is second 0) instead of from second 0 on."""
    key_error_mm: float | None = None
    """Leave out keys as long as no joint moves by more than this; None = a key a frame."""


def export_character(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    path: str | os.PathLike[str],
    preset: ExportPreset,
    takes: Sequence[str] = (),
    options: ExportOptions | None = None,
    notes: list[str] | None = None,
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
        options: see `ExportOptions`.
        notes: what the user should know of the file is appended.
    Returns:
        The path.
    Raises:
        RigError: the armature is not in the view layer or has no motion, there is no such action, the format takes one
            clip only, or Blender's exporter reports a failure.
        ExportError: Blender's exporter wrote something else than was expected of it.
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
    options = options or ExportOptions()
    objects = [armature, *(skinned_meshes(armature) if preset.suffix != ".bvh" else [])]
    name = armature_name(preset, armature.name, [bone.name for bone in armature.data.bones if bone.parent is None])
    with atomic_path(target) as temporary, export_state(context, armature, objects, name):
        skeleton = read_skeleton(context.scene, armature)
        clips = _sampled(context, armature, skeleton, objects[1:], actions, preset, options)
        context.scene.frame_set(context.scene.frame_start)
        compat.assign_action(armature, None)
        armature.animation_data.use_nla = False
        armature.data.pose_position = "REST"
        context.view_layer.update()
        skeleton = read_skeleton(context.scene, armature)  # where the object is now, should it move too
        error_m = None if options.key_error_mm is None else 1e-3 * options.key_error_mm
        job = Job(context, armature, objects, temporary, preset, skeleton, clips, error_m)
        try:
            WRITERS[preset.suffix](job)
        except RuntimeError as error:
            reason = _disk_problem(temporary) or reason_of(error)
            raise RigError(f"Blender could not export '{armature.name}' to '{target}' ({reason}).") from error
    for suffix, text in job.beside.items():
        other = target.with_name(target.name + suffix)
        if other.exists():
            job.notes.append(f"'{other.name}' was there already and is kept.")
        else:
            write_text(other, text)
    if notes is not None:
        notes += job.notes
    return target


def _disk_problem(temporary: Path) -> str:
    """Why the disk took no more of a file; empty where it would. Blender cuts the end off what its exporters say."""
    try:
        with temporary.open("ab") as file:
            file.write(_ROOM)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return why_not_written(error)
    return ""


def _sampled(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    skeleton: Skeleton,
    meshes: Sequence[bpy.types.Object],
    actions: Sequence[bpy.types.Action],
    preset: ExportPreset,
    options: ExportOptions,
) -> list[Clip]:
    """The clips, each of an action alone or of what plays now."""
    even = preset.suffix == ".bvh"
    scene_time = options.scene_time and preset.suffix == ".fbx"
    if not actions:
        playing = compat.active_action(armature)[0]
        name = playing.name if playing is not None else _nla_name(armature)
        return [sample_clip(context, armature, skeleton, name, meshes, scene_time, even)]
    clips = []
    for action in actions:
        compat.assign_action(armature, action, compat.slot_for(action, armature))
        armature.animation_data.use_nla = False
        _play_range(context.scene, action)
        clips.append(sample_clip(context, armature, skeleton, action.name, meshes, scene_time, even))
    return clips


def _nla_name(armature: bpy.types.Object) -> str:
    """What the NLA plays is called like its only track, or like the armature."""
    tracks = [track.name for track in armature.animation_data.nla_tracks if len(track.strips) and not track.mute]
    return tracks[0] if len(tracks) == 1 else armature.name


def export_takes(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    folder: str | os.PathLike[str],
    preset: ExportPreset,
    takes: Sequence[str],
    options: ExportOptions | None = None,
    notes: list[str] | None = None,
) -> list[Path]:
    """Write several clips to a file each, named after the actions; see `export_character`."""
    names = [bpy.path.clean_name(name, replace="_") for name in takes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RigError(f"Several clips would be written to '{twice[0]}{preset.suffix}'.", "Rename their actions.")
    return [
        export_character(context, armature, Path(folder) / f"{name}{preset.suffix}", preset, [take], options, notes)
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
