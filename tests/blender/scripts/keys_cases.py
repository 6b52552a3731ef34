"""Which keys are written: fewer of them, other forms, other root motion, NLA; each function returns plain data."""

import hashlib
from pathlib import Path

import bpy
import numpy as np

from blender_addon.bridge import compat
from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.options import ApplyOptions
from blender_addon.bridge.read.armature_reader import read_armature
from pose_core.errors import PoseCoreError
from pose_core.motion_file import read_motion
from pose_core.retarget import KeysConfig, map_bones, transfer
from pose_core.retarget.keys.plan import planted_points
from tests.support.in_blender import curves_of, fingerprint, load_rig

BOUNDS_MM = (1.0, 2.0)


def main(args):
    folder, mixamo, unreal, rolls = args
    motions = {p.name.removesuffix(".motion.npz"): read_motion(p) for p in Path(folder).glob("*.motion.npz")}
    return {
        "bounds": {Path(rig).name: bounds(rig, motions["walk"]) for rig in (mixamo, rolls)},
        "gaps": gaps(motions["gaps"], mixamo),
        "resampled": few(motions["ntsc"], mixamo, ApplyOptions(fps_mode="resample", keys=KeysConfig(error_mm=2.0))),
        "nla": nla(motions["walk"], motions["gaps"], mixamo),
        "replaced": replaced(motions["gaps"], mixamo),
        "modes": {mode: mode_of(motions["walk"], mixamo, mode) for mode in ("XYZ", "ZXY", "AXIS_ANGLE")},
        "root": root(motions["walk"], unreal),
        "turned_root": root(motions["walk"], unreal, turned=True),
        "refusals": refusals(motions["walk"], mixamo),
        "again": again(motions["walk"], motions["gaps"], mixamo),
    }


def alone(rig):
    """A rig without its meshes, whose evaluation costs time."""
    obj = load_rig(rig)
    for mesh in [o for o in bpy.data.objects if o.type == "MESH"]:
        bpy.data.objects.remove(mesh)
    bpy.context.view_layer.update()
    return obj


def placed(obj, frames, extra=()):
    """(N, P, 3) world places of all heads and tails, and of points fixed to bones, as Blender evaluates them."""
    scene, rows = bpy.context.scene, []
    for frame in frames:
        whole = int(np.floor(frame))
        scene.frame_set(whole, subframe=float(frame - whole))
        evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        row = [p for bone in evaluated.pose.bones for p in (bone.head, bone.tail)]
        for bone, local in extra:
            row.append(evaluated.pose.bones[bone].matrix @ local)
        world = np.array(evaluated.matrix_world)
        rows.append(np.array(row) @ world[:3, :3].T + world[:3, 3])
    return np.array(rows)


def bounds(rig, motion):
    """Dense keys against few: distances in Blender's evaluation, counts, planted feet."""
    obj = alone(rig)
    described = read_armature(obj)
    bone_map = map_bones(described)
    carried = transfer(motion, described, bone_map)
    planted = planted_points(described, bone_map, motion, motion.timestamps_s, carried)
    extra = [(p.bone, obj.data.bones[p.bone].matrix_local.inverted() @ _vector(p.rest_position)) for p in planted]
    dense = apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="dense")).to_data()
    keyed = set(dense_frames := curves_of(obj)[0][2][:, 0].tolist())
    truth = placed(obj, dense_frames, extra)
    between = placed(obj, np.array(dense_frames[:-1]) + 0.5)
    out = {"dense_keys": dense["keys"], "frames": len(keyed), "planted_frames": [int(p.mask.sum()) for p in planted],
           "spread_mm": 0.0}  # fmt: skip
    for mm in BOUNDS_MM:
        report = apply_motion(bpy.context, motion, obj, ApplyOptions(keys=KeysConfig(error_mm=mm))).to_data()
        seen = placed(obj, dense_frames, extra)
        off = 1000 * np.linalg.norm(seen - truth, axis=-1)
        moved = [float(off[p.mask, off.shape[1] - len(planted) + k].max()) for k, p in enumerate(planted)]
        halfway = 1000 * np.linalg.norm(placed(obj, np.array(dense_frames[:-1]) + 0.5) - between, axis=-1)
        curves = curves_of(obj)
        out[str(mm)] = {
            "largest_mm": float(off.max()),
            "halfway_mm": float(halfway.max()),
            "planted_mm": max(moved, default=0.0),
            "keys": report["keys"],
            "ratio": dense["keys"] / report["keys"],
            "of_every_frame": report["keys_of_every_frame"],
            "on_frames": all(set(keys[:, 0].tolist()) <= keyed for _, _, keys, _ in curves),
            "together": _keyed_together(curves),
            "handles": _handles_are_kept(obj),
            "groups": _groups(obj),
            "verify_mm": 1000 * report["verify"]["max_joint_deviation_m"],
        }
    return out


def _vector(values):
    from mathutils import Vector

    return Vector([float(v) for v in values])


def _keyed_together(curves):
    by_path = {}
    for path, _, keys, _ in curves:
        by_path.setdefault(path, []).append(keys[:, 0].tolist())
    return all(all(frames == own[0] for frames in own) for own in by_path.values())


def _curve_objects(obj):
    return list(compat.action_curves(obj.animation_data.action, compat.active_action(obj)[1]))


def _handles_are_kept(obj):
    """Handles are aligned, a third of the way to their neighbours, and stay so when Blender sorts the keys."""
    worst = 0.0
    for curve in _curve_objects(obj):
        before = _array(curve, "handle_left", 2), _array(curve, "handle_right", 2)
        co = _array(curve, "co", 2).reshape(-1, 2)
        third = np.diff(co[:, 0]) / 3
        smooth = np.array([key.interpolation == "BEZIER" for key in curve.keyframe_points])[:-1]
        worst = max(worst, float(np.abs(before[1].reshape(-1, 2)[:-1, 0] - co[:-1, 0] - third)[smooth].max(initial=0)))
        curve.update()
        after = _array(curve, "handle_left", 2), _array(curve, "handle_right", 2)
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(before, after, strict=True)))
    return worst


def _groups(obj):
    return all(curve.group is not None and curve.group.name in curve.data_path for curve in _curve_objects(obj))


def _array(curve, name, width=1):
    out = np.empty(len(curve.keyframe_points) * width, dtype=np.float32)
    curve.keyframe_points.foreach_get(name, out)
    return out


def few(motion, rig, options):
    obj = alone(rig)
    report = apply_motion(bpy.context, motion, obj, options).to_data()
    frames = sorted({f for _, _, keys, _ in curves_of(obj) for f in keys[:, 0].tolist()})
    return {"frames": frames, "verify_mm": 1000 * report["verify"]["max_joint_deviation_m"], "keys": report["keys"],
            "every": report["keys_of_every_frame"]}  # fmt: skip


def gaps(motion, rig):
    """Few keys around frames without a pose: none inside, the bound outside."""
    obj = alone(rig)
    apply_motion(bpy.context, motion, obj)
    frames = curves_of(obj)[0][2][:, 0].tolist()
    truth = placed(obj, frames)
    apply_motion(bpy.context, motion, obj, ApplyOptions(keys=KeysConfig(error_mm=2.0)))
    off = 1000 * np.linalg.norm(placed(obj, frames) - truth, axis=-1)
    seen = sorted({f for _, _, keys, _ in curves_of(obj) for f in keys[:, 0].tolist()})
    return {"frames": frames, "seen": seen, "largest_mm": float(off.max())}


def nla(motion, other, rig):
    """A pushed action plays the same; a second take lies on top; the active action is free."""
    obj = alone(rig)
    apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="walk", frame_start=5))
    action = obj.animation_data.action
    frames = np.linspace(*action.frame_range, 9)
    truth = placed(obj, frames)
    report = apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="pushed", frame_start=5, nla=True)).to_data()
    alone_error = float(np.abs(placed(obj, frames) - truth).max())
    active = obj.animation_data.action
    apply_motion(bpy.context, other, obj, ApplyOptions(clip_name="second", frame_start=400, nla=True))
    tracks = [(t.name, [(s.name, s.frame_start, s.frame_end) for s in t.strips]) for t in obj.animation_data.nla_tracks]
    return {"track": report["nla_track"], "active": None if active is None else active.name, "error_m": alone_error,
            "tracks": tracks, "kept": "walk" in bpy.data.actions, "first_still_m":
            float(np.abs(placed(obj, frames) - truth).max())}  # fmt: skip


def replaced(motion, rig):
    """Asked to, a new action takes the place of the old one of its name; not asked, both stay."""
    obj = alone(rig)
    out = {}
    for name, options in (
        ("first", ApplyOptions(clip_name="take")),
        ("beside", ApplyOptions(clip_name="take")),
        ("instead", ApplyOptions(clip_name="take", replace_action=True)),
        ("pushed", ApplyOptions(clip_name="other", nla=True)),
        ("pushed instead", ApplyOptions(clip_name="other", nla=True, replace_action=True)),
    ):
        report = apply_motion(bpy.context, motion, obj, options).to_data()
        tracks = [t.name for t in obj.animation_data.nla_tracks]
        out[name] = {"name": report["action"], "all": sorted(a.name for a in bpy.data.actions), "tracks": tracks}
    other = bpy.data.objects.new("Other", None)
    bpy.context.scene.collection.objects.link(other)
    other.animation_data_create().action = bpy.data.actions["take"]
    report = apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="take", replace_action=True)).to_data()
    out["used"] = {"name": report["action"], "notes": report["notes"], "kept": "take" in bpy.data.actions}
    return out


def mode_of(motion, rig, mode):
    obj = alone(rig)
    report = apply_motion(bpy.context, motion, obj, ApplyOptions(keys=KeysConfig(rotation_mode=mode))).to_data()
    steps = [
        float(np.abs(np.diff(keys[:, 1])).max()) for path, _, keys, _ in curves_of(obj) if "rotation_euler" in path
    ]
    return {"verify_mm": 1000 * report["verify"]["max_joint_deviation_m"], "largest_step": max(steps, default=0.0),
            "modes": sorted({obj.pose.bones[b].rotation_mode for b in _keyed_bones(obj)}),
            "told": any("Rotation mode" in note for note in report["notes"])}  # fmt: skip


def _keyed_bones(obj):
    return {path.split('"')[1] for path, *_ in curves_of(obj)}


def root(motion, rig, turned=False):
    """The path on pelvis, root bone, and nowhere."""
    obj = alone(rig)
    if turned:
        obj.rotation_euler = (0.0, 0.0, 1.0)
        obj.location = (2.0, 1.0, 0.0)
        obj.scale = (2.0, 2.0, 2.0)
        bpy.context.view_layer.update()
    frames = np.arange(1, 200, 11)
    out, body = {}, {}
    keyed = {}
    for mode in ("pelvis", "root_bone", "in_place"):
        for mm in (None, 2.0):
            keys = KeysConfig(root_motion=mode, error_mm=mm)
            report = apply_motion(bpy.context, motion, obj, ApplyOptions(keys=keys)).to_data()
            names = [bone.name for bone in obj.pose.bones]
            heads = placed(obj, frames)[:, ::2]
            body[mode, mm] = {name: heads[:, i] for i, name in enumerate(names)}
            keyed[mode] = sorted(_keyed_bones(obj))
            out[f"{mode} {mm}"] = report["verify"]["max_joint_deviation_m"]
    mapped = keyed["pelvis"]
    reference, moved, stays = body["pelvis", None], body["root_bone", None], body["in_place", None]
    out["extra_bones"] = sorted(set(keyed["root_bone"]) - set(mapped))
    out["body_error_m"] = max(float(np.abs(moved[b] - reference[b]).max()) for b in mapped)
    out["few_error_mm"] = max(
        1000 * float(np.linalg.norm(body["root_bone", 2.0][b] - reference[b], axis=-1).max()) for b in mapped
    )
    root_path, hips = moved["root"], reference["pelvis"]
    out["root_height"] = float(np.ptp(root_path[:, 2]))
    out["root_from_hips_m"] = float(np.linalg.norm((root_path - hips)[:, :2], axis=-1).max())
    out["root_travels_m"] = float(np.linalg.norm(root_path[-1] - root_path[0]))
    out["hips_travel_m"] = float(np.linalg.norm(hips[-1] - hips[0]))
    out["in_place_xy_m"] = float(np.ptp(stays["pelvis"][:, :2], axis=0).max())
    out["in_place_z_m"] = float(np.abs(stays["pelvis"][:, 2] - hips[:, 2]).max())
    path = (hips - hips[:1]) * [1, 1, 0]
    out["in_place_shape_m"] = max(float(np.abs(stays[b] + path - reference[b]).max()) for b in mapped)
    return out


def refusals(motion, rig):
    obj = alone(rig)
    out = {}
    for name, make in (
        ("zero", lambda: KeysConfig(error_mm=0.0)),
        ("negative", lambda: KeysConfig(error_mm=-1.0)),
        ("nan", lambda: KeysConfig(error_mm=float("nan"))),
        ("mode", lambda: KeysConfig(rotation_mode="XXX")),
        ("root motion", lambda: KeysConfig(root_motion="head")),
        ("no root", lambda: KeysConfig(root_motion="root_bone")),
        ("wrong root", lambda: KeysConfig(root_motion="root_bone", root_bone="mixamorig:Head")),
        ("absent root", lambda: KeysConfig(root_motion="root_bone", root_bone="nothing")),
    ):
        before = fingerprint()
        try:
            apply_motion(bpy.context, motion, obj, ApplyOptions(keys=make()))
            out[name] = {"message": "", "untouched": False}
        except PoseCoreError as error:
            out[name] = {"message": str(error), "untouched": fingerprint() == before}
    return out


def again(motion, other, rig):
    """A, B, A on one character, then A on a fresh one: every byte of the keys and of the bones' state."""
    seen = []
    obj = alone(rig)
    config = KeysConfig(error_mm=2.0)
    for which, options in (
        (motion, ApplyOptions(clip_name="a", keys=config)),
        (other, ApplyOptions(clip_name="b", keys=KeysConfig(root_motion="in_place"), frame_start=30)),
        (motion, ApplyOptions(clip_name="c", keys=config)),
    ):
        apply_motion(bpy.context, which, obj, options)
        seen.append(state_of(obj))
    obj = alone(rig)
    apply_motion(bpy.context, motion, obj, ApplyOptions(clip_name="a", keys=config))
    seen.append(state_of(obj))
    return {"same": seen[0] == seen[2], "different": seen[0] != seen[1], "fresh": seen[0] == seen[3]}


def state_of(obj):
    digest = hashlib.sha256()
    for curve in _curve_objects(obj):
        digest.update(f"{curve.data_path}{curve.array_index}{curve.group.name}{curve.color_mode}".encode())
        for name, width in (("co", 2), ("handle_left", 2), ("handle_right", 2)):
            digest.update(_array(curve, name, width).tobytes())
        digest.update("".join(key.interpolation for key in curve.keyframe_points).encode())
    keyed = {curve.data_path for curve in _curve_objects(obj)}
    for bone in obj.pose.bones:
        digest.update(bone.rotation_mode.encode())
        for channel in ("location", "scale", "rotation_quaternion", "rotation_euler", "rotation_axis_angle"):
            # keyed channels show the frame that is current
            if bone.path_from_id(channel) not in keyed:
                digest.update(np.array(getattr(bone, channel), dtype=np.float32).tobytes())
        digest.update(repr(sorted(bone.keys())).encode())
    return digest.hexdigest()
