"""Everything that Blender is told about, in one ordered list that is undone in reverse."""

from __future__ import annotations

import bpy

from . import operators, panels
from .bones import bone_list
from .cast import property_group as cast_list
from .estimate import property_group as properties
from .job import state
from .machine import preferences

CLASSES: tuple[type, ...] = (
    *bone_list.CLASSES,
    *cast_list.CLASSES,
    properties.PoseCoreSettings,
    preferences.PoseCorePreferences,
    *operators.CLASSES,
    *panels.CLASSES,
)


@bpy.app.handlers.persistent
def _forget_job(_path: str) -> None:
    """Another file was opened: what is shown belongs to the one before."""
    state.STATE.reset()


def register() -> None:
    """Tell Blender about all classes, settings and handlers."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.pose_core = bpy.props.PointerProperty(type=properties.PoseCoreSettings)
    bpy.types.Object.pose_core_bones = bpy.props.PointerProperty(
        type=bone_list.PoseCoreBones, override={"LIBRARY_OVERRIDABLE"}
    )
    bpy.app.handlers.load_post.append(_forget_job)


def unregister() -> None:
    """Undo `register`; a job that runs is ended."""
    state.STATE.reset()
    bpy.app.handlers.load_post.remove(_forget_job)
    del bpy.types.Object.pose_core_bones
    del bpy.types.Scene.pose_core
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
