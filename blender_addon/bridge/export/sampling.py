"""Read off Blender's evaluated scene what an armature does, for export: every format is made from this."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy
import numpy as np

from pose_core.export.clip import Clip, Skeleton

from .. import compat
from ..write.scene_time import scene_rate

# Keys closer than this to a whole frame are on it.
_ON_FRAME = 1e-3


def scene_unit_m(scene: bpy.types.Scene) -> float:
    """Metres of one unit of the scene."""
    return 1.0 if scene.unit_settings.system == "NONE" else float(scene.unit_settings.scale_length)


def read_skeleton(scene: bpy.types.Scene, armature: bpy.types.Object) -> Skeleton:
    """The armature object and its bones in rest pose, parents first; in metres."""
    bones: list[bpy.types.Bone] = []
    level = [bone for bone in armature.data.bones if bone.parent is None]
    while level:
        bones.extend(level)
        level = [child for bone in level for child in bone.children]
    index = {bone.name: k + 1 for k, bone in enumerate(bones)}
    world = np.diag([*[scene_unit_m(scene)] * 3, 1.0]) @ np.array(armature.matrix_world)
    local = np.array([np.eye(4), *(np.array(bone.matrix_local) for bone in bones)])
    tails = np.array([(0.0, 0.0, 0.0), *(bone.tail_local.to_tuple() for bone in bones)])
    return Skeleton(
        names=(armature.name, *(bone.name for bone in bones)),
        parents=(-1, *(index[bone.parent.name] if bone.parent else 0 for bone in bones)),
        rest=world @ local,
        tails=tails @ world[:3, :3].T + world[:3, 3],
    )


def sample_clip(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    skeleton: Skeleton,
    name: str,
    meshes: Sequence[bpy.types.Object],
    scene_time: bool,
    even: bool,
) -> Clip:
    """What the armature does in the scene's frame range.

    Args:
        context: whose scene is played; its current frame is left where the range ends.
        armature: the object.
        skeleton: see `read_skeleton`.
        name: of the clip.
        meshes: whose shape keys are read too.
        scene_time: whether times are the scene's (frame 0 is second 0) instead of starting at 0.
        even: whether only whole frames are wanted; else keys between frames have a sample of their own, and the clip
            ends at the last key.
    """
    scene = context.scene
    frames = sample_frames(armature, scene.frame_start, scene.frame_end, even)
    bones = [armature.pose.bones[bone] for bone in skeleton.names[1:]]
    world = np.empty((len(frames), len(skeleton.names), 4, 4))
    keyed = [mesh for mesh in meshes if _shape_keys(mesh)]
    shapes = {mesh.name: np.empty((len(frames), len(_shape_keys(mesh)))) for mesh in keyed}
    for t, frame in enumerate(frames):
        whole = math.floor(frame)
        scene.frame_set(whole, subframe=frame - whole)
        evaluated = armature.evaluated_get(context.evaluated_depsgraph_get())
        world[t, 0] = np.array(evaluated.matrix_world)
        pose = evaluated.pose.bones
        for k, bone in enumerate(bones):
            world[t, k + 1] = np.array(pose[bone.name].matrix)
        for mesh in keyed:
            shapes[mesh.name][t] = [key.value for key in _shape_keys(mesh)]
    world[:, 0] = np.diag([*[scene_unit_m(scene)] * 3, 1.0]) @ world[:, 0]
    world[:, 1:] = world[:, :1] @ world[:, 1:]
    zero = 0.0 if scene_time else float(scene.frame_start)
    moving = {mesh: values for mesh, values in shapes.items() if np.ptp(values, axis=0).max() > 0}
    return Clip(name, (frames - zero) / scene_rate(scene).value, world, float(scene.frame_start), moving)


def sample_frames(armature: bpy.types.Object, first: int, last: int, even: bool) -> np.ndarray:
    """Frames to look at: the whole ones of a range, and where the active action has keys in between, those."""
    frames = np.arange(first, last + 1, dtype=np.float64)
    action, slot = compat.active_action(armature)
    if even or action is None:
        return frames
    curves = list(compat.action_curves(action, slot))
    keys = [np.empty(2 * len(curve.keyframe_points), dtype=np.float32) for curve in curves]
    for curve, places in zip(curves, keys, strict=True):
        curve.keyframe_points.foreach_get("co", places)
    at = np.unique(np.concatenate([places[::2] for places in keys])).astype(np.float64) if keys else np.empty(0)
    if len(at) == 0:
        return frames
    at = at[(at > first) & (at < last) & (np.abs(at - np.round(at)) > _ON_FRAME)]
    at = at[np.diff(at, prepend=-np.inf) > _ON_FRAME]
    end = float(max(places[-2] for places in keys if len(places)))
    if last - 1 < end < last - _ON_FRAME:
        frames = np.append(frames[:-1], end)
    return np.union1d(frames, at)


def _shape_keys(mesh: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    """Shape keys of a mesh that change it: all but the first."""
    keys = mesh.data.shape_keys if mesh.type == "MESH" else None
    return [] if keys is None else [key for key in keys.key_blocks if key != keys.reference_key]
