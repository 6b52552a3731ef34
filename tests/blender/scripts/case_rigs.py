"""Rigs on which retargeting once failed, in Blender: mapped, keyed, and where the motion wants them."""

import math
from pathlib import Path

import bpy

from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.options import ApplyOptions
from blender_addon.bridge.read.rig_import import import_rig, reason_of
from pose_core.errors import PoseCoreError
from pose_core.lab.retargeting.run_rigs import load_rig, measure
from pose_core.motion_file import read_motion
from pose_core.retarget import KeysConfig, read_bone_map, write_bone_map
from tests.support.in_blender import curves_of


def main(args):
    motion_path, folder, mixamo, with_light, *rigs = args
    walk = read_motion(motion_path)
    out = {Path(rig).stem: measure(rig, walk, ApplyOptions().transfer) for rig in (*rigs, with_light)}
    out["by_hand"] = by_hand(walk, rigs, Path(folder) / "map.json")
    out["fewer_keys"] = {Path(rig).stem: fewer_keys(walk, rig) for rig in rigs[:3]}
    out["on_root"] = on_root(walk, next(rig for rig in rigs if "connected_hips" in rig))
    out["parents"] = parents(walk, mixamo)
    out["light"] = light(with_light)
    out["reasons"] = reasons(Path(folder))
    return out


def by_hand(walk, rigs, path):
    """The maps that were found serve as maps made by hand too."""
    out = {}
    for rig in rigs[:4]:
        report = apply_motion(bpy.context, walk, load_rig(rig)).to_data()
        parts = {p: (tuple(n) if isinstance(n, list) else (n,)) for p, n in report["bone_map"].items() if n}
        from pose_core.retarget import BoneMap

        write_bone_map(path, BoneMap(parts))
        again = apply_motion(bpy.context, walk, load_rig(rig), ApplyOptions(bone_map=read_bone_map(path))).to_data()
        out[Path(rig).stem] = again["verify"]["max_joint_deviation_m"]
    return out


def fewer_keys(walk, rig):
    report = apply_motion(bpy.context, walk, load_rig(rig), ApplyOptions(keys=KeysConfig(error_mm=5.0))).to_data()
    return [report["verify"]["max_joint_deviation_m"], report["keys"] / report["keys_of_every_frame"]]


def on_root(walk, rig):
    """A connected pelvis with the path on the root bone, which carries it anyway."""
    obj = load_rig(rig)
    report = apply_motion(bpy.context, walk, obj, ApplyOptions(keys=KeysConfig(root_motion="root_bone"))).to_data()
    moving = {path.split('"')[1] for path, *_ in curves_of(obj) if path.endswith("location")}
    return {"off_m": report["verify"]["max_joint_deviation_m"], "moving": sorted(moving),
            "root": report["mapping"]["root_bone"]}  # fmt: skip


def parents(walk, mixamo):
    """An armature under a parent that is scaled, scaled unevenly, or moves."""
    out = {}
    for name in ("scaled", "uneven", "moving", "still"):
        obj = load_rig(mixamo)
        above = bpy.data.objects.new("Cart", None)
        bpy.context.scene.collection.objects.link(above)
        obj.parent = above
        if name == "scaled":
            above.scale, above.rotation_euler = (2.0, 2.0, 2.0), (0.0, 0.0, 0.7)
        if name == "uneven":
            above.scale, obj.rotation_euler = (1.0, 1.0, 1.6), (math.radians(90), 0.0, 0.4)
        if name == "moving":
            above.location.x = 0.0
            above.keyframe_insert("location", frame=1)
            above.location.x = 2.0
            above.keyframe_insert("location", frame=200)
        bpy.context.view_layer.update()
        try:
            report = apply_motion(bpy.context, walk, obj).to_data()
            out[name] = {"notes": report["notes"], "failures": report["failures"], "verify": report["verify"]}
        except PoseCoreError as error:
            out[name] = {"refused": str(error)}
    return out


def light(path):
    """What an import leaves in the file: nothing twice."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    obj = import_rig(Path(path))
    kinds = ("objects", "meshes", "armatures", "lights")
    return {"armature": obj.name, **{kind: len(getattr(bpy.data, kind)) for kind in kinds}}


def reasons(folder):
    """Why a file could not be imported, in one line that says something; the scene is as before."""
    out = {}
    half = b"Kaydara FBX Binary  \x00\x1a\x00\xe8\x1c\x00\x00" + b"x" * 80
    nothing = dict.fromkeys(("text.fbx", "text.glb", "text.blend"), b"nothing")
    for name, content in {**nothing, "half.fbx": half}.items():
        bpy.ops.wm.read_factory_settings(use_empty=True)
        (folder / name).write_bytes(content)
        try:
            import_rig(folder / name)
            out[name] = "imported"
        except PoseCoreError as error:
            out[name] = error.message
        out[f"{name} leaves"] = len(bpy.data.objects) + len(bpy.data.armatures) + len(bpy.data.meshes)
    trace = 'Error: Python: Traceback (most recent call last):\n  File "x.py", line 2, in load\n    go()\n    ^^^^\n'
    out["trace"] = reason_of(RuntimeError(f"{trace}AttributeError: no such thing\nLocation: ops.py:109\n"))
    return out
