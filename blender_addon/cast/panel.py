"""Which person plays which character: a row each."""

from __future__ import annotations

from typing import Any

import bpy

from ..estimate.property_group import PoseCoreSettings
from .property_group import PoseCoreRole
from .roles import uses_list

LIST_ROWS = 3


class POSE_CORE_UL_cast(bpy.types.UIList):
    """People and their characters."""

    bl_idname = "POSE_CORE_UL_cast"

    def draw_item(
        self,
        _context: Any,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: Any,
        _active_data: Any,
        _active_property: Any,
        _index: Any = 0,
        _flag: Any = 0,
    ) -> None:
        """One row: who plays which armature."""
        draw_role(layout, item)


def draw_role(layout: bpy.types.UILayout, role: PoseCoreRole) -> None:
    """Who plays which armature."""
    split = layout.split(factor=0.35)
    split.label(text=role.label)
    character = split.row()
    character.prop(role, "target", text="", icon="OUTLINER_OB_ARMATURE", placeholder="Choose")


def draw_cast(layout: bpy.types.UILayout, settings: PoseCoreSettings) -> None:
    """The list of characters, for everybody in the video."""
    if not uses_list(settings):
        layout.operator("pose_core.add_roles", text="Several Characters", icon="ADD")
        return
    row = layout.row()
    row.template_list(
        "POSE_CORE_UL_cast", "", settings, "cast", settings, "active_role", rows=LIST_ROWS, maxrows=LIST_ROWS
    )
    buttons = row.column(align=True)
    buttons.operator("pose_core.add_roles", text="", icon="ADD")
    buttons.operator("pose_core.remove_role", text="", icon="REMOVE")
    buttons.operator("pose_core.move_role", text="", icon="TRIA_UP").direction = "UP"
    buttons.operator("pose_core.move_role", text="", icon="TRIA_DOWN").direction = "DOWN"
    if 0 <= settings.active_role < len(settings.cast):
        role = settings.cast[settings.active_role]
        row = layout.row(align=True)
        row.prop(role, "whom", text="")
        if role.whom == "NUMBER":
            row.prop(role, "person_id", text="")
    layout.prop(settings, "only_cast")


CLASSES = (POSE_CORE_UL_cast,)
