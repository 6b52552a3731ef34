"""Runs in Blender: puts every motion on every rig and exports it for every program; writes down what is true.

Arguments: folder with the motion files and for the results, then the rigs as NAME=FILE or NAME=FILE@UNIT_M, last
the file with a rig whose root is an object.
"""

import json
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.export.character import ExportOptions, export_character
from blender_addon.bridge.export.presets import PRESETS, export_preset
from blender_addon.bridge.options import ApplyOptions
from pose_core.motion_file import read_motion
from pose_core.retarget import KeysConfig
from tests.interop.motions import KINDS, START_FRAMES
from tests.support.in_blender import load_rig, world_heads

THIN_MM = 2.0
SAMPLES = 12
"""Times at which readers are asked for a clip, first and last among them."""
BAKED = 60
"""Frames a second at which programs are asked that bake clips at a rate of their own."""


def main(args):
    folder, *rigs = args
    folder = Path(folder)
    motions = {kind: read_motion(folder / f"{kind}.motion.npz") for kind in KINDS}
    out = []
    case = rigs.pop()
    out.append(object_as_root(motions["walk"], case, folder))
    for rig in rigs:
        name, _, file = rig.partition("=")
        file, _, unit = file.partition("@")
        for kind, motion in motions.items():
            obj = load_rig(file)
            if unit:
                in_other_units(obj, float(unit))
            out += exports_of(name, kind, motion, obj, folder)
        out += further(name, motions["walk"], file, folder)
    (folder / "exports.json").write_text(json.dumps(out), encoding="utf-8")
    return {"files": len(out)}


def in_other_units(obj, unit_m):
    """The same figure with its data in another unit and the object scaled by that."""
    larger = Matrix.Diagonal((*[1 / unit_m] * 3, 1.0))
    obj.matrix_world = obj.matrix_world @ larger.inverted()
    obj.data.transform(larger)
    for one in bpy.data.objects:
        if one.type == "MESH" and one.parent == obj:
            one.data.transform(larger)
            one.location = [v / unit_m for v in one.location]
    bpy.context.view_layer.update()


def exports_of(rig, kind, motion, obj, folder):
    start = START_FRAMES.get(kind, 1)
    options = ApplyOptions(clip_name=f"take {kind}", frame_start=start, verify=kind == "walk")
    report = apply_motion(bpy.context, motion, obj, options).to_data()
    times = motion.timestamps_s - motion.timestamps_s[0]
    frames = start + times * report["fps"]
    truth = remember(folder / f"{rig}.{kind}.truth.npz", obj, times, frames)
    entries = []
    for preset in PRESETS:
        entries.append(written(rig, kind, preset, obj, folder, truth, report["fps"], float(times[-1])))
    found = report["verify"]
    return [{**e, "floor": found["floor"], "slip": found["slip"]} for e in entries] if found else entries


def further(rig, motion, file, folder):
    """A walk with few keys, and two takes in one file."""
    obj = load_rig(file)
    keys = KeysConfig(error_mm=THIN_MM)
    thin = ApplyOptions(clip_name="take thin", keys=keys, verify=False)
    report = apply_motion(bpy.context, motion, obj, thin).to_data()
    times = motion.timestamps_s - motion.timestamps_s[0]
    truth = remember(folder / f"{rig}.thin.truth.npz", obj, times, 1 + times * report["fps"])
    options = ExportOptions(key_error_mm=THIN_MM)
    return [
        written(rig, "thin", export_preset(name), obj, folder, truth, report["fps"], float(times[-1]), options)
        for name in ("fbx", "glb")
    ]


def object_as_root(motion, file, folder):
    """A rig whose root is the armature object itself, with three bones that have no parent."""
    obj = load_rig(file)
    apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="take root", verify=False))
    times = motion.timestamps_s - motion.timestamps_s[0]
    truth = remember(folder / "root.truth.npz", obj, times, 1 + times * 30)
    return written("object_as_root", "walk", export_preset("fbx-unreal"), obj, folder, truth, 30.0, float(times[-1]))


def remember(path, obj, times, frames):
    """What is true: where the bones are in the world at the motion's own times, in rest pose, and in whole frames."""
    fps = (frames[-1] - frames[0]) / times[-1]
    last = np.ceil(frames[-1] - 1e-4) - np.floor(frames[0] + 1e-4)
    own, whole = spread(len(frames) - 1), spread(last)
    baked_times = spread(np.floor(times[-1] * BAKED + 1e-6)) / BAKED
    looked_at = {"heads": frames[own], "even": frames[0] + whole, "baked": frames[0] + baked_times * fps}
    seen = {name: world_heads(obj, at) for name, at in looked_at.items()}
    extents = [extent(obj, frame) for frame in frames[own]] if ".walk." in path.name else []
    world = np.array(obj.matrix_world)
    rest = np.array([tuple(bone.head_local) for bone in obj.data.bones])
    names = [bone.name for bone in obj.data.bones]
    np.savez(
        path,
        names=np.array(names),
        parents=np.array([names.index(b.parent.name) if b.parent else -1 for b in obj.data.bones]),
        rest=rest @ world[:3, :3].T + world[:3, 3],
        times=times[own],
        even_times=whole / fps,
        baked_times=baked_times,
        extents=np.array(extents),
        **{name: np.stack([heads[bone] for bone in names], axis=1) for name, heads in seen.items()},
    )
    return path.name


def spread(last):
    """Twelve whole numbers from 0 to the last one."""
    return np.unique(np.linspace(0, last, SAMPLES).astype(int))


def extent(obj, frame):
    """Lowest and highest corner of what the skinned meshes fill."""
    whole = int(np.floor(frame))
    bpy.context.scene.frame_set(whole, subframe=float(frame - whole))
    graph = bpy.context.evaluated_depsgraph_get()
    points = []
    for mesh in bpy.context.view_layer.objects:
        if mesh.type == "MESH" and any(m.type == "ARMATURE" and m.object == obj for m in mesh.modifiers):
            evaluated = mesh.evaluated_get(graph)
            places = np.empty(3 * len(evaluated.data.vertices), dtype=np.float32)
            evaluated.data.vertices.foreach_get("co", places)
            world = np.array(evaluated.matrix_world)
            points.append(places.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
    every = np.concatenate(points) if points else np.zeros((1, 3))
    return [every.min(axis=0), every.max(axis=0)]


def written(rig, kind, preset, obj, folder, truth, fps, length_s, options=None):
    notes = []
    path = folder / f"{rig}.{kind}.{preset.name}"
    even_s = (bpy.context.scene.frame_end - bpy.context.scene.frame_start) / fps
    done = export_character(bpy.context, obj, path, preset, options=options, notes=notes)
    return {
        "rig": rig, "kind": kind, "preset": preset.name, "file": done.name, "truth": truth, "fps": fps,
        "length_s": length_s, "file_length_s": even_s if preset.suffix == ".bvh" else length_s,
        "notes": notes, "take": obj.animation_data.action.name,
        "roots": [bone.name for bone in obj.data.bones if bone.parent is None],
    }  # fmt: skip
