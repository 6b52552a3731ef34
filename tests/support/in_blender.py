"""For test scripts that run inside Blender: characters, what Blender evaluates, and what is in the file."""

import hashlib
from pathlib import Path

import bpy
import numpy as np


def load_rig(name: str):
    """Start from an empty scene with one character: a file, `metarig`, or `new` for none; return its armature."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if name == "new":
        return None
    if name == "metarig":
        import addon_utils

        addon_utils.enable("rigify", default_set=True)
        bpy.ops.object.armature_human_metarig_add()
        return bpy.context.object
    from blender_addon.bridge.read.rig_import import import_rig

    if name.endswith(".blend"):
        bpy.ops.wm.open_mainfile(filepath=name)
        return next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    return import_rig(Path(name))


def world_heads(obj, frames):
    """{bone: (N, 3) heads in the world} as Blender evaluates them at (fractional) frames."""
    scene = bpy.context.scene
    out = {bone.name: np.empty((len(frames), 3)) for bone in obj.pose.bones}
    for i, frame in enumerate(frames):
        whole = int(np.floor(frame))
        scene.frame_set(whole, subframe=float(frame - whole))
        evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrix = np.array(evaluated.matrix_world)
        for bone in evaluated.pose.bones:
            out[bone.name][i] = matrix[:3, :3] @ np.array(bone.head) + matrix[:3, 3]
    return out


def curves_of(obj):
    """[(data path, index, (N, 2) keys, interpolations)] of the active action, read without the bridge."""
    action = obj.animation_data.action
    if hasattr(action, "slots"):
        bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
        curves = [c for bag in bags if bag.slot == obj.animation_data.action_slot for c in bag.fcurves]
    else:
        curves = list(action.fcurves)
    out = []
    for curve in curves:
        keys = np.array([key.co for key in curve.keyframe_points])
        out.append((curve.data_path, curve.array_index, keys, {key.interpolation for key in curve.keyframe_points}))
    return out


def fingerprint(skip_actions=()):
    """A hash by item of what a user has in the scene: objects, poses, rest bones, actions, scene times, selection."""
    scene = bpy.context.scene
    out = {
        "scene": (scene.frame_start, scene.frame_end, scene.frame_current, scene.render.fps, scene.render.fps_base),
        "objects": sorted(obj.name for obj in bpy.data.objects),
        "armatures": sorted(data.name for data in bpy.data.armatures),
        "selected": sorted(obj.name for obj in bpy.context.view_layer.objects if obj.select_get()),
        "active": getattr(bpy.context.view_layer.objects.active, "name", None),
        "actions": {a.name: (a.use_fake_user, _action_hash(a)) for a in bpy.data.actions if a.name not in skip_actions},
    }
    for obj in bpy.data.objects:
        data = obj.animation_data
        out[f"object {obj.name}"] = (
            [list(row) for row in obj.matrix_world],
            obj.mode,
            None if data is None or data.action is None else data.action.name,
        )
        if obj.type == "ARMATURE" and obj.pose is not None:
            out[f"rest {obj.name}"] = _hash([v for b in obj.data.bones for row in b.matrix_local for v in row])
            out[f"display {obj.name}"] = obj.data.pose_position
            out[f"pose {obj.name}"] = _hash(
                [v for b in obj.pose.bones for row in b.matrix_basis for v in row]
                + [v for b in obj.pose.bones for v in (*b.rotation_euler, *b.rotation_quaternion)]
            )
            out[f"modes {obj.name}"] = [bone.rotation_mode for bone in obj.pose.bones]
            out[f"constraints {obj.name}"] = [(c.name, c.mute) for bone in obj.pose.bones for c in bone.constraints]
    return out


def _action_hash(action):
    if hasattr(action, "layers"):
        curves = [c for la in action.layers for st in la.strips for bag in st.channelbags for c in bag.fcurves]
    else:
        curves = list(action.fcurves)
    return _hash([v for c in curves for key in c.keyframe_points for v in key.co])


def _hash(values):
    return hashlib.sha256(np.asarray(values, dtype=np.float32).tobytes()).hexdigest()
