"""The button, the progress of a job, its result or its failure; and what is to be done before a first job."""

from __future__ import annotations

import bpy

from ..cast.property_group import uses_list
from ..estimate.property_group import PoseCoreSettings
from ..machine.preferences import get_preferences
from ..machine.status import Readiness
from .state import STATE, JobView, Problem, Summary
from .text import draw_text, shortened

SPANS_SHOWN = 4
WARNINGS_SHOWN = 4
EXPORTS_SHOWN = 3
NAME_CHARACTERS = 12


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, settings: PoseCoreSettings) -> None:
    """The button or the running job, then what the last one came to."""
    if STATE.job is not None:
        draw_progress(layout, STATE.job)
        return
    column = layout.column()
    column.separator(factor=0.5)
    row = column.row()
    row.scale_y = 1.6
    row.enabled = bool(settings.video_path.strip()) and has_character(context, settings)
    row.operator("pose_core.estimate", icon="PLAY")
    draw_outcome(layout, context)
    if STATE.summary is not None and STATE.summary.scene_name == context.scene.name:
        draw_summary(layout, context, STATE.summary)


def has_character(context: bpy.types.Context, settings: PoseCoreSettings) -> bool:
    """Whether it is said who gets the motion; what exactly is wrong the button says."""
    if settings.character == "NEW" or settings.target is not None or uses_list(settings):
        return True
    return settings.people == "ALL" and any(obj.type == "ARMATURE" for obj in context.selected_objects)


def draw_progress(layout: bpy.types.UILayout, job: JobView) -> None:
    """How far the job is, and the way to stop it."""
    box = layout.box()
    column = box.column()
    column.label(text=job.title, icon="SORTTIME")
    bar = column.row()
    bar.scale_y = 1.2
    bar.progress(factor=job.fraction, text=f"{job.stage}  {100 * job.fraction:.0f}%")
    detail = column.row()
    detail.active = False
    detail.label(text=job.detail or " ")
    stop = column.row()
    stop.enabled = job.cancellable and not job.cancelling
    stop.operator("pose_core.cancel", text="Cancelling..." if job.cancelling else "Cancel  (Esc)", icon="CANCEL")


def draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The last failure or good word."""
    if STATE.problem is not None:
        draw_problem(layout, context, STATE.problem)
    elif STATE.note:
        row = layout.row()
        draw_text(row, context, STATE.note, "INFO")
        row.operator("pose_core.dismiss", text="", icon="X", emboss=False)


def draw_problem(layout: bpy.types.UILayout, context: bpy.types.Context, problem: Problem) -> None:
    """What went wrong, and what to try."""
    box = layout.box()
    head = box.row()
    title = head.row()
    title.alert = True
    titles = {
        "estimate": "Estimate failed",
        "setup": "Setup failed",
        "export": "Export failed",
        "bones": "Bones",
        "model": "Model",
    }
    title.label(text=titles.get(problem.kind, "Failed"), icon="ERROR")
    head.operator("pose_core.dismiss", text="", icon="X", emboss=False)
    draw_text(box, context, problem.message[:1].upper() + problem.message[1:])
    if problem.hint:
        draw_text(box, context, problem.hint, "INFO")
    if problem.details:
        box.operator("pose_core.copy_details", icon="COPYDOWN")


def draw_summary(layout: bpy.types.UILayout, context: bpy.types.Context, summary: Summary) -> None:
    """What the last job made, where to look closer, and what to do with it."""
    box = layout.box()
    box.label(text=shortened(summary.source), icon="CHECKMARK")
    column = box.column(align=True)
    column.scale_y = 0.85
    for name, value in summary.rows:
        split = column.split(factor=0.4)
        left = split.row()
        left.alignment = "RIGHT"
        left.active = False
        left.label(text=name)
        split.label(text=value)
    if summary.spans:
        column = box.column(align=True)
        for span in summary.spans[:SPANS_SHOWN]:
            text = f"{span.first_frame} - {span.last_frame}:  {span.reason}"
            column.operator("pose_core.go_to_frame", text=text, icon="VIEWZOOM").frame = span.first_frame
        if len(summary.spans) > SPANS_SHOWN:
            column.label(text=f"and {len(summary.spans) - SPANS_SHOWN} more")
    for warning in summary.warnings[:WARNINGS_SHOWN]:
        draw_text(box, context, warning, "INFO")
    buttons = layout.column(align=True)
    row = buttons.row(align=True)
    row.scale_y = 1.2
    several = len(summary.object_names) > 1
    for name in summary.object_names[:EXPORTS_SHOWN]:
        text = f"Export {shortened(name, NAME_CHARACTERS)}" if several else "Export FBX"
        row.operator("pose_core.export_fbx", icon="EXPORT", text=text).object_name = name
    if summary.preview_path:
        row = buttons.row(align=True) if several else row
        row.operator("wm.path_open", icon="FILE_MOVIE", text="Preview").filepath = summary.preview_path


def draw_setup(layout: bpy.types.UILayout, context: bpy.types.Context, found: Readiness) -> None:
    """What is missing before a first job, with the button that gets it."""
    if STATE.job is not None:
        draw_progress(layout, STATE.job)
        return
    box = layout.box()
    environment = found.environment
    if not environment.usable:
        box.label(text="One-time setup", icon="TOOL_SETTINGS")
        draw_text(box, context, environment.problem)
        draw_text(
            box,
            context,
            "Jobs run in a Python of their own, apart from Blender. It takes about 650 MB and half a minute.",
        )
        draw_network_note(box, context, get_preferences(context).wheel_folder_path is None)
        row = box.row()
        row.scale_y = 1.5
        row.operator("pose_core.install", icon="IMPORT")
    else:
        box.label(text="Pose model", icon="OUTLINER_OB_ARMATURE")
        draw_text(box, context, found.model_problem)
        if found.model_hint:
            draw_text(box, context, found.model_hint)
        draw_network_note(box, context, True)
        row = box.row()
        row.scale_y = 1.5
        row.operator("pose_core.get_models", icon="IMPORT")
    box.operator("pose_core.open_preferences", text="More Choices", icon="PREFERENCES")
    draw_outcome(layout, context)


def draw_network_note(layout: bpy.types.UILayout, context: bpy.types.Context, needed: bool) -> None:
    """The switch that allows network access, where it is needed and off."""
    if needed and not bpy.app.online_access:
        draw_text(
            layout, context, "This needs the network, which Blender does not allow at present.", "INTERNET_OFFLINE"
        )
        column = layout.column()
        column.use_property_split = False
        column.prop(context.preferences.system, "use_online_access", text="Allow Online Access")
