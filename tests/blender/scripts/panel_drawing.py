"""Draws the panel and the preferences on a layout that checks every call against this Blender's own description.

Without a window nothing can be drawn for real; but whether functions, arguments, icons, properties and operators exist
in this version can be told. Arguments: zip, worker environment, video.
"""

import sys
from dataclasses import replace
from types import SimpleNamespace

import addon_utils
import bpy

MODULE = "bl_ext.user_default.pose_core"
FUNCTIONS = bpy.types.UILayout.bl_rna.functions
PROPERTIES = bpy.types.UILayout.bl_rna.properties
ICONS = set(FUNCTIONS["label"].parameters["icon"].enum_items.keys())
# Functions of Blender's that are written in Python's C interface and not described.
RETURNS_LAYOUT = {"row", "column", "box", "split"}


class CheckedLayout:
    """Takes every call that a real layout of this version would take; remembers texts."""

    def __init__(self, texts):
        object.__setattr__(self, "texts", texts)

    def __setattr__(self, name, value):
        assert name in PROPERTIES, f"a layout has no '{name}'"
        kind = PROPERTIES[name]
        if kind.type == "ENUM":
            assert value in kind.enum_items.keys(), f"'{value}' is no {name}"  # noqa: SIM118 - not a dictionary

    def __getattr__(self, name):
        assert name in FUNCTIONS, f"a layout has no function '{name}'"
        parameters = FUNCTIONS[name].parameters

        def call(*args, **kwargs):
            for key, value in kwargs.items():
                assert key in parameters, f"{name}() has no argument '{key}'"
                if key == "icon":
                    assert value in ICONS, f"there is no icon '{value}'"
            self.texts.append(str(kwargs.get("text", "")))
            if name in RETURNS_LAYOUT:
                return CheckedLayout(self.texts)
            if name == "panel":
                return CheckedLayout(self.texts), CheckedLayout(self.texts)
            if name == "prop":
                owner, prop = args
                assert prop in owner.bl_rna.properties, f"{owner} has no '{prop}'"
            if name == "operator":
                group, _, operator = args[0].partition(".")
                kind = getattr(getattr(bpy.ops, group), operator).get_rna_type()
                self.texts.append(kwargs.get("text") or kind.name)
                return CheckedOperator(kind)
            return None

        return call


class CheckedOperator:
    """Takes the properties that an operator has."""

    def __init__(self, kind):
        object.__setattr__(self, "kind", kind)

    def __setattr__(self, name, value):
        del value
        assert name in self.kind.properties, f"{self.kind.identifier} has no '{name}'"


def main(args):
    zip_path, environment, video = args
    bpy.ops.extensions.package_install_files(filepath=zip_path, repo="user_default", enable_on_install=True)
    assert addon_utils.check(MODULE)[1]
    state = sys.modules[MODULE + ".job.state"]
    panel = sys.modules[MODULE + ".estimate.panel"].POSE_CORE_PT_main
    from bl_ext.user_default.pose_core.bones import panel as bones_ui
    from bl_ext.user_default.pose_core.cast import panel as cast_ui
    from bl_ext.user_default.pose_core.machine import panel as preferences_ui

    preferences = bpy.context.preferences.addons[MODULE].preferences
    settings = bpy.context.scene.pose_core
    drawn = {}

    def draw(name):
        texts = []
        panel.draw(SimpleNamespace(layout=CheckedLayout(texts)), bpy.context)
        panel.draw_header_preset(SimpleNamespace(layout=CheckedLayout(texts)), bpy.context)
        preferences_ui.draw_preferences(preferences, CheckedLayout(texts), bpy.context)
        drawn[name] = [text for text in texts if text]

    draw("setup")
    preferences.environment_path = environment
    draw("idle")
    settings.video_path = video + ".gone"
    settings.character, settings.people = "EXISTING", "ID"
    settings.use_fov = settings.use_tilt = settings.use_range = settings.use_fewer_keys = True
    settings.root_motion = "root_bone"
    draw("options")
    settings.target = bpy.data.objects.new("Hero", bpy.data.armatures.new("Hero"))
    draw("bones automatic")
    settings.people = "ALL"
    draw("several characters offered")
    for target in (settings.target, None):
        settings.cast.add().target = target
    settings.cast[1].whom, settings.cast[1].person_id = "NUMBER", 3
    settings.active_role = 1
    draw("several characters")
    texts = []
    for role in settings.cast:
        cast_ui.draw_role(CheckedLayout(texts), role)
    drawn["roles"] = [text for text in texts if text]
    settings.people = "ID"
    rows = settings.target.pose_core_bones.rows
    for part, bone in (("head", "skull"), ("left_upper_arm", "arm"), ("right_toe", "")):
        row = rows.add()
        row.part, row.bone = part, bone
    draw("bones listed")
    rows[0].confidence = 0.1
    draw("bones doubtful")
    texts = []
    for row in rows:
        bones_ui.draw_row(CheckedLayout(texts), settings.target, row)
    drawn["bone rows"] = [text for text in texts if text]
    settings.video_path, settings.character = video, "NEW"
    state.STATE.problem = state.Problem("setup", "something broke", "try again", "Traceback")
    draw("problem")
    state.STATE.problem, state.STATE.note = None, "all is well"
    draw("note")
    spans = tuple(state.Span(10 * k, 10 * k + 5, "unsure") for k in range(9))
    state.STATE.summary = state.Summary(
        bpy.context.scene.name, ("Rig",), "clip.mp4", (("Frames", "3"),), spans, ("mind " * 30,), ("m",), "p.mp4"
    )
    draw("summary")
    state.STATE.summary = replace(state.STATE.summary, object_names=("Hero", "A villain with a long name"))
    draw("summary of two")
    runner = SimpleNamespace(close=lambda: None, cancel=lambda: None)
    state.STATE.job = state.JobView("estimate", "Estimate Pose", runner, "Finding people", 0.4, "3/9")
    draw("job")
    state.STATE.reset()

    folder, _, name = video.rpartition("/")
    bpy.ops.pose_core.drop_video(directory=folder, files=[{"name": name}])
    return {"drawn": drawn, "dropped": settings.video_path, "handler": hasattr(bpy.types, "POSE_CORE_FH_video")}
