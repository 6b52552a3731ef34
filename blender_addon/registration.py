"""Everything that Blender is told about, in one ordered list that is undone in reverse."""

from __future__ import annotations

import bpy

from .batch.command import run_command
from .bones import bone_list
from .bones import operators as bones_operators
from .bones import panel as bones_panel
from .cast import operators as cast_operators
from .cast import panel as cast_panel
from .cast import property_group as cast_settings
from .estimate import migrate, panel_operators
from .estimate import operators as estimate_operators
from .estimate import panel as main_panel
from .estimate import property_group as settings
from .export import operators as export_operators
from .job import job_run, state
from .machine import model_operators, preferences
from .machine import operators as machine_operators

CLASSES: tuple[type, ...] = (
    *bone_list.CLASSES,
    *cast_settings.CLASSES,
    settings.PoseCoreSettings,
    preferences.PoseCorePreferences,
    *job_run.CLASSES,
    *estimate_operators.CLASSES,
    *machine_operators.CLASSES,
    *model_operators.CLASSES,
    *export_operators.CLASSES,
    *bones_operators.CLASSES,
    *cast_operators.CLASSES,
    *panel_operators.CLASSES,
    *bones_panel.CLASSES,
    *cast_panel.CLASSES,
    *main_panel.CLASSES,
)


_commands: list[object] = []
"""What Blender gave for `blender --command pose_core`, to take it back."""


@bpy.app.handlers.persistent
def _leave_file(_path: str) -> None:
    """Another file is about to be opened: nothing half-done stays behind."""
    job_run.before_other_file()


@bpy.app.handlers.persistent
def _forget_results(_path: str) -> None:
    """Another file was opened: what is shown belongs to the one before, but for a job that still runs."""
    state.STATE.files_opened += 1
    state.STATE.forget_results()
    migrate.migrate_all()


def register() -> None:
    """Tell Blender about all classes, settings and handlers."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.pose_core = bpy.props.PointerProperty(type=settings.PoseCoreSettings)
    bpy.types.Object.pose_core_bones = bpy.props.PointerProperty(
        type=bone_list.PoseCoreBones, override={"LIBRARY_OVERRIDABLE"}
    )
    _commands.append(bpy.utils.register_cli_command("pose_core", run_command))
    bpy.app.handlers.load_pre.append(_leave_file)
    bpy.app.handlers.load_post.append(_forget_results)


def unregister() -> None:
    """Undo `register`; a job that runs is ended."""
    state.STATE.reset()
    bpy.app.handlers.load_post.remove(_forget_results)
    bpy.app.handlers.load_pre.remove(_leave_file)
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    del bpy.types.Object.pose_core_bones
    del bpy.types.Scene.pose_core
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
