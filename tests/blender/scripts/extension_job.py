"""Installs the extension's zip as a user does, runs jobs with it in blocking mode, and reads everything back.

Arguments: zip, worker environment, video, folder for results.
"""

import sys
from pathlib import Path

import addon_utils
import bpy

MODULE = "bl_ext.user_default.pose_core"


def ours():
    """Names in Blender that belong to the add-on."""
    classes = {name for name in dir(bpy.types) if name.lower().startswith(("pose_core", "posecore"))}
    handlers = [f for f in bpy.app.handlers.load_post if f.__module__.startswith(MODULE)]
    return {
        "classes": sorted(classes),
        "operators": sorted(name for name in dir(bpy.ops.pose_core) if not name.startswith("_")),
        "property": hasattr(bpy.types.Scene, "pose_core"),
        "handlers": len(handlers),
    }


def refusal(call):
    """The text of the error that an operator refuses with."""
    try:
        call()
    except RuntimeError as error:
        return str(error)
    return ""


def scene_content():
    """What a failed job must leave as it was."""
    scene = bpy.context.scene
    return [
        sorted(obj.name for obj in bpy.data.objects),
        sorted(action.name for action in bpy.data.actions),
        [scene.frame_start, scene.frame_end, scene.render.fps, scene.render.fps_base],
    ]


def main(args):
    zip_path, environment, video, out = args
    bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
    assert MODULE in bpy.context.preferences.addons
    registered = ours()

    cycles = []
    for _ in range(2):
        addon_utils.disable(MODULE, default_set=True)
        cycles.append(ours())
        addon_utils.enable(MODULE, default_set=True)
        cycles.append(ours())

    preferences = bpy.context.preferences.addons[MODULE].preferences
    settings = bpy.context.scene.pose_core
    settings.output_folder = out
    settings.set_frame_range = True
    before = scene_content()
    refusals = {"no video": refusal(bpy.ops.pose_core.estimate)}
    settings.video_path = video
    refusals["no environment"] = refusal(bpy.ops.pose_core.estimate)
    refusals["offline"] = refusal(bpy.ops.pose_core.install)
    preferences.environment_path = environment
    settings.video_path = video + ".gone"
    refusals["video gone"] = refusal(bpy.ops.pose_core.estimate)
    settings.video_path = video
    settings.character = "EXISTING"
    refusals["no character"] = refusal(bpy.ops.pose_core.estimate)
    unchanged = scene_content() == before
    bpy.ops.object.armature_add()
    settings.target = bpy.context.object
    refusals["one bone"] = refusal(bpy.ops.pose_core.estimate)
    bpy.ops.object.delete()
    settings.character = "NEW"

    settings.use_range = True
    settings.range_end_s = 2.0
    settings.frame_start = 11
    settings.write_preview = True
    outcome = bpy.ops.pose_core.estimate()
    state = sys.modules[MODULE + ".job.state"].STATE
    summary = state.summary
    assert state.problem is None
    obj = bpy.data.objects[summary.object_names[0]]
    scene = bpy.context.scene

    from pose_core.motion_file import read_motion

    motion = read_motion(summary.motion_paths[0])
    worst_m = 0.0
    for index in (0, 20, 45):
        scene.frame_set(11 + index)
        for bone, joint in (("head", "head"), ("left_hand", "left_wrist"), ("right_foot", "right_ankle")):
            head = obj.matrix_world @ obj.pose.bones[bone].head
            wanted = motion.joints_world_m[index, motion.joint_names.index(joint)]
            worst_m = max(worst_m, *(abs(a - b) for a, b in zip(head, wanted, strict=True)))
    fbx = str(Path(out) / "person.fbx")
    exported = bpy.ops.pose_core.export_fbx(filepath=fbx)
    curves = sys.modules[MODULE + ".bridge.compat"].action_curves(obj.animation_data.action)
    keys = [[key.co[0] for key in curve.keyframe_points] for curve in curves]
    return {
        "version": bpy.app.version_string,
        "pose_core": sys.modules["pose_core"].__file__,
        "registered": registered,
        "cycles": cycles,
        "refusals": refusals,
        "unchanged": unchanged,
        "outcome": sorted(outcome),
        "rows": [list(row) for row in summary.rows],
        "preview": summary.preview_path,
        "frames": len(motion.timestamps_s),
        "curves": len(keys),
        "key_frames": keys[0],
        "same_frames": all(frames == keys[0] for frames in keys),
        "fps": scene.render.fps / scene.render.fps_base,
        "range": [scene.frame_start, scene.frame_end],
        "bones": sorted(bone.name for bone in obj.pose.bones),
        "worst_m": worst_m,
        "exported": sorted(exported),
        "fbx": fbx,
    }
