"""The add-on's preferences."""

from __future__ import annotations

import bpy

from ..job import panel as job_ui
from ..job.state import STATE
from ..job.text import draw_text
from .paths import MachinePaths
from .status import Readiness, platform_problem, readiness


def draw_preferences(preferences: MachinePaths, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Worker environment, models, and what they run on."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    found = readiness(context)
    _draw_environment(preferences, layout.box(), context, found)
    _draw_models(preferences, layout.box(), found)
    if STATE.job is not None:
        job_ui.draw_progress(layout, STATE.job)
    elif STATE.problem is None or STATE.problem.kind in ("setup", "model"):
        job_ui.draw_outcome(layout, context)


def _draw_environment(
    preferences: MachinePaths, box: bpy.types.UILayout, context: bpy.types.Context, found: Readiness
) -> None:
    environment = found.environment
    head = box.row()
    head.label(text="Worker Environment", icon="CONSOLE")
    state = head.row()
    state.alignment = "RIGHT"
    if found.tested:
        state.label(text="Ready", icon="CHECKMARK")
    else:
        state.label(text="Not tested" if environment.usable else "Not ready", icon="ERROR")
    column = box.column()
    column.prop(preferences, "environment_path", placeholder=str(environment.folder))
    column.prop(preferences, "base_python", placeholder=preferences.base_python_path)
    column.prop(preferences, "wheel_folder", placeholder="Package index")
    refusal = " ".join(platform_problem(preferences)).strip()
    if environment.problem:
        draw_text(box, context, environment.problem, "INFO")
    if refusal and not environment.usable:
        draw_text(box, context, refusal, "ERROR")
    elif not environment.usable:
        draw_text(box, context, job_ui.INSTALL_COST)
    elif not found.tested:
        draw_text(box, context, "Self-Test runs a whole job on a small clip: press it to know that all works.", "INFO")
    job_ui.draw_network_note(box, context, preferences.wheel_folder_path is None and not environment.usable)
    row = box.row(align=True)
    row.enabled = not refusal or environment.usable
    row.operator("pose_core.install", text="Reinstall" if environment.ours else "Install", icon="IMPORT")
    tools = row.row(align=True)
    tools.enabled = environment.usable
    tools.operator("pose_core.verify", icon="CHECKMARK")
    tools.operator("pose_core.self_test", icon="PLAY")
    remove = row.row(align=True)
    remove.enabled = environment.ours
    remove.operator("pose_core.remove", icon="TRASH")


def _draw_models(preferences: MachinePaths, box: bpy.types.UILayout, found: Readiness) -> None:
    head = box.row()
    head.label(text="Models", icon="OUTLINER_OB_ARMATURE")
    state = head.row()
    state.alignment = "RIGHT"
    ready = found.model_state == "ready"
    state.label(text="Ready" if ready else "Missing", icon="CHECKMARK" if ready else "ERROR")
    column = box.column()
    column.prop(preferences, "model_folder", placeholder="Cache only")
    column.prop(preferences, "device")
    column.prop(preferences, "threads")
    if not ready:
        box.label(text=" ".join(part for part in (found.model_problem, found.model_hint) if part), icon="INFO")
    row = box.row(align=True)
    fetch = row.row(align=True)
    fetch.enabled = found.environment.usable
    fetch.operator("pose_core.get_models", icon="IMPORT")
    row.operator("pose_core.register_model", icon="ADD")
