"""Everything that Blender is told about, in one ordered list that is undone in reverse."""

from __future__ import annotations

import bpy

from . import operators, panels
from .bones import bone_list
from .cast import property_group as cast_list
from .estimate import property_group as properties
from .job import job_run, state
from .machine import preferences

CLASSES: tuple[type, ...] = (
    *bone_list.CLASSES,
    *cast_list.CLASSES,
    properties.PoseCoreSettings,
    preferences.PoseCorePreferences,
    *job_run.CLASSES,
    *operators.CLASSES,
    *panels.CLASSES,
)


@bpy.app.handlers.persistent
def _leave_file(_path: str) -> None:
    """Another file is about to be opened: nothing half-done stays behind."""
    job_run.before_other_file()


@bpy.app.handlers.persistent
def _forget_results(_path: str) -> None:
    """Another file was opened: what is shown belongs to the one before, but for a job that still runs."""
    state.STATE.files_opened += 1
    state.STATE.forget_results()


def register() -> None:
    """Tell Blender about all classes, settings and handlers."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.pose_core = bpy.props.PointerProperty(type=properties.PoseCoreSettings)
    bpy.types.Object.pose_core_bones = bpy.props.PointerProperty(
        type=bone_list.PoseCoreBones, override={"LIBRARY_OVERRIDABLE"}
    )
    bpy.app.handlers.load_pre.append(_leave_file)
    bpy.app.handlers.load_post.append(_forget_results)


def unregister() -> None:
    """Undo `register`; a job that runs is ended."""
    state.STATE.reset()
    bpy.app.handlers.load_post.remove(_forget_results)
    bpy.app.handlers.load_pre.remove(_leave_file)
    del bpy.types.Object.pose_core_bones
    del bpy.types.Scene.pose_core
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
