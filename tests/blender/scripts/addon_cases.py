"""The add-on's buttons in background mode, on what a made-up worker gives; each function returns plain data.

Arguments: folder with motion files, worker environment, video, two rig files.
"""

from pathlib import Path

import bpy

from blender_addon.bridge.rig_import import import_rig
from tests.support import addon
from tests.support.in_blender import fingerprint


def main(args):
    folder, environment, video, mixamo, other = args
    people = [Path(folder) / f"clip.p{number}.motion.npz" for number in (1, 2, 3)]
    addon.enable(environment)
    return {
        "cast": cast(people, video, mixamo, other),
        "alone": alone(people, video, mixamo),
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
    apply_module = addon.module("bridge.apply_motion")
    real, calls = apply_module.push_to_nla, []

    def breaks(*args):
        calls.append(1)
        if len(calls) == 2:
            raise addon.module("bridge.apply_motion").ConfigError("on purpose")
        return real(*args)

    apply_module.push_to_nla = breaks
    try:
        with addon.worker_that_gives(*people):
            return addon.refusal(bpy.ops.pose_core.estimate)
    finally:
        apply_module.push_to_nla = real


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
