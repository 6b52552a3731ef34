"""The parts of the panel in which a job is set up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy

from ..cast import panel as cast_ui
from ..cast.property_group import uses_list
from ..job.text import draw_text, shortened
from ..machine.status import readiness
from .property_group import PoseCoreSettings

Draw = Callable[[bpy.types.UILayout, PoseCoreSettings], None]


def draw_video(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """The video, with its folder button; the whole width, as paths are long."""
    column = layout.column(align=True)
    column.use_property_split = False
    missing = video_is_missing(settings)
    row = column.row(align=True)
    row.alert = missing
    row.prop(settings, "video_path", text="", icon="FILE_MOVIE", placeholder="Choose or drop a video")
    row.operator("pose_core.choose_video", text="", icon="FILE_FOLDER")
    if missing:
        row = column.row()
        row.alert = True
        row.label(text=f"There is no '{shortened(Path(settings.video_path.strip()).name)}'", icon="ERROR")


def draw_character(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """Who gets the motion, from which frame on, and who is followed."""
    column = layout.column(align=True)
    column.use_property_split = False
    column.row(align=True).prop(settings, "character", expand=True)
    if settings.character == "EXISTING" and not uses_list(settings):
        column.prop(settings, "target", text="", icon="OUTLINER_OB_ARMATURE", placeholder="Choose an armature")
    column = layout.column()
    column.prop(settings, "people")
    if settings.people == "ID":
        column.prop(settings, "person_id")
    if settings.people == "ALL" and settings.character == "EXISTING":
        several = column.column()
        several.use_property_split = False
        cast_ui.draw_cast(several, settings)
    column.prop(settings, "height_m", text="Height")
    column.prop(settings, "frame_start")


def draw_model(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """Which network is used, and the way to one of one's own."""
    column = layout.column()
    column.use_property_split = False
    column.prop(settings, "model", text="")
    if problem := readiness(bpy.context).chosen_problem:
        draw_text(column, bpy.context, problem, "ERROR")
    column.operator("pose_core.register_model", icon="ADD")


def draw_camera(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """What is known of the camera."""
    _draw_optional(layout, settings, "use_fov", "Field of View", ("fov_rad",))
    _draw_optional(layout, settings, "use_tilt", "Tilt", ("pitch_rad", "roll_rad"))


def draw_motion(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """How the motion is cleaned."""
    layout.prop(settings, "smoothness", slider=True)
    layout.prop(settings, "max_gap_s", text="Fill Gaps")
    column = layout.column(heading="Feet")
    column.prop(settings, "foot_contact", text="Plant")
    column.prop(settings, "floor", text="On Floor")


def draw_timing(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """Which part of the video, and where keys go."""
    layout.prop(settings, "fps_mode", text="Keys")
    column = layout.column(heading="From Video")
    column.prop(settings, "set_scene_fps", text="Frame Rate")
    column.prop(settings, "set_frame_range", text="Frame Range")
    layout.prop(settings, "use_range", text="Only a Part")
    if settings.use_range:
        column = layout.column(align=True)
        column.prop(settings, "range_start_s")
        column.prop(settings, "range_end_s")


def draw_keys(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """Which keys are written."""
    layout.prop(settings, "use_fewer_keys")
    if settings.use_fewer_keys:
        layout.prop(settings, "key_error_mm", text="Error (mm)")
    layout.prop(settings, "rotation_mode")
    layout.prop(settings, "root_motion")
    if settings.root_motion == "root_bone":
        layout.prop(settings, "root_bone", placeholder="Topmost")
    column = layout.column(heading="Action")
    column.prop(settings, "push_to_nla")
    column.prop(settings, "replace_action")


def draw_export(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """Where the motion goes next."""
    layout.prop(settings, "export_preset")
    layout.prop(settings, "export_clips")
    if settings.export_preset.startswith("fbx"):
        layout.prop(settings, "export_scene_time")
    layout.operator("pose_core.export", icon="EXPORT")


def draw_output(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """Which files are written where."""
    layout.prop(settings, "output_folder", placeholder="Automatic")
    column = layout.column(heading="Also Write")
    column.prop(settings, "write_preview")


def video_is_missing(settings: PoseCoreSettings) -> bool:
    """Whether a path was given that leads nowhere; patterns of images are left to the worker."""
    given = settings.video_path.strip()
    return bool(given) and not any(sign in given for sign in "#%") and not Path(bpy.path.abspath(given)).exists()


def _draw_optional(
    layout: bpy.types.UILayout, settings: PoseCoreSettings, switch: str, heading: str, names: tuple[str, ...]
) -> None:
    column = layout.column(align=True)
    column.prop(settings, switch)
    if getattr(settings, switch):
        for name in names:
            column.prop(settings, name)


OPEN_AT_FIRST: frozenset[str] = frozenset()
"""Names of the parts that are open until a user closes them."""
OPTIONS: tuple[tuple[str, str, Draw], ...] = (
    ("model", "Model", draw_model),
    ("camera", "Camera", draw_camera),
    ("motion", "Motion", draw_motion),
    ("timing", "Timing", draw_timing),
    ("keys", "Keys", draw_keys),
    ("output", "Output", draw_output),
    ("export", "Export", draw_export),
)
