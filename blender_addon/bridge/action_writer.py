"""Write a rig motion as a new action, all keys of a curve at once."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import bpy
import numpy as np

from pose_core.retarget import RigDescription, RigMotion, rotation_channels

from . import compat

# Leftovers below this (share of the bone's length, of the scale, radians) are rounding of importers: not reported.
_WORTH_TELLING = 1e-3
_ROTATION_PATHS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


def write_action(
    obj: bpy.types.Object,
    rig: RigDescription,
    motion: RigMotion,
    frames: np.ndarray,
    name: str,
    interpolation: str = "LINEAR",
) -> Generator[None, None, tuple[bpy.types.Action, Any, int]]:
    """Make a new action with the motion's keys, bone by bone; it is not assigned yet.

    Args:
        obj: the armature object the action is for.
        rig: its description.
        motion: T frames.
        frames: (T,) scene frame of each; frames without a pose get no key.
        name: the action's name; Blender adds a number if it is taken.
        interpolation: of all keys.
    Returns:
        The action, its slot (None before 4.4), and the number of keys.
    """
    action, slot, curves, groups = compat.new_action_curves(name, obj)
    try:
        at = np.asarray(frames)[motion.valid]
        code = compat.interpolation_code(interpolation)
        written = 0
        for m, bone in enumerate(motion.bone_names):
            if bone in motion.driven:
                continue
            pose_bone = obj.pose.bones[bone]
            mode = rig.rotation_modes[rig.index(bone)]
            group = groups.new(bone)
            path = pose_bone.path_from_id(_ROTATION_PATHS.get(mode, "rotation_euler"))
            channels = rotation_channels(motion.quaternions[motion.valid, m], mode)
            color = "AUTO_YRGB" if channels.shape[1] == 4 else "AUTO_RGB"
            written += _write_channels(curves, group, path, at, channels, code, color)
            yield
        for bone, values in motion.all_locations.items():
            path = obj.pose.bones[bone].path_from_id("location")
            group = groups.get(bone) or groups.new(bone)
            written += _write_channels(curves, group, path, at, values[motion.valid], code, "AUTO_RGB")
            yield
    except BaseException:
        bpy.data.actions.remove(action)
        raise
    return action, slot, written


def _write_channels(
    curves: Any, group: Any, path: str, frames: np.ndarray, values: np.ndarray, code: int, color: str
) -> int:
    pairs = np.empty((len(frames), 2), dtype=np.float32)
    pairs[:, 0] = frames
    codes = np.full(len(frames), code, dtype=np.int32)
    for i in range(values.shape[1]):
        curve = curves.new(path, index=i)
        curve.group = group
        curve.color_mode = color
        pairs[:, 1] = values[:, i]
        curve.keyframe_points.add(len(frames))
        curve.keyframe_points.foreach_set("co", pairs.ravel())
        curve.keyframe_points.foreach_set("interpolation", codes)
        curve.update()
    return values.size


def reset_leftovers(obj: bpy.types.Object, rig: RigDescription, motion: RigMotion) -> list[str]:
    """Put to rest what an earlier action or pose left behind and the new keys do not cover.

    These are: location and scale of mapped bones, everything of the bones above them, and everything that the still
    active action moves. Poses of other bones (a fist made by hand) are kept.

    Returns:
        Names of the bones that were not at rest.
    """
    keyed = {*motion.bone_names, *motion.locations}
    above = {rig.bone_names[a] for bone in keyed for a in rig.ancestors(rig.index(bone))} - keyed
    moved = _bones_moved_by_active_action(obj) - keyed
    changed: list[str] = []
    for bone in obj.pose.bones:
        if bone.name in keyed:
            moved_here = _reset_location_scale(bone)
        elif bone.name in above or bone.name in moved:
            moved_here = _reset_location_scale(bone) | _reset_rotation(bone)
        else:
            continue
        if moved_here:
            changed.append(bone.name)
    return changed


def _bones_moved_by_active_action(obj: bpy.types.Object) -> set[str]:
    action, slot = compat.active_action(obj)
    if action is None:
        return set()
    paths = {curve.data_path.rpartition(".")[0] for curve in compat.action_curves(action, slot)}
    return {bone.name for bone in obj.pose.bones if bone.path_from_id() in paths}


def _reset_location_scale(bone: bpy.types.PoseBone) -> bool:
    least = _WORTH_TELLING * bone.bone.length
    changed = any(abs(v) > least for v in bone.location) or any(abs(v - 1) > _WORTH_TELLING for v in bone.scale)
    bone.location = (0.0, 0.0, 0.0)
    bone.scale = (1.0, 1.0, 1.0)
    return changed


def _reset_rotation(bone: bpy.types.PoseBone) -> bool:
    changed = bone.matrix_basis.to_quaternion().angle > _WORTH_TELLING
    bone.rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    bone.rotation_euler = (0.0, 0.0, 0.0)
    bone.rotation_axis_angle = (0.0, 0.0, 1.0, 0.0)
    return changed
