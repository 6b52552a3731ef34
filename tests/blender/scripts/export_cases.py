"""Every export format: written, read back and compared; the scene before and after; what is refused."""

import math
import re
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from blender_addon.bridge import compat
from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.export.character import actions_of, export_character, export_takes
from blender_addon.bridge.export.presets import PRESETS, export_preset
from blender_addon.bridge.options import ApplyOptions
from pose_core.errors import PoseCoreError
from pose_core.export.glb_file import read_glb
from pose_core.motion_file import read_motion
from tests.support.in_blender import fingerprint, load_rig, world_heads

SAMPLES = (1, 7, 30, 60)


def main(args):
    folder, mixamo, unreal = args
    motions = {p.name.removesuffix(".motion.npz"): read_motion(p) for p in Path(folder).glob("*.motion.npz")}
    return {
        "formats": {
            f"{Path(rig).stem} {preset.name}": round_trip(motions["walk"], rig, preset, Path(folder))
            for rig in (mixamo, unreal)
            for preset in PRESETS
        },
        "takes": {
            name: takes(motions["walk"], motions["gaps"], mixamo, export_preset(name), Path(folder))
            for name in ("fbx", "glb")
        },
        "files": files(motions["walk"], motions["gaps"], mixamo, Path(folder)),
        "nla": from_nla(motions["walk"], mixamo, Path(folder)),
        "lead": lead(motions["walk"], unreal, Path(folder)),
        "refusals": refusals(motions["walk"], mixamo, Path(folder)),
    }


def state():
    """What a user sees: everything that an export may touch."""
    out = fingerprint()
    for obj in bpy.context.view_layer.objects:
        out[f"visible {obj.name}"] = (obj.hide_get(), obj.hide_viewport, obj.hide_select, obj.select_get())
        data = obj.animation_data
        if data is not None:
            out[f"nla {obj.name}"] = [
                (t.name, t.mute, t.is_solo, [(s.name, s.mute, s.frame_start, s.frame_end) for s in t.strips])
                for t in data.nla_tracks
            ]
            out[f"use_nla {obj.name}"] = data.use_nla
    scene = bpy.context.scene
    out["subframe"] = scene.frame_subframe
    return out


def changed(before):
    after = state()
    return [key for key in {*before, *after} if before.get(key) != after.get(key)]


def reimport(path, preset, scale=1.0):
    """The armature of a file in an empty scene, as a careful user imports it."""
    rate = bpy.context.scene.render.fps
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    if preset.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
    elif preset.suffix == ".glb":
        scene.render.fps = rate
        bpy.ops.import_scene.gltf(filepath=str(path))
    else:
        bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01, rotate_mode="QUATERNION", update_scene_fps=True)
    return next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")


def action_range(obj):
    data = obj.animation_data
    action = data.action or next(s.action for t in data.nla_tracks for s in t.strips)
    return [float(v) for v in action.frame_range]


def round_trip(motion, rig, preset, folder):
    obj = load_rig(rig)
    report = apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="walk")).to_data()
    heads = world_heads(obj, SAMPLES)
    bpy.context.scene.frame_set(17, subframe=0.25)
    for other in bpy.data.objects:
        other.select_set(other.type == "MESH")
    obj.hide_set(True)
    before = state()
    written = export_character(bpy.context, obj, folder / f"{Path(rig).stem} {preset.name}", preset)
    touched = changed(before)
    back = reimport(written, preset)
    again = heads_from_start(back)
    unwanted = {"bvh": r"[\s:.]", "godot": r"[:/]"}.get(preset.name)
    if unwanted:
        heads = {re.sub(unwanted, "_", b): v for b, v in heads.items()}
    if preset.turn_deg == 90.0:  # about the vertical
        heads = {b: np.stack([-v[:, 1], v[:, 0], v[:, 2]], axis=1) for b, v in heads.items()}
    first, last = action_range(back)
    keys = [float(np.abs(again[b] - heads[b]).max()) for b in heads if b in again]
    return {
        "suffix": written.suffix,
        "error_m": max(keys),
        "missing": sorted(set(heads) - set(again)),
        "more": sorted(set(again) - set(heads)),
        "name": back.name,
        "fps": bpy.context.scene.render.fps / bpy.context.scene.render.fps_base,
        "range": [report["frames"][0], report["frames"][0] + last - first],
        "frames": report["frames"],
        "touched": touched,
        "left": sorted(p.name for p in folder.iterdir() if p.name.startswith(".")),
    }


def heads_from_start(obj, samples=SAMPLES):
    """World heads at frames that are counted from 1 at the file's first key: files start at second 0."""
    first = action_range(obj)[0]
    return world_heads(obj, [first + frame - 1 for frame in samples])


def two_takes(motion, other, rig):
    obj = load_rig(rig)
    for mesh in [o for o in bpy.data.objects if o.type == "MESH"]:
        bpy.data.objects.remove(mesh)
    bpy.context.view_layer.update()
    heads = {}
    for name, which in (("walk", motion), ("wave", other)):
        apply_motion(bpy.context, which, obj, ApplyOptions(clip_name=name, nla=name == "walk"))
    for name in ("walk", "wave"):
        heads[name] = heads_in(obj, bpy.data.actions[name])
    return obj, heads


def heads_in(obj, action):
    """World heads in an action alone."""
    data = obj.animation_data
    (was, slot), mutes = compat.active_action(obj), [t.mute for t in data.nla_tracks]
    for track in data.nla_tracks:
        track.mute = True
    compat.assign_action(obj, action, compat.slot_for(action, obj))
    first, last = (round(v) for v in action.frame_range)
    out = world_heads(obj, [first, (first + last) // 2, last])
    compat.assign_action(obj, was, slot)
    for track, mute in zip(data.nla_tracks, mutes, strict=True):
        track.mute = mute
    return {"frames": [first, (first + last) // 2, last], "heads": out}


def takes(motion, other, rig, preset, folder):
    obj, heads = two_takes(motion, other, rig)
    names = actions_of(obj)
    before = state()
    path = export_character(bpy.context, obj, folder / f"takes{preset.suffix}", preset, names)
    touched = changed(before)
    back = reimport(path, preset)
    found = {}
    for action in bpy.data.actions:
        name = next((n for n in heads if n in action.name), None)
        if name is not None:
            first = action.frame_range[0]
            seen = heads_in(back, action)
            # a take may come back from where its own file puts its beginning
            found[name] = {
                "error_m": max(float(np.abs(seen["heads"][b] - v).max()) for b, v in heads[name]["heads"].items()),
                "frames": seen["frames"], "first": float(first), "wanted": heads[name]["frames"],
            }  # fmt: skip
    return {"names": names, "touched": touched, "found": found, "actions": sorted(a.name for a in bpy.data.actions)}


def files(motion, other, rig, folder):
    obj, heads = two_takes(motion, other, rig)
    out = {}
    before = state()
    for name in ("fbx", "glb", "bvh"):
        written = export_takes(bpy.context, obj, folder / "each", export_preset(name), actions_of(obj))
        out[name] = sorted(p.name for p in written)
    out["touched"] = changed(before)
    back = reimport(folder / "each" / "wave.fbx", export_preset("fbx"))
    seen = heads_from_start(back, [frame - heads["wave"]["frames"][0] + 1 for frame in heads["wave"]["frames"]])
    out["error_m"] = max(float(np.abs(seen[b] - v).max()) for b, v in heads["wave"]["heads"].items())
    out["range"] = action_range(back)
    out["wanted"] = heads["wave"]["frames"]
    return out


def from_nla(motion, rig, folder):
    """A motion that was pushed to the NLA is exported too."""
    obj = load_rig(rig)
    apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="pushed", nla=True))
    heads = world_heads(obj, SAMPLES)
    out = {}
    for name in ("fbx", "glb", "bvh"):
        path = export_character(bpy.context, obj, folder / f"nla.{name}", export_preset(name))
        out[name] = path.stat().st_size
    back = reimport(folder / "nla.fbx", export_preset("fbx"))
    seen = heads_from_start(back)
    out["error_m"] = max(float(np.abs(seen[b] - v).max()) for b, v in heads.items())
    back = reimport(folder / "nla.glb", export_preset("glb"))
    seen = heads_from_start(back)
    out["glb_error_m"] = max(float(np.abs(seen[b] - v).max()) for b, v in heads.items())
    return out


def lead(motion, rig, folder):
    """Frames without a pose at the beginning keep their time, whether what plays or a take is exported."""
    values = {n: np.array(getattr(motion, n)) for n in ("rotations_wxyz", "root_translation_m", "joints_world_m")}
    for one in values.values():
        one[:6] = np.nan
    obj = load_rig(rig)
    apply_motion(bpy.context, replace(motion, **values), obj, ApplyOptions(clip_name="late", verify=False))
    length_s = float(motion.timestamps_s[-1] - motion.timestamps_s[0])
    out = {}
    for takes in ((), ("late",)):
        path = export_character(bpy.context, obj, folder / "lead.glb", export_preset("glb"), takes)
        glb = read_glb(path.read_bytes())
        samplers = glb.json["animations"][0]["samplers"]
        ends = [glb.json["accessors"][s["input"]] for s in samplers]
        out["take" if takes else "plays"] = [min(e["min"][0] for e in ends), max(e["max"][0] for e in ends) - length_s]
    return out


def refusals(motion, rig, folder):
    obj = load_rig(rig)
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    out = {"no action": refused(lambda: export_character(bpy.context, obj, folder / "no.fbx", export_preset("fbx")))}
    apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="walk"))
    (folder / "file").write_text("in the way")
    fbx = export_preset("fbx")
    out["unwritable"] = refused(lambda: export_character(bpy.context, obj, folder / "file" / "sub" / "a.fbx", fbx))
    (folder / "dir.fbx").mkdir(exist_ok=True)
    out["folder in the way"] = refused(lambda: export_character(bpy.context, obj, folder / "dir.fbx", fbx))
    out["preset"] = refused(lambda: export_preset("dae"))
    out["no such action"] = refused(lambda: export_character(bpy.context, obj, folder / "n.fbx", fbx, ["nothing"]))
    bvh = export_preset("bvh")
    apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="other"))
    out["two in bvh"] = refused(lambda: export_character(bpy.context, obj, folder / "n.bvh", bvh, ["walk", "other"]))
    collection = bpy.data.collections.new("away")
    bpy.context.scene.collection.children.link(collection)
    for user in list(obj.users_collection):
        user.objects.unlink(obj)
    collection.objects.link(obj)
    bpy.context.view_layer.layer_collection.children["away"].exclude = True
    bpy.context.view_layer.update()
    out["not in the layer"] = refused(lambda: export_character(bpy.context, obj, folder / "n.fbx", fbx))
    out["written"] = {"message": "", "untouched": not math.isnan(0) and not list(folder.glob("n.*"))}
    return out


def refused(run):
    before = state()
    try:
        run()
    except (PoseCoreError, OSError) as error:
        return {"message": str(error), "untouched": changed(before) == []}
    return {"message": "", "untouched": False}
