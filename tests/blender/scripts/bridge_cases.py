"""What the bridge does in special situations; each function returns plain data."""

import time
from pathlib import Path

import bpy
import numpy as np

from blender_addon.bridge import apply_motion as apply_module
from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.compat import assign_action
from blender_addon.bridge.export.plain_fbx import export_fbx
from blender_addon.bridge.options import ApplyOptions
from blender_addon.bridge.read.armature_reader import read_armature
from blender_addon.bridge.report.verify import evaluated_bones
from blender_addon.bridge.steps import drain
from blender_addon.bridge.write import action_writer
from pose_core.errors import PoseCoreError
from pose_core.motion_file import read_motion
from pose_core.retarget import RigMotion, key_tracks, pose_bones
from tests.support.in_blender import curves_of, fingerprint, load_rig, world_heads


def main(args):
    folder, mixamo, rolls = args
    motions = {p.name.removesuffix(".motion.npz"): read_motion(p) for p in Path(folder).glob("*.motion.npz")}
    return {
        "refusals": refusals(motions["clip"], mixamo),
        "failure": failure(motions["clip"], mixamo),
        "ntsc": ntsc(motions["ntsc"], Path(folder)),
        "variable": variable(motions["variable"]),
        "resampled": resampled(motions["clip"]),
        "own_rate": own_rate(motions["clip"]),
        "gaps": gaps(motions["gaps"], mixamo),
        "again": again(motions["clip"], motions["other"], mixamo),
        "kept": kept(motions["clip"], mixamo),
        "flags": flags(motions["clip"], mixamo),
        "override": override(motions["clip"], mixamo, Path(folder)),
        "modes": new_armature_from_any_mode(motions["clip"], mixamo),
        "constraint": constraint(motions["clip"], mixamo),
        "hidden": hidden(motions["clip"], mixamo, Path(folder)),
        "place": place(motions["clip"], rolls),
        "speed": speed(mixamo),
    }


def refused(motion, obj, options=None):
    before = fingerprint()
    try:
        apply_motion(bpy.context, motion, obj, options)
    except PoseCoreError as error:
        return {"message": str(error), "untouched": fingerprint() == before}
    return {"message": "", "untouched": False}


def refusals(motion, mixamo):
    out = {}
    load_rig("new")
    mesh = bpy.data.objects.new("Box", bpy.data.meshes.new("Box"))
    bpy.context.scene.collection.objects.link(mesh)
    out["mesh"] = refused(motion, mesh)
    obj = load_rig(mixamo)
    obj.scale.x = -obj.scale.x
    bpy.context.view_layer.update()
    out["mirrored"] = refused(motion, obj)
    obj = load_rig(mixamo)
    obj.scale.x = 2 * obj.scale.x
    bpy.context.view_layer.update()
    out["uneven"] = refused(motion, obj)
    obj = load_rig(mixamo)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    out["edit"] = refused(motion, obj)
    bpy.ops.object.mode_set(mode="OBJECT")
    obj = load_rig(mixamo)
    obj.data.bones["mixamorig:LeftArm"].name = "Wing"
    out["missing"] = refused(motion, obj)
    load_rig("new")
    empty = bpy.data.objects.new("Nobody", bpy.data.armatures.new("Nobody"))
    bpy.context.scene.collection.objects.link(empty)
    out["no_bones"] = refused(motion, empty)
    return out


def failure(motion, mixamo):
    """Break the last step: everything must be as before, with an action and without, and with a new armature."""
    out = {}
    real = apply_module.verify

    def broken(*_args, **_kwargs):
        raise RuntimeError("on purpose")

    for case in ("plain", "with_action", "new"):
        obj = load_rig("new" if case == "new" else mixamo)
        if case == "with_action":
            apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="First"))
            obj.animation_data.action.use_fake_user = False
            bpy.context.scene.frame_set(7)
        if obj is not None:
            obj.pose.bones["mixamorig:Spine"].location = (1.0, 2.0, 3.0)
            obj.data.pose_position = "REST"
        bpy.context.scene.render.fps = 24
        before = fingerprint()
        apply_module.verify = broken
        try:
            apply_motion(bpy.context, motion, obj)
            out[case] = "no error"
        except RuntimeError:
            after = fingerprint()
            out[case] = [key for key in {*before, *after} if before.get(key) != after.get(key)]
        finally:
            apply_module.verify = real
    return out


def ntsc(motion, folder):
    """29.97 frames a second through the scene and FBX."""
    load_rig("new")
    report = apply_motion(bpy.context, motion, None, ApplyOptions(frame_start=1)).to_data()
    obj = bpy.data.objects[report["object"]]
    scene = bpy.context.scene
    out = {"report_keys": list(report), "report_fps": report["fps"],
           "fps": scene.render.fps, "fps_base": scene.render.fps_base,
           "frames": curves_of(obj)[0][2][:, 0].tolist(), "range": [scene.frame_start, scene.frame_end]}  # fmt: skip
    samples = [1, 20, 40]
    heads = world_heads(obj, samples)
    path = folder / "ntsc.fbx"
    export_fbx(bpy.context, obj, path)
    importers = [("python", lambda: bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=1.0))]
    if hasattr(bpy.ops.wm, "fbx_import") and bpy.app.version >= (4, 5, 0):
        importers.append(("native", lambda: bpy.ops.wm.fbx_import(filepath=str(path), anim_offset=1.0)))
    for name, run in importers:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        run()
        back = next(o for o in bpy.data.objects if o.type == "ARMATURE")
        scene = bpy.context.scene
        keys = curves_of(back)[0][2][:, 0]
        # Blender's Python importer counts frames at 30, not 29.97, a second: its keys lie 1.001 apart
        stretch = 1.001 if name == "python" else 1.0
        heads_back = world_heads(back, [1 + (s - 1) * stretch for s in samples])
        out[name] = {
            "fps": scene.render.fps / scene.render.fps_base,
            "first_last": [1 + (float(key) - 1) / stretch for key in (keys[0], keys[-1])],
            "error_m": max(float(np.abs(heads[b] - heads_back[b]).max()) for b in heads),
        }
    return out


def variable(motion):
    load_rig("new")
    report = apply_motion(bpy.context, motion, None, ApplyOptions(frame_start=10)).to_data()
    obj = bpy.data.objects[report["object"]]
    frames = curves_of(obj)[0][2][:, 0]
    rate = bpy.context.scene.render.fps / bpy.context.scene.render.fps_base
    return {"times": ((frames - 10) / rate).tolist(), "verify": report["verify"], "rate": rate}


def resampled(motion):
    load_rig("new")
    bpy.context.scene.render.fps = 24
    options = ApplyOptions(fps_mode="resample", set_scene_fps=False, set_frame_range=False)
    report = apply_motion(bpy.context, motion, None, options).to_data()
    scene = bpy.context.scene
    obj = bpy.data.objects[report["object"]]
    return {"frames": curves_of(obj)[0][2][:, 0].tolist(), "fps": scene.render.fps, "end": scene.frame_end,
            "verify": report["verify"]}  # fmt: skip


def own_rate(motion):
    """Subframes in a scene that keeps its own rate."""
    load_rig("new")
    bpy.context.scene.render.fps = 24
    report = apply_motion(bpy.context, motion, None, ApplyOptions(set_scene_fps=False)).to_data()
    obj = bpy.data.objects[report["object"]]
    return {"frames": curves_of(obj)[0][2][:, 0].tolist(), "verify": report["verify"]}


def gaps(motion, mixamo):
    obj = load_rig(mixamo)
    report = apply_motion(bpy.context, motion, obj).to_data()
    return {"frames": curves_of(obj)[0][2][:, 0].tolist(), "without": report["frames_without_pose"],
            "verify": report["verify"]}  # fmt: skip


def keys_of(obj):
    return [(path, index, keys.tolist()) for path, index, keys, _ in curves_of(obj)]


def again(motion, other, mixamo):
    """A, then B, then A on the same character: nothing leaks."""
    obj = load_rig(mixamo)
    seen = []
    for which in (motion, other, motion):
        apply_motion(bpy.context, which, obj)
        seen.append((keys_of(obj), {b: h.tolist() for b, h in world_heads(obj, [1, 20, 40]).items()}))
    return {"same": seen[0] == seen[2], "different": seen[0] != seen[1],
            "actions": sorted((a.name, a.use_fake_user) for a in bpy.data.actions)}  # fmt: skip


def kept(motion, mixamo):
    """What an earlier action leaves behind is reset; a pose that the user made by hand is not."""
    obj = load_rig(mixamo)
    bones = obj.pose.bones
    bones["mixamorig:LeftUpLeg"].scale = (1.05, 1.05, 1.05)
    bones["mixamorig:Spine1"].location = (3.0, 0.0, 0.0)
    bones["mixamorig:LeftHandIndex1"].rotation_quaternion = (0.9, 0.4, 0.0, 0.0)
    tail = bones["mixamorig:RightHandIndex1"]
    tail.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    tail.keyframe_insert("rotation_quaternion", frame=1)
    report = apply_motion(bpy.context, motion, obj).to_data()
    return {
        "verify": report["verify"],
        "by_hand": list(bones["mixamorig:LeftHandIndex1"].rotation_quaternion),
        "by_action": list(bones["mixamorig:RightHandIndex1"].rotation_quaternion),
        "notes": report["notes"],
    }


def flags(motion, mixamo):
    """Bones that do not inherit rotation, and location along the armature's axes."""
    obj = load_rig(mixamo)
    for name in ("LeftArm", "RightUpLeg", "Head", "Hips"):
        obj.data.bones[f"mixamorig:{name}"].use_inherit_rotation = False
    obj.data.bones["mixamorig:Hips"].use_local_location = False
    return apply_motion(bpy.context, motion, obj).to_data()["verify"]


def override(motion, mixamo, folder):
    """A linked character is refused; its library override takes the action and keeps it on reload."""
    load_rig(mixamo)
    collection = bpy.data.collections.new("Hero")
    bpy.context.scene.collection.children.link(collection)
    for obj in list(bpy.context.scene.collection.objects):
        bpy.context.scene.collection.objects.unlink(obj)
        collection.objects.link(obj)
    library = folder / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["Hero"]
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type = "COLLECTION"
    instance.instance_collection = wanted.collections[0]
    bpy.context.scene.collection.objects.link(instance)
    linked = next(obj for obj in wanted.collections[0].all_objects if obj.type == "ARMATURE")
    out = {"linked": refused(motion, linked)}
    wanted.collections[0].override_hierarchy_create(bpy.context.scene, bpy.context.view_layer, reference=instance)
    mine = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE" and obj.override_library)
    report = apply_motion(bpy.context, motion, mine).to_data()
    out["verify"] = report["verify"]
    scene_file = folder / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(scene_file))
    bpy.ops.wm.open_mainfile(filepath=str(scene_file))
    mine = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE" and obj.override_library)
    out["after_reload"] = len(curves_of(mine))
    return out


def new_armature_from_any_mode(motion, mixamo):
    out = {}
    for mode in ("OBJECT", "POSE", "EDIT"):
        obj = load_rig(mixamo)
        bpy.context.view_layer.objects.active = obj
        obj.select_set(True)
        bpy.ops.object.mode_set(mode=mode)
        before = {o.name for o in bpy.context.selected_objects}
        report = apply_motion(bpy.context, motion, None).to_data()
        selected = before == {o.name for o in bpy.context.selected_objects}
        active = bpy.context.view_layer.objects.active == obj
        out[mode] = {"mode": obj.mode, "active": active, "selected": selected, "verify": report["verify"]}
        bpy.ops.object.mode_set(mode="OBJECT")
    load_rig("new")
    collection = bpy.data.collections.new("Excluded")
    bpy.context.scene.collection.children.link(collection)
    layer = bpy.context.view_layer.layer_collection.children["Excluded"]
    bpy.context.view_layer.active_layer_collection = layer
    layer.exclude = True
    out["excluded"] = {"verify": apply_motion(bpy.context, motion, None).to_data()["verify"]}
    return out


def constraint(motion, mixamo):
    """A constraint that overrules the keys is named, and verify names the bone that is off."""
    obj = load_rig(mixamo)
    limit = obj.pose.bones["mixamorig:LeftArm"].constraints.new("LIMIT_ROTATION")
    limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True
    limit.owner_space = "LOCAL"
    report = apply_motion(bpy.context, motion, obj).to_data()
    return {"notes": report["notes"], "verify": report["verify"]}


def hidden(motion, mixamo, folder):
    """Export of a character that is hidden and not selected, beside another object that is."""
    obj = load_rig(mixamo)
    mesh = next(o for o in bpy.data.objects if o.type == "MESH")
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    bpy.context.scene.collection.objects.link(other)
    other.select_set(True)
    apply_motion(bpy.context, motion, obj)
    obj.hide_set(True)
    mesh.hide_viewport = True
    export_fbx(bpy.context, obj, folder / "hidden.fbx")
    kept_state = [o.name for o in bpy.context.selected_objects] == ["Other"] and obj.hide_get()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(folder / "hidden.fbx"), anim_offset=1.0)
    return {"objects": sorted(o.type for o in bpy.data.objects), "state_kept": kept_state}


def place(motion, rolls):
    """Relative to the object: the hips start above where the object stands."""
    from pose_core.retarget import TransferConfig

    obj = load_rig(rolls)
    at = list(obj.matrix_world.translation)
    report = apply_motion(bpy.context, motion, obj, ApplyOptions(transfer=TransferConfig(place="object"))).to_data()
    heads = world_heads(obj, [1])
    hips = 0.5 * (heads["UpperLeg.L"][0] + heads["UpperLeg.R"][0])
    return {"object": at, "hips": hips.tolist(), "ratio": report["leg_ratio"]}


def speed(mixamo):
    """Time for 65 bones times 1000 frames: compute and write; and that the keys arrive."""
    obj = load_rig(mixamo)
    rig = read_armature(obj)
    rng = np.random.default_rng(0)
    t = np.arange(1000) / 30
    half = 0.4 * np.sin(t[:, None] * rng.uniform(0.5, 3, len(rig)) + rng.uniform(0, 6, len(rig)))
    axis = rng.normal(size=(len(rig), 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    q = np.concatenate([np.cos(half)[..., None], np.sin(half)[..., None] * axis], axis=-1)
    motion = RigMotion(rig.bone_names, q, rig.bone_names[0], np.zeros((1000, 3)), t, np.ones(1000, dtype=bool))
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        action, slot, keys = drain(
            action_writer.write_action(obj, key_tracks(rig, motion, np.arange(1, 1001)), "Speed")
        )
        seconds.append(time.perf_counter() - start)
    assign_action(obj, action, slot)
    samples = np.array([1, 500, 1000])
    seen = drain(evaluated_bones(bpy.context, obj, list(rig.bone_names), samples))
    heads, _ = pose_bones(rig, motion)
    error = float(np.abs(seen[..., :3, 3] - heads[samples - 1]).max() * rig.scale)
    print(f"65 bones x 1000 frames to keys: {min(seconds):.3f} s (best of 3), {keys} keys", flush=True)
    return {"bones": len(rig), "keys": keys, "seconds": min(seconds), "error_m": error}
