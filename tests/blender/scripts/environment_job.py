"""Installs the worker environment by the extension's own buttons, tests it, runs a job in it, and removes it.

Arguments: zip, video, folder for results, folder of wheels.
"""

import sys
from pathlib import Path

import bpy

MODULE = "bl_ext.user_default.pose_core"


def refusal(call):
    """The text of the error that an operator refuses with."""
    try:
        call()
    except RuntimeError as error:
        return str(error)
    return ""


def main(args):
    zip_path, video, out, wheels = args
    bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
    preferences = bpy.context.preferences.addons[MODULE].preferences
    state = sys.modules[MODULE + ".job.state"].STATE
    settings = bpy.context.scene.pose_core
    settings.video_path, settings.output_folder = video, out
    settings.use_range, settings.range_end_s = True, 1.0
    facts = {"folder": str(preferences.environment)}

    preferences.base_python = str(Path(out) / "no-python")
    bpy.context.preferences.system.use_online_access = True
    facts["no base"] = refusal(bpy.ops.pose_core.install)
    preferences.base_python = ""
    preferences.wheel_folder = out
    facts["empty folder"] = refusal(bpy.ops.pose_core.install)
    facts["left after failure"] = [path.name for path in Path(facts["folder"]).parent.iterdir()]
    preferences.wheel_folder = wheels

    bpy.ops.pose_core.install()
    facts["installed"] = state.note
    status = sys.modules[MODULE + ".machine.status"]
    facts["ready"] = status.readiness(bpy.context, anew=True).tested
    bpy.ops.pose_core.verify()
    facts["verified"] = state.note
    bpy.ops.pose_core.self_test()
    facts["tested"] = state.note
    bpy.ops.pose_core.estimate()
    facts["made"] = list(state.summary.object_names)
    damaged = next(Path(facts["folder"]).rglob("pose_core/stages.py"))
    damaged.write_text(damaged.read_text() + "\n")
    facts["damaged"] = refusal(bpy.ops.pose_core.verify)
    # A library that lacks what is needed: the self-test must see it, and the panel must not go on saying "Ready".
    wanting = next(Path(facts["folder"]).rglob("pose_core/video/container.py"))
    wanting.write_text(wanting.read_text().replace("options=options", "no_such_option=1"))
    facts["failed test"] = refusal(bpy.ops.pose_core.self_test)
    facts["ready after failure"] = status.readiness(bpy.context, anew=True).tested
    bpy.ops.pose_core.remove()
    facts["left"] = [path.name for path in Path(facts["folder"]).parent.iterdir()]
    return facts
