"""The add-on's buttons in background mode, on what a made-up worker gives; each function returns plain data.

Arguments: folder with motion files and a network, worker environment, video, two rig files; then a folder with a
person detector, to have the real worker run the network.
"""

import json
import math
from dataclasses import replace
from pathlib import Path

import bpy

from blender_addon.bridge.apply_many import from_the_left
from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.options import ApplyOptions
from blender_addon.bridge.read.armature_reader import read_armature
from blender_addon.bridge.read.rig_import import import_rig
from pose_core.errors import PoseCoreError
from pose_core.motion_file import read_motion
from pose_core.retarget import KeysConfig, detect_bones, read_bone_map, sure_bones
from tests.support import addon
from tests.support.in_blender import curves_of, fingerprint


def main(args):
    folder, environment, video, mixamo, other, *detectors = args
    people = [Path(folder) / f"clip.p{number}.motion.npz" for number in (1, 2, 3)]
    addon.enable(environment)
    return {
        "cast": cast(people, video, mixamo, other),
        "alone": alone(people, video, mixamo),
        "confidence": confidence(people, video, mixamo),
        "corrections": corrections(people, video, other, Path(folder)),
        "models": models(people, video, mixamo, Path(folder) / "person.onnx", *detectors),
    }


def fresh(video, *rigs):
    """An empty scene with these characters, side by side from left to right."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    for data in (*bpy.data.actions, *bpy.data.armatures):
        bpy.data.batch_remove([data])
    settings = bpy.context.scene.pose_core
    for name in ("character", "people", "cast", "target", "only_cast", "push_to_nla", "replace_action"):
        settings.property_unset(name)
    settings.video_path = video
    out = []
    for number, rig in enumerate(rigs):
        obj = import_rig(Path(rig))
        obj.name = f"Rig {number}"
        obj.location.x += 2.0 * number
        out.append(obj)
    bpy.context.view_layer.update()
    return settings, out


def take_of(obj):
    action = obj.animation_data and obj.animation_data.action
    return action.name if action else ""


def cast(people, video, mixamo, other):
    """Everybody onto several characters."""
    out = {}
    settings, rigs = fresh(video, mixamo, other)
    settings.character, settings.people = "EXISTING", "ALL"
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in rigs)
    bpy.ops.pose_core.add_roles()
    out["listed"] = [row.target.name for row in settings.cast]
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (1.0, 10.0, 1.0), (math.pi / 2, 0.0, math.pi)  # looks from behind
    bpy.context.view_layer.update()
    for kind in ("PERSP", "ORTHO"):
        camera.data.type, bpy.context.scene.camera = kind, camera
        out[f"from_behind_{kind}"] = [obj.name for obj in from_the_left(bpy.context, bpy.data.objects)]
    bpy.data.objects.remove(camera)
    with addon.worker_that_gives(*people) as worker:
        bpy.ops.pose_core.estimate()
    out["asked_for"] = worker.requests[0].track.people
    out["takes"] = {obj.name: take_of(obj) for obj in bpy.data.objects if obj.type == "ARMATURE"}
    out["rows"] = [list(row) for row in addon.state().summary.rows]
    out["spans"] = [span.reason for span in addon.state().summary.spans]

    settings, rigs = fresh(video, mixamo, other)
    settings.character, settings.people, settings.only_cast = "EXISTING", "ALL", True
    for obj in rigs:
        row = settings.cast.add()
        row.target = obj
    with addon.worker_that_gives(*people[:2]) as worker:
        bpy.ops.pose_core.estimate()
    out["asked_for_two"] = worker.requests[0].track.people
    settings.cast[0].whom, settings.cast[0].person_id = "NUMBER", 3
    with addon.worker_that_gives(*people) as worker:
        bpy.ops.pose_core.estimate()
    out["asked_for_number"] = worker.requests[0].track.people
    out["by_number"] = {obj.name: take_of(obj) for obj in bpy.data.objects if obj.type == "ARMATURE"}
    rigs[0].pose.bones[0].location.x = rigs[1].pose.bones[0].location.x = 0.5
    for obj in rigs:
        obj.animation_data.action = None
    with addon.worker_that_gives(*people):
        bpy.ops.pose_core.estimate()
    told = addon.state().summary.warnings
    out["whose"] = [any(text.startswith(f"{obj.name}: ") for text in told) for obj in rigs]
    with addon.worker_that_gives(people[2]):
        bpy.ops.pose_core.estimate()
    out["missed"] = [text for text in addon.state().summary.warnings if "Nobody" in text]

    # whatever goes wrong: nothing is changed
    before = fingerprint()
    tracks = [len(obj.animation_data.nla_tracks) for obj in rigs]
    settings.cast[0].person_id = 7
    with addon.worker_that_gives(*people):
        out["absent"] = addon.refusal(bpy.ops.pose_core.estimate)
    settings.cast[0].person_id = 3
    settings.cast[1].target = rigs[0]
    out["twice"] = addon.refusal(bpy.ops.pose_core.estimate)
    settings.cast[1].target = rigs[1]
    out["untouched"] = fingerprint() == before
    settings.push_to_nla = settings.replace_action = True
    out["second_fails"] = second_fails(people)
    after = fingerprint()
    out["late"] = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    out["tracks_kept"] = [len(obj.animation_data.nla_tracks) for obj in rigs] == tracks
    with addon.worker_that_gives(*people):
        bpy.ops.pose_core.estimate()
        first = sorted(action.name for action in bpy.data.actions)
        bpy.ops.pose_core.estimate()
    out["replaced"] = [first, sorted(action.name for action in bpy.data.actions)]
    settings.cast[1].target = None
    out["no_armature"] = addon.refusal(bpy.ops.pose_core.estimate)
    bpy.ops.pose_core.move_role(direction="UP")
    bpy.ops.pose_core.remove_role()
    out["left"] = [row.target.name if row.target else "" for row in settings.cast]
    return out


def second_fails(people):
    """The first character has been written when the second one's last step breaks."""
    take_module = addon.module("bridge.write.take")
    real, calls = take_module.push_to_nla, []

    def breaks(*args):
        calls.append(1)
        if len(calls) == 2:
            raise addon.module("bridge.options").ConfigError("on purpose")
        return real(*args)

    take_module.push_to_nla = breaks
    try:
        with addon.worker_that_gives(*people):
            return addon.refusal(bpy.ops.pose_core.estimate)
    finally:
        take_module.push_to_nla = real


def alone(people, video, mixamo):
    """One character and everybody: the most prominent person plays it, the others get armatures."""
    settings, rigs = fresh(video, mixamo)
    settings.character, settings.people, settings.target = "EXISTING", "ALL", rigs[0]
    with addon.worker_that_gives(*people[:2]):
        bpy.ops.pose_core.estimate()
    everybody = {obj.name: take_of(obj) for obj in bpy.data.objects if obj.type == "ARMATURE"}
    settings.people = "MAIN"
    with addon.worker_that_gives(people[0]):
        bpy.ops.pose_core.estimate()
    return {"everybody": everybody, "main": take_of(rigs[0])}


def corrections(people, video, rig, folder):
    """A turn of a hand set in the panel: written, saved, loaded, and used from the file without the panel."""
    settings, (obj,) = fresh(video, rig)
    settings.character, settings.target = "EXISTING", obj
    with addon.worker_that_gives(people[0]):
        bpy.ops.pose_core.estimate()
        plain = hand_turns(obj)
        bpy.ops.pose_core.detect_bones()
        rows = {(row.part, row.place): row for row in obj.pose_core_bones.rows}
        rows["left_hand", 0].correction = [math.radians(a) for a in (25.0, -10.0, 0.0)]
        rows["spine", 0].correction = (0.0, 0.0, math.radians(12.5))
        bpy.ops.pose_core.estimate()
    corrected = hand_turns(obj)
    notes = list(addon.state().summary.warnings)
    path = folder / "hero.bones.json"
    bpy.ops.pose_core.save_bone_map(filepath=str(path))
    saved = json.loads(path.read_text())
    bpy.ops.pose_core.clear_bones()
    bpy.ops.pose_core.load_bone_map(filepath=str(path))
    loaded = {row.part: list(row.correction_deg) for row in obj.pose_core_bones.rows if any(row.correction_deg)}
    bpy.ops.pose_core.detect_bones()
    found_anew = [row.part for row in obj.pose_core_bones.rows if any(row.correction_deg)]
    motion = read_motion(people[0])
    report = apply_motion(bpy.context, motion, obj, ApplyOptions(bone_map=read_bone_map(path))).to_data()
    headless = hand_turns(obj)
    path.write_text(json.dumps({**saved, "corrections": {"left_hand": [1, 2]}}))
    refused = addon.refusal(lambda: bpy.ops.pose_core.load_bone_map(filepath=str(path)))
    return {
        "turned_deg": [turn_deg(a, b) for a, b in zip(plain, corrected, strict=True)],
        "notes": notes,
        "saved": {key: saved[key] for key in ("version", "corrections")},
        "loaded": loaded,
        "found_anew": found_anew,
        "same_headless": headless == corrected,
        "limb_deg": report["verify"]["max_limb_direction_deg"],
        "refused": refused,
    }


def confidence(people, video, rig):
    """How sure the bones are, in the report and in the panel: found, confirmed, doubtful, left out."""
    out = {}
    settings, (obj,) = fresh(video, rig)
    motion = read_motion(people[0])
    apply_module = addon.module("bridge.apply_motion")
    root = KeysConfig(root_motion="root_bone")
    out["found"] = apply_module.apply_motion(bpy.context, motion, obj).to_data()["mapping"]
    found = detect_bones(read_armature(obj))
    unsure = replace(found, confidence={**found.confidence, "mixamorig:Head": 0.3})
    report = apply_module.apply_motion(bpy.context, motion, obj, ApplyOptions(bone_map=unsure)).to_data()
    out["doubtful"], out["notes"] = report["mapping"], report["notes"]
    out["in_place"] = apply_module.apply_motion(
        bpy.context, motion, obj, ApplyOptions(keys=KeysConfig(root_motion="in_place"))
    ).to_data()["mapping"]["root_bone"]
    try:
        apply_module.apply_motion(bpy.context, motion, obj, ApplyOptions(keys=root))
    except PoseCoreError as error:
        out["no_root"] = str(error)
    constraint = obj.pose.bones["mixamorig:LeftArm"].constraints.new("LIMIT_ROTATION")
    constraint.use_limit_x = constraint.use_limit_y = constraint.use_limit_z = True
    out["overruled"] = apply_module.apply_motion(bpy.context, motion, obj).to_data()["mapping"]["overruled"]
    obj.pose.bones["mixamorig:LeftArm"].constraints.remove(constraint)
    # left out: what a rig may lack and nothing makes certain
    plan_module = addon.module("bridge.plan")
    real = plan_module.map_bones
    plan_module.map_bones = lambda rig: sure_bones(
        rig, replace(found, confidence={**found.confidence, "mixamorig:LeftToeBase": 0.2})
    )
    try:
        report = apply_module.apply_motion(bpy.context, motion, obj).to_data()
    finally:
        plan_module.map_bones = real
    out["left_out"] = [report["mapping"], report["notes"]]

    settings.character, settings.target = "EXISTING", obj
    for name in ("automatic", "listed", "confirmed"):
        if name == "listed":
            bpy.ops.pose_core.detect_bones()
        if name == "confirmed":
            for row in obj.pose_core_bones.rows:
                row.confidence = 1.0
        with addon.worker_that_gives(people[0]):
            bpy.ops.pose_core.estimate()
        out[name] = dict(addon.state().summary.rows)["Bones"]
    settings.character = "NEW"
    with addon.worker_that_gives(people[0]):
        bpy.ops.pose_core.estimate()
    out["new"] = dict(addon.state().summary.rows)["Bones"]
    return out


def models(people, video, rig, network, detectors=""):
    """A network is registered from inside Blender, offered, chosen, asked for, and run by the real worker."""
    out = {}
    settings, (obj,) = fresh(video, rig)

    def offered():
        return {
            name: label
            for name, label, *_ in addon.module("estimate.property_group")._model_items(settings, bpy.context)
        }

    out["before"], out["default"] = offered(), settings.model
    description = network.with_suffix(".json")
    said = description.read_text()
    description.write_text(said.replace('"sha256": "', '"sha256": "0'))
    register = bpy.ops.pose_core.register_model
    out["other_hash"] = addon.refusal(lambda: register(filepath=str(network)))
    description.write_text(said)
    out["no_file"] = addon.refusal(lambda: register(filepath=str(network) + ".gone"))
    out["taken_name"] = addon.refusal(lambda: register(filepath=str(network), model_name=out["default"]))
    out["unchanged"] = offered() == out["before"]
    register(filepath=str(network))
    out["after"], out["chosen"] = offered(), settings.model
    request = addon.module("estimate.request").build_request(settings, addon.preferences())
    out["asked_for"] = request.track.model
    others = addon.module("machine.status").model_store(addon.preferences()).cache / out["default"]
    others.rename(others.with_suffix(".away"))  # it may bring a detector
    out["no_detector"] = addon.refusal(bpy.ops.pose_core.estimate)
    others.with_suffix(".away").rename(others)
    settings.model = out["default"]
    out["back"] = [settings.model, settings.model_name]
    settings.model_name = "elsewhere"
    addon.module("machine.status").readiness(bpy.context, anew=True)
    out["elsewhere"] = [settings.model, offered()["elsewhere"], addon.refusal(bpy.ops.pose_core.estimate)]
    settings.model = "person"
    if detectors:
        addon.preferences().model_folder = detectors
        settings.character, settings.target = "EXISTING", obj
        settings.use_range, settings.range_end_s = True, 1.2
        bpy.ops.pose_core.estimate()
        summary = addon.state().summary
        curves = curves_of(obj)
        out["run"] = {
            "keypoints": len(read_motion(summary.motion_paths[0]).keypoint_names),
            "keyed": len(curves),
            "frames": len(curves[0][2]),
            "rows": [list(row) for row in summary.rows],
            "finite": all(math.isfinite(value) for _, _, keys, _ in curves for value in keys.ravel()),
        }
    return out


def hand_turns(obj):
    """Where the left hand faces in the armature at some frames, as Blender evaluates it."""
    out = []
    for frame in (1, 10, 20):
        bpy.context.scene.frame_set(frame)
        pose = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose
        out.append(pose.bones["hand_l"].matrix.to_3x3().normalized())
    return out


def turn_deg(a, b):
    return math.degrees((b @ a.inverted()).to_quaternion().angle)
