"""The add-on's preferences."""

from __future__ import annotations

import bpy

from ..job import panel as job_ui
from ..job.state import STATE
from .preferences import PoseCorePreferences
from .status import readiness


def draw_preferences(preferences: PoseCorePreferences, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Worker environment, models, and what they run on."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    found = readiness(context)

    box = layout.box()
    environment = found.environment
    head = box.row()
    head.label(text="Worker Environment", icon="CONSOLE")
    state = head.row()
    state.alignment = "RIGHT"
    state.label(
        text="Ready" if environment.usable else "Not ready", icon="CHECKMARK" if environment.usable else "ERROR"
    )
    column = box.column()
    column.prop(preferences, "environment_path", placeholder=str(environment.folder))
    column.prop(preferences, "base_python", placeholder=preferences.base_python_path)
    column.prop(preferences, "wheel_folder", placeholder="Package index")
    if environment.problem:
        box.label(text=environment.problem, icon="INFO")
    job_ui.draw_network_note(box, context, preferences.wheel_folder_path is None and not environment.usable)
    row = box.row(align=True)
    row.operator("pose_core.install", text="Reinstall" if environment.ours else "Install", icon="IMPORT")
    tools = row.row(align=True)
    tools.enabled = environment.usable
    tools.operator("pose_core.verify", icon="CHECKMARK")
    tools.operator("pose_core.self_test", icon="PLAY")
    remove = row.row(align=True)
    remove.enabled = environment.ours
    remove.operator("pose_core.remove", icon="TRASH")

    box = layout.box()
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
    fetch.enabled = environment.usable
    fetch.operator("pose_core.get_models", icon="IMPORT")
    row.operator("pose_core.register_model", icon="ADD")

    if STATE.job is not None:
        job_ui.draw_progress(layout, STATE.job)
    elif STATE.problem is None or STATE.problem.kind in ("setup", "model"):
        job_ui.draw_outcome(layout, context)
