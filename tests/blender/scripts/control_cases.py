"""Control rigs, planted feet, several characters and awkward bones inside Blender; each function returns plain data."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from blender_addon.bridge import apply_many as many_module
from blender_addon.bridge.apply_many import Casting, apply_motions
from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.options import ApplyOptions
from pose_core.errors import PoseCoreError
from pose_core.lab.retargeting.run_rigs import load_rig, measure
from pose_core.motion_file import read_motion
from pose_core.retarget import KeysConfig, TransferConfig
from tests.support.in_blender import curves_of, fingerprint


def main(args):
    motion_path, mixamo, rolls, folder, *rigs = args
    walk = read_motion(motion_path)
    copied = TransferConfig(plant_feet=False)
    out = {"rigs": {Path(r).name: measure(r, walk, TransferConfig()) for r in (*rigs, "metarig", "rigify")}}
    out["copied"] = {Path(r).name: measure(r, walk, copied) for r in rigs}
    out["rigify_ik"] = measure("rigify", walk, TransferConfig(controls="ik"))
    out["switches"] = switches(walk)
    out["ik_switches"] = ik_switches(walk)
    out["root_control"] = root_control(walk)
    out["live_ik"] = live_ik(walk, rolls)
    out["many"] = many(walk, mixamo, Path(folder))
    out["awkward"] = awkward(walk, mixamo)
    return out


def switches(walk):
    """FK is keyed on a generated rig, and a failure puts the properties back."""
    obj = load_rig("rigify")
    before = fingerprint()
    numbers = {b.name: dict(b.items()) for b in obj.pose.bones if b.name.endswith("_parent.L")}
    from blender_addon.bridge import apply_motion as module

    real = module.verify

    def broken(*_args, **_kwargs):
        raise RuntimeError("on purpose")

    module.verify = broken
    try:
        apply_motion(bpy.context, walk, obj)
    except RuntimeError:
        pass
    finally:
        module.verify = real
    kept = numbers == {b.name: dict(b.items()) for b in obj.pose.bones if b.name.endswith("_parent.L")}
    untouched = fingerprint() == before
    apply_motion(bpy.context, walk, obj)
    keyed = {path: keys[0, 1] for path, _, keys, _ in curves_of(obj) if "IK_FK" in path}
    written = {path.split('"')[1] for path, *_ in curves_of(obj)}
    return {"kept": kept, "untouched": untouched, "keyed": sorted(float(v) for v in keyed.values()),
            "inner_bones": sorted(n for n in written if n.startswith(("DEF-", "ORG-", "MCH-")))}  # fmt: skip


def ik_switches(walk):
    """IK controls: the stretch of the rig's IK chains is keyed to 0, and a failure puts it back."""
    obj = load_rig("rigify")
    before = {b.name: b.ik_stretch for b in obj.pose.bones if b.ik_stretch > 0}
    from blender_addon.bridge import apply_motion as module

    options = ApplyOptions(transfer=TransferConfig(controls="ik"))
    real, module.verify = module.verify, None
    try:
        apply_motion(bpy.context, walk, obj, options)
    except TypeError:
        pass
    finally:
        module.verify = real
    kept = before == {b.name: b.ik_stretch for b in obj.pose.bones if b.ik_stretch > 0} and len(before) > 0
    apply_motion(bpy.context, walk, obj, replace(options, verify=False))
    return {"kept": kept, "keyed": sum(path.endswith("ik_stretch") for path, *_ in curves_of(obj))}


def root_control(walk):
    """The path on the root control of a generated rig; refused while the torso does not follow it."""
    obj = load_rig("rigify")
    options = ApplyOptions(keys=KeysConfig(root_motion="root_bone"))
    torso = obj.pose.bones["torso"]
    follows, torso["torso_parent"] = torso["torso_parent"], 0
    before = fingerprint()
    try:
        apply_motion(bpy.context, walk, obj, options)
        refused = ""
    except PoseCoreError as error:
        refused = str(error)
    untouched = fingerprint() == before
    torso["torso_parent"] = follows
    obj.update_tag()
    report = apply_motion(bpy.context, walk, obj, options).to_data()
    apart, places = [], []
    for frame in np.linspace(*report["frames"], 12):
        bpy.context.scene.frame_set(round(frame))
        pose = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        root, hips = (np.array(pose[name].matrix)[:3, 3] for name in ("root", "torso"))
        places.append(root)
        apart.append(np.linalg.norm((root - hips)[:2]))
    return {
        "refused": refused,
        "untouched": untouched,
        "verify": report["verify"],
        "travels_m": float(np.linalg.norm(places[-1] - places[0])),
        "height_m": float(np.ptp([place[2] for place in places])),
        "apart_m": float(max(apart)),
    }


def live_ik(walk, rolls):
    """IK constraints of a custom rig that pull, with a good pole, with a wrong one and without, and asked for."""
    out = {}
    for name, poled, turn, controls in (
        ("good pole", True, 0.0, "auto"), ("wrong pole", True, 1.2, "auto"), ("no pole", False, 0.0, "auto"),
        ("fk", True, 0.0, "fk"), ("ik", False, 0.0, "ik"),
    ):  # fmt: skip
        obj = load_rig(rolls)
        if poled:
            bend_knees(obj)
        for bone in obj.pose.bones:
            for constraint in bone.constraints:
                if constraint.type == "IK":
                    constraint.mute = False
                    if poled:
                        add_pole(obj, bone, constraint, turn)
        bpy.context.view_layer.update()
        options = ApplyOptions(transfer=TransferConfig(controls=controls))
        report = apply_motion(bpy.context, walk, obj, options).to_data()
        out[name] = {
            **{key: report[key] for key in ("verify", "ik_limbs", "notes", "failures")},
            "map": report["bone_map"],
            "keyed": sorted({path.split('"')[1] for path, *_ in curves_of(obj)}),
            "influences": sorted(path.split('"')[1] for path, *_ in curves_of(obj) if path.endswith("influence")),
        }
        if name == "no pole":  # a second take must hold the IK back by itself
            again = apply_motion(bpy.context, walk, obj).to_data()
            out[name]["again"] = sorted(path.split('"')[1] for path, *_ in curves_of(obj) if path.endswith("influence"))
            out[name]["again_off_m"] = again["verify"]["max_joint_deviation_m"]
    out["failure"] = ik_put_back(walk, rolls)
    return out


def bend_knees(obj):
    """Knees that are a little bent at rest, their axes across, as IK wants them."""
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for side in "LR":
        upper, lower = (obj.data.edit_bones[f"{name}.{side}"] for name in ("UpperLeg", "LowerLeg"))
        upper.tail.y -= 6.0
        lower.head.y -= 6.0
        for bone in (upper, lower):
            bone.align_roll(Vector((0.0, -1.0, 0.0)))
    bpy.ops.object.mode_set(mode="OBJECT")


def add_pole(obj, lower, constraint, turn):
    """Give an IK constraint the rig's pole of that leg, and the angle at which the rest pose stays, found by trying."""
    constraint.pole_target, constraint.pole_subtarget = obj, f"Pole_Knee.{lower.name[-1]}"

    def off(angle):
        constraint.pole_angle = angle
        obj.update_tag()
        bpy.context.view_layer.update()
        pose = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones[lower.name]
        return (pose.head - lower.bone.head_local).length

    best, step = 0.0, np.pi
    for _ in range(5):
        around = best + step * np.linspace(-1, 1, 25)
        best, step = float(around[int(np.argmin([off(angle) for angle in around]))]), step / 10
    constraint.pole_angle = best + turn


def ik_put_back(walk, rolls):
    """A failure after the IK was switched off leaves the influences as they were."""
    obj = load_rig(rolls)
    for bone in obj.pose.bones:
        for constraint in bone.constraints:
            constraint.mute = False
    from blender_addon.bridge import apply_motion as module

    real, module.verify = module.verify, None
    try:
        apply_motion(bpy.context, walk, obj)
    except TypeError:
        pass
    finally:
        module.verify = real
    return sorted({c.influence for bone in obj.pose.bones for c in bone.constraints})


def many(walk, mixamo, folder):
    """Two characters in one go; if the second cannot, the first is as before."""
    out = {}
    obj = load_rig(mixamo)
    castings = [Casting(walk, obj), Casting(walk, None, ApplyOptions(frame_start=20))]
    both = [report.to_data() for report in apply_motions(bpy.context, castings)]
    out["actions"] = [r["action"] for r in both]
    out["range"] = [bpy.context.scene.frame_start, bpy.context.scene.frame_end]
    out["verify"] = [r["verify"]["max_joint_deviation_m"] for r in both]
    obj = load_rig(mixamo)
    lone = bpy.data.objects.new("Nobody", bpy.data.armatures.new("Nobody"))
    bpy.context.scene.collection.objects.link(lone)
    before = fingerprint()
    for name, castings in {
        "no_bones": [Casting(walk, obj), Casting(walk, None), Casting(walk, lone)],
        "twice": [Casting(walk, obj), Casting(walk, obj)],
        "nothing": [],
    }.items():
        try:
            apply_motions(bpy.context, castings)
            message = ""
        except PoseCoreError as error:
            message = str(error)
        out[name] = {"message": message, "untouched": fingerprint() == before}
    bpy.data.objects.remove(lone)
    bpy.context.view_layer.update()
    before = fingerprint()
    # a failure after the first has been written
    real = many_module.apply_steps
    calls = []

    def second_fails(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("on purpose")
        return real(*args, **kwargs)

    many_module.apply_steps = second_fails
    try:
        apply_motions(bpy.context, [Casting(walk, obj), Casting(walk, None), Casting(walk, None)])
    except RuntimeError:
        pass
    finally:
        many_module.apply_steps = real
    after = fingerprint()
    out["late"] = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    return out


def awkward(walk, mixamo):
    """Bones that are hidden, in a hidden collection, or locked: keys are written and it is said."""
    obj = load_rig(mixamo)
    bones = obj.data.bones
    bones["mixamorig:LeftArm"].hide = True
    collection = obj.data.collections.new("Hidden")
    collection.assign(bones["mixamorig:Spine"])
    collection.is_visible = False
    obj.pose.bones["mixamorig:Head"].lock_rotation = (True, True, True)
    obj.data.bones["mixamorig:LeftForeArm"].inherit_scale = "NONE"
    obj.data.bones["mixamorig:RightLeg"].inherit_scale = "ALIGNED"
    report = apply_motion(bpy.context, walk, obj).to_data()
    keyed = {path.split('"')[1] for path, *_ in curves_of(obj)}
    shared = bpy.data.objects.new("Twin", obj.data)
    bpy.context.scene.collection.objects.link(shared)
    bpy.context.view_layer.objects.active = shared
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        apply_motion(bpy.context, walk, obj)
        edit = ""
    except PoseCoreError as error:
        edit = str(error)
    bpy.ops.object.mode_set(mode="OBJECT")
    flipped = replace(walk, source="x")
    obj.scale = [-s for s in obj.scale]
    bpy.context.view_layer.update()
    try:
        apply_motion(bpy.context, flipped, obj)
        negative = ""
    except PoseCoreError as error:
        negative = str(error)
    return {"notes": report["notes"], "keyed": sorted(keyed), "verify": report["verify"], "edit": edit,
            "negative": negative}  # fmt: skip
