"""Runs inside Blender with its interface: sets up one state of the panels after the other to be photographed.

Prints `SHOT {json}` with name and place (pixels from the top left of the screen) when a state has been drawn, and goes
on when a file named after the picture appears in the folder for results; `END` at last.

Arguments: zip, worker environment, video, character file, folder for results.
"""

import json
import shutil
import sys
import time
import traceback
from pathlib import Path

import addon_utils
import bpy
from mathutils import Quaternion

MODULE = "bl_ext.user_default.pose_core"
SETTLE_S = 2.5
JOB_S = 300.0

zip_path, environment, video, rig, out = sys.argv[sys.argv.index("--") + 1 :]
walk = {"steps": None, "waiting": None, "since": 0.0}


def window():
    return bpy.context.window_manager.windows[0]


def view():
    shown = ("VIEW_3D", "PREFERENCES", "FILE_BROWSER")
    return max((area for area in window().screen.areas if area.type in shown), key=lambda area: area.width)


def region(kind):
    return next(region for region in view().regions if region.type == kind)


def module(name):
    return sys.modules[f"{MODULE}.{name}"]


def settings():
    return bpy.context.scene.pose_core


def preferences():
    return bpy.context.preferences.addons[MODULE].preferences


def ready():
    """Whether the sidebar has been drawn, so that its tab can be chosen."""
    sidebar = region("UI")
    view().tag_redraw()
    if sidebar.active_panel_category == "UNSUPPORTED":
        return False
    sidebar.active_panel_category = "Pose"
    return sidebar.active_panel_category == "Pose"


def shot(name, whole=False):
    """Wait until all is drawn, tell the place, and wait until the picture is taken."""
    for area in window().screen.areas:
        area.tag_redraw()
    until_s = time.monotonic() + SETTLE_S
    while time.monotonic() < until_s:
        yield
    area = view() if whole else region("UI")
    top = window().height - area.y - area.height
    place = {"x": area.x, "y": top, "width": area.width, "height": area.height}
    print("SHOT", json.dumps({"name": name, "whole": whole, **place}), flush=True)
    while not (Path(out) / f"{name}.taken").exists():
        yield


def parts(*names):
    """Show only these parts, open: under another name, as Blender remembers what was closed."""
    sections = module("estimate.sections")
    walk.setdefault("all", sections.OPTIONS)
    shown = [(f"{name}_shown", label, draw) for name, label, draw in walk["all"] if name in names]
    sections.OPEN_AT_FIRST = frozenset(name for name, _, _ in shown)
    sections.OPTIONS = tuple(shown)


def job(operator):
    """Start a job and wait for its end."""
    with bpy.context.temp_override(window=window(), area=view(), region=region("WINDOW")):
        operator("INVOKE_DEFAULT")
    until_s = time.monotonic() + JOB_S
    while module("job.state").STATE.job is not None and time.monotonic() < until_s:
        yield


def character():
    """The character, seen from its front left."""
    bpy.ops.import_scene.fbx(filepath=rig, anim_offset=0.0)
    obj = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    space = view().spaces.active
    space.overlay.show_relationship_lines = False
    space.shading.color_type = "MATERIAL"
    obj.show_in_front = True
    look = space.region_3d
    look.view_rotation = Quaternion((0.74, 0.62, 0.16, 0.2))
    look.view_distance, look.view_location = 3.4, (0.0, -1.0, 0.85)
    return obj


def pictures():
    """All states, one after the other."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    yield from shot("panel_setup")
    preferences().environment_path = environment
    hero = character()
    shots = Path("/tmp/shots")  # noqa: S108 - inside a root of its own, whose /tmp is empty; a short path to show
    shots.mkdir(exist_ok=True)
    settings().video_path, settings().output_folder = str(shutil.copy(video, shots)), str(shots)
    settings().character, settings().target = "EXISTING", hero
    settings().height_m = 1.75
    settings().write_preview = True
    yield from job(bpy.ops.pose_core.estimate)
    if module("job.state").STATE.problem is not None:
        raise RuntimeError(module("job.state").STATE.problem.message)
    bpy.context.scene.frame_set(72)
    for obj in bpy.context.view_layer.objects:
        obj.select_set(False)
    yield from shot("panel", whole=True)

    module("job.state").STATE.summary = None
    for name in ("model", "camera", "motion", "timing", "keys", "output", "export"):
        parts(name)
        settings().use_fov = settings().use_tilt = settings().use_range = settings().use_fewer_keys = True
        settings().root_motion = "root_bone"
        yield from shot(f"part_{name}")

    parts()
    with bpy.context.temp_override(window=window(), area=view()):
        bpy.ops.pose_core.detect_bones()
    rows = hero.pose_core_bones.rows
    first = {row.part: i for i, row in reversed(list(enumerate(rows)))}
    rows[first["left_hand"]].correction = (0.436, -0.175, 0.0)
    rows[first["head"]].confidence = 0.3
    hero.pose_core_bones.active_row = first["left_hand"]
    yield from shot("panel_bones_waiting")
    rows[first["head"]].confidence = 0.7
    bones_ui = module("bones.panel")
    # What was open while bones waited stays so under its name: no click is needed to open the section.
    bones_ui = module("bones.panel")
    bones_ui.PANEL_ID += "_waiting"
    yield from shot("panel_bones")
    bones_ui.PANEL_ID = bones_ui.PANEL_ID.removesuffix("_waiting")

    bpy.ops.pose_core.clear_bones()
    settings().people = "ALL"
    yield from shot("panel_people_offered")
    other = hero.copy()
    other.name, other.data = "Villain", hero.data.copy()
    bpy.context.collection.objects.link(other)
    other.location.x = 1.5
    hero.select_set(True)
    other.select_set(True)
    bpy.context.view_layer.objects.active = hero
    with bpy.context.temp_override(window=window(), area=view(), selected_objects=[hero, other]):
        bpy.ops.pose_core.add_roles()
    settings().cast.add()
    settings().active_role = 1
    settings().cast[1].whom, settings().cast[1].person_id = "NUMBER", 3
    yield from shot("panel_people")
    while len(settings().cast):
        settings().active_role = 0
        bpy.ops.pose_core.remove_role()

    state = module("job.state")
    settings().people = "MAIN"
    state.STATE.summary = state.Summary(
        bpy.context.scene.name, ("Hero", "Villain"), "street_two_people_at_the_corner_take_12.mp4",
        (("Frames", "236  (7.87 s)"), ("Frame Rate", "29.97 fps"), ("People", "3 found, kept 1, 2"),
         ("Person 1", "Hero"), ("Person 2", "Villain"), ("Bones", "86 keyed, 97 % sure"), ("Reprojection", "2.4 px"),
         ("Unsure", "2 spans")),
        (state.Span(12, 20, "unsure (person 1)"), state.Span(101, 131, "filled in (person 2)")),
        ("Hero: Left out because not certain: left_toe (perhaps 'LeftToeBase').",), ("m",), video,
    )  # fmt: skip
    yield from shot("panel_result")
    state.STATE.problem = state.Problem(
        "estimate", "Some bones of 'Hero' are not certain: Head, Left Hand.",
        "Look at the marked rows under Bones, then confirm or correct them.", "Traceback",
    )  # fmt: skip
    state.STATE.summary = None
    yield from shot("panel_problem")
    state.STATE.problem = None

    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    with bpy.context.temp_override(window=window(), area=view(), region=region("WINDOW")):
        bpy.ops.pose_core.register_model("INVOKE_DEFAULT", filepath="/tmp/shots/seed.onnx")  # noqa: S108
    yield from shot("register_model", whole=True)
    with bpy.context.temp_override(window=window(), area=view(), region=region("WINDOW")):
        bpy.ops.file.cancel()
    yield

    # In place of the 3D view: a window of its own is not drawn on a display without a window manager.
    view().type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Pose Core"
    bpy.ops.preferences.addon_expand(module=MODULE)
    yield from shot("preferences", whole=True)


def tick():
    try:
        if walk["steps"] is None:
            if not ready():
                return 0.2
            walk["steps"] = pictures()
        next(walk["steps"])
    except StopIteration:
        print("END", flush=True)
        bpy.ops.wm.quit_blender()
        return None
    except Exception:  # noqa: BLE001 - Blender would drop the timer without a word
        traceback.print_exc()
        print("BROKEN", flush=True)
        return None
    return 0.1


def begin():
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
    assert addon_utils.check(MODULE)[1]
    view().spaces.active.show_region_ui = True
    bpy.app.timers.register(tick, first_interval=0.2, persistent=True)


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(begin, first_interval=0.5)
