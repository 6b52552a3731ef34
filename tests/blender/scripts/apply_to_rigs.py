"""Put a motion on rigs one after the other; return what Blender evaluates, the keys, and a trip through FBX."""

import sys
from pathlib import Path

import bpy
import numpy as np

from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.export.plain_fbx import export_fbx
from blender_addon.bridge.options import ApplyOptions
from pose_core.errors import RigError
from pose_core.motion_file import read_motion
from tests.support.in_blender import curves_of, fingerprint, load_rig, world_heads

SAMPLES = (1, 2, 17, 40)


def main(args):
    motion_path, folder, *rigs = args
    motion = read_motion(motion_path)
    return {Path(rig).name: one(rig, motion, Path(folder)) for rig in rigs}


def one(rig, motion, folder):
    obj = load_rig(rig)
    before = fingerprint()
    try:
        report = apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="Test clip")).to_data()
    except RigError as error:
        return {"refused": str(error), "untouched": fingerprint() == before}
    obj = bpy.data.objects[report["object"]]
    after = fingerprint(skip_actions=[report["action"]])
    name = obj.name
    heads = world_heads(obj, SAMPLES)
    curves = curves_of(obj)
    modes = {bone.name: bone.rotation_mode for bone in obj.pose.bones}
    path = folder / f"{Path(rig).stem} {sys.version_info[1]}.fbx"
    export_fbx(bpy.context, obj, path)
    unchanged = [k for k in before if k.split()[0] in ("rest", "modes", "constraints") and before[k] != after[k]]
    rest = {bone.name: np.array(obj.matrix_world @ bone.head_local).tolist() for bone in obj.data.bones}
    return {
        "report": report,
        "heads": {bone: values.tolist() for bone, values in heads.items()},
        "rest": rest,
        "modes": modes,
        "curves": [(path_, index, keys[:, 0].tolist()) for path_, index, keys, _ in curves],
        "interpolations": sorted({i for *_, found in curves for i in found}),
        "altered": unchanged,
        "actions_before": before["actions"],
        "actions_after": {k: (fake, h) for k, (fake, h) in after["actions"].items()},
        "selection_kept": before["selected"] == after["selected"] and before["active"] == after["active"],
        "fbx": reimported(path, name, heads),
    }


def reimported(path, name, heads):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=1.0)
    found = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
    again = world_heads(found[0], SAMPLES)
    action = found[0].animation_data.action
    return {
        "armatures": len(found),
        "names_equal": set(again) == set(heads),
        "error_m": max(float(np.abs(again[bone] - heads[bone]).max()) for bone in heads),
        "fps": bpy.context.scene.render.fps / bpy.context.scene.render.fps_base,
        "range": list(action.frame_range),
        "actions": len(bpy.data.actions),
        "leftovers": sorted(p.name for p in path.parent.iterdir() if p.name.startswith(".")),
    }
