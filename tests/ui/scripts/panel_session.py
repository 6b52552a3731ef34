"""Runs inside Blender with its interface: installs the extension, reports what happens, obeys a few words.

Prints lines that start with a word: REGION (the sidebar's place on the screen, pixels from the top left), HOVER (the
command of the button below the pointer), JOB (a change of the running job), IDLE (the end of one, with all that is
known about it), DID (a word from `commands.txt` was obeyed).

Arguments: zip, worker environment, video, folder for results, folder with `commands.txt`.
"""

import json
import sys
import time
import traceback
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import addon_utils
import bpy

MODULE = "bl_ext.user_default.pose_core"
HEARTBEAT_S = 0.02

zip_path, environment, video, out, share = sys.argv[sys.argv.index("--") + 1 :]
seen = {"hover": "", "job": None, "beats": [], "commands": 0, "stages": [], "draws": [], "drawn": 0.0}


def say(word, /, **facts):
    print(word, json.dumps(facts), flush=True)


def guarded(function):
    """A timer whose errors are seen instead of ending it silently."""

    def run():
        try:
            return function()
        except Exception:  # noqa: BLE001 - Blender would drop the timer without a word
            traceback.print_exc()
            print("BROKEN", flush=True)
            return None

    return run


def window():
    return bpy.context.window_manager.windows[0]


def view():
    return max((area for area in window().screen.areas if area.type == "VIEW_3D"), key=lambda area: area.width)


def has_view():
    return any(area.type == "VIEW_3D" for area in window().screen.areas)


def sidebar():
    return next(region for region in view().regions if region.type == "UI")


def state():
    return sys.modules[MODULE + ".job.state"].STATE


def scene_facts():
    scene = bpy.context.scene
    return {
        "objects": sorted(obj.name for obj in bpy.data.objects),
        "actions": sorted(action.name for action in bpy.data.actions),
        "takes": sorted(
            obj.animation_data.action.name
            for obj in bpy.data.objects
            if obj.animation_data is not None and obj.animation_data.action is not None
        ),
        "fps": scene.render.fps / scene.render.fps_base,
        "range": [scene.frame_start, scene.frame_end],
    }


@guarded
def install():
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
    view().spaces.active.show_region_ui = True
    settings = bpy.context.scene.pose_core
    settings.video_path = video
    settings.output_folder = out
    bpy.app.timers.register(show_tab, first_interval=0.1)
    bpy.app.timers.register(heartbeat, first_interval=0.1, persistent=True)
    bpy.app.timers.register(watch, first_interval=0.1, persistent=True)
    bpy.types.SpaceView3D.draw_handler_add(draw_begins, (), "WINDOW", "PRE_VIEW")
    bpy.types.SpaceView3D.draw_handler_add(draw_ends, (), "WINDOW", "POST_PIXEL")


@guarded
def show_tab():
    region = sidebar()
    view().tag_redraw()
    # Before its first drawing the region knows no categories.
    if region.active_panel_category == "UNSUPPORTED":
        return 0.1
    region.active_panel_category = "Pose"
    if region.active_panel_category != "Pose":
        return 0.1
    top = window().height - region.y - region.height
    say("REGION", x=region.x, y=top, width=region.width, height=region.height)
    return None


@guarded
def heartbeat():
    if state().job is not None:
        seen["beats"].append((time.perf_counter(), state().job.stage))
    return HEARTBEAT_S


def draw_begins():
    seen["drawn"] = time.perf_counter()


def draw_ends():
    if state().job is not None:
        seen["draws"].append(time.perf_counter() - seen["drawn"])


@guarded
def watch():
    report_job()
    report_hover()
    obey()
    return 0.05


def report_job():
    job = state().job
    stage = None if job is None else job.stage
    if stage == seen["job"]:
        if job is not None:
            seen["stages"].append(job.fraction)
        return
    seen["job"] = stage
    if job is not None:
        say("JOB", stage=stage, fraction=job.fraction, detail=job.detail)
        return
    beats = seen["beats"]
    pauses = [(b - a, stage) for (a, _), (b, stage) in pairwise(beats)]
    problem, summary = state().problem, state().summary
    say(
        "IDLE",
        note=state().note,
        problem="" if problem is None else problem.message,
        rows=[] if summary is None else [list(row) for row in summary.rows],
        made=[] if summary is None else list(summary.object_names),
        ticks=state().ticks,
        start_s=state().start_s,
        slowest_tick_s=state().slowest_tick_s,
        longest_redraws_s=sorted(seen["draws"], reverse=True)[:5],
        heartbeats=len(beats),
        longest_pauses_s=sorted(pauses, reverse=True)[:5],
        fractions=len(set(seen["stages"])),
        **scene_facts(),
    )
    seen["beats"], seen["stages"], seen["draws"] = [], [], []


def report_hover():
    """Tell which operator's button is below the pointer, by the command that Blender would copy for it."""
    if not has_view():
        return
    with bpy.context.temp_override(window=window(), area=view(), region=sidebar()):
        if not bpy.ops.ui.copy_python_command_button.poll():
            command = ""
        else:
            bpy.ops.ui.copy_python_command_button()
            command = bpy.context.window_manager.clipboard
    if command != seen["hover"]:
        seen["hover"] = command
        say("HOVER", command=command)


def obey():
    path = Path(share) / "commands.txt"
    words = path.read_text().split() if path.exists() else []
    for word in words[seen["commands"] :]:
        seen["commands"] += 1
        COMMANDS[word]()
        for area in window().screen.areas:
            area.tag_redraw()
        say("DID", word=word, **scene_facts())


def set_environment(path):
    bpy.context.preferences.addons[MODULE].preferences.environment_path = path
    sidebar().tag_redraw()


def show_problem():
    bpy.context.scene.pose_core.character = "NEW"  # bones that wait for an answer would be the first problem
    bpy.context.scene.pose_core.video_path = video + ".gone"
    with bpy.context.temp_override(window=window(), area=view(), region=sidebar()):
        bpy.ops.pose_core.estimate("INVOKE_DEFAULT")


def show_bones():
    """A character whose head and hand are not certain, with its list of bones."""
    addon_utils.enable("rigify", default_set=True)
    with bpy.context.temp_override(window=window(), area=view()):
        bpy.ops.object.armature_basic_human_metarig_add()
        settings = bpy.context.scene.pose_core
        settings.character, settings.target = "EXISTING", bpy.context.object
        bpy.ops.pose_core.detect_bones()
    for row in settings.target.pose_core_bones.rows:
        if row.part in ("head", "left_hand"):
            row.confidence = 0.3
    settings.target.pose_core_bones.active_row = 6


class GivesMotions:
    """A worker that ends at once: two people who move like the one that was found before."""

    def __init__(self, _python):
        from pose_core.motion_file import read_motion, write_motion

        first = Path(out) / "mannequin_walk.motion.npz"
        second = Path(share) / "second.motion.npz"
        write_motion(second, replace(read_motion(first), person_id=2))
        self.paths = [str(first), str(second)]

    def estimate(self, _request):
        pass

    def poll(self):
        from pose_core.worker.protocol import Result

        return [Result("job", {"frames": 1, "people_found": 2}, self.paths)]

    def close(self):
        sys.modules[MODULE + ".estimate.operators"].WorkerClient = seen["worker"]


def put_on_two():
    """Both people onto two characters of the scene."""
    settings = bpy.context.scene.pose_core
    with bpy.context.temp_override(window=window(), area=view()):
        bpy.ops.object.select_all(action="DESELECT")
        for name in ("Left", "Right"):
            copy = bpy.data.objects["mannequin_walk"].copy()
            copy.data = copy.data.copy()
            copy.animation_data_clear()
            copy.name = name
            copy.location.x = -2.0 if name == "Left" else 2.0
            bpy.context.collection.objects.link(copy)
            copy.select_set(True)
        bpy.ops.ed.undo_push(message="Two characters")
        settings.character, settings.people, settings.target = "EXISTING", "ALL", None
        bpy.ops.pose_core.add_roles()
        operators = sys.modules[MODULE + ".estimate.operators"]
        seen["worker"], operators.WorkerClient = operators.WorkerClient, GivesMotions
        bpy.ops.pose_core.estimate("INVOKE_DEFAULT")


def show_preferences():
    # In place of the 3D view: a window of its own is not drawn on a display without a window manager.
    area = view()
    area.type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Pose Core"
    bpy.ops.preferences.addon_expand(module=MODULE)


COMMANDS = {
    "environment": lambda: set_environment(environment),
    "no-environment": lambda: set_environment(""),
    "facts": lambda: None,
    "problem": show_problem,
    "bones": show_bones,
    "two": put_on_two,
    "preferences": show_preferences,
    "quit": lambda: bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.1),
}

bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(install, first_interval=0.5)
