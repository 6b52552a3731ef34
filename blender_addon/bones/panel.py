"""Which bone plays which part: closed and automatic, unless the user wants to look or has to."""

from __future__ import annotations

from typing import Any

import bpy

from ..cast.roles import shown_character
from ..estimate.property_group import PoseCoreSettings
from ..job.text import counted, draw_text
from .bone_list import PoseCoreBoneRow, doubtful_rows, family_label, first_row_of, is_automatic, read_extras

CERTAIN = 0.8
LIST_ROWS = 9
PANEL_ID = "POSE_CORE_bones"


class POSE_CORE_UL_bones(bpy.types.UIList):
    """Parts of the body and their bones."""

    bl_idname = "POSE_CORE_UL_bones"

    def draw_item(
        self,
        _context: Any,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        _icon: Any,
        _active_data: Any,
        _active_property: Any,
        _index: Any = 0,
        _flag: Any = 0,
    ) -> None:
        """One row: how sure, which part, which bone."""
        draw_row(layout, data.id_data, item)


def draw_row(layout: bpy.types.UILayout, obj: bpy.types.Object, row: PoseCoreBoneRow) -> None:
    """How sure, which part, which bone."""
    split = layout.split(factor=0.5)
    name = split.row()
    name.alert = row.doubtful
    name.active = bool(row.bone) or row.doubtful
    name.label(text=row.short_label, icon=confidence_icon(row))  # type: ignore[arg-type]  # any icon's name
    bone = split.row()
    bone.alert = row.doubtful or (bool(row.bone) and row.bone not in obj.data.bones)
    bone.label(text=row.bone, icon="CON_ROTLIKE" if any(row.correction_deg) else "NONE")


def draw_correction(layout: bpy.types.UILayout, row: PoseCoreBoneRow) -> None:
    """Three angles in a row."""
    layout.label(text=f"Turn {row.part_label} at Rest")
    layout.row(align=True).prop(row, "correction", text="")


def confidence_icon(row: PoseCoreBoneRow) -> str:
    """A tick, a dot, a warning, or nothing where there is no bone."""
    if row.doubtful:
        return "ERROR"
    if not row.bone:
        return "BLANK1"
    return "CHECKMARK" if row.confidence >= CERTAIN else "DOT"


def draw_bones(layout: bpy.types.UILayout, context: bpy.types.Context, settings: PoseCoreSettings) -> None:
    """The list of bones of the chosen character."""
    obj = shown_character(settings)
    if obj is None or obj.type != "ARMATURE":
        return
    waiting = doubtful_rows(obj)
    # Bones that wait for an answer are shown without being asked for.
    header, body = layout.panel(f"{PANEL_ID}_waiting" if waiting else PANEL_ID, default_closed=not waiting)
    header.label(text="Bones")
    state = header.row()
    state.alignment = "RIGHT"
    state.alert = bool(waiting)
    state.label(text=header_text(obj, len(waiting)), icon="ERROR" if waiting else "NONE")
    if body is None:
        return
    if is_automatic(obj):
        draw_text(body, context, "Found automatically. Detect shows them, to check or change.")
    else:
        bones = obj.pose_core_bones
        body.template_list(
            "POSE_CORE_UL_bones", "", bones, "rows", bones, "active_row", rows=LIST_ROWS, maxrows=LIST_ROWS
        )
        if 0 <= bones.active_row < len(bones.rows):
            chosen = bones.rows[bones.active_row]
            edit = body.column()
            edit.use_property_split = False
            edit.prop_search(chosen, "bone", obj.data, "bones", text=chosen.short_label)
            first = first_row_of(obj, chosen.part)
            if first is not None and first.bone:
                draw_correction(edit, first)
        if waiting:
            draw_text(body, context, f"{counted(len(waiting), 'marked row')}: correct what is wrong, then confirm.")
            confirm = body.row()
            confirm.scale_y = 1.2
            confirm.operator("pose_core.confirm_bones", icon="CHECKMARK")
        elif text := extras_text(obj):
            more = body.row()
            more.active = False
            draw_text(more, context, text)
    column = body.column(align=True)
    buttons = column.row(align=True)
    buttons.operator("pose_core.detect_bones", icon="VIEWZOOM")
    if not is_automatic(obj):
        buttons.operator("pose_core.clear_bones", icon="X")
        buttons.operator("pose_core.change_chain", text="", icon="ADD").change = "ADD"
        buttons.operator("pose_core.change_chain", text="", icon="REMOVE").change = "REMOVE"
        buttons = column.row(align=True)
    buttons.operator("pose_core.load_bone_map", text="Load", icon="IMPORT")
    buttons.operator("pose_core.save_bone_map", text="Save", icon="EXPORT")


def header_text(obj: bpy.types.Object, waiting: int) -> str:
    """The state of the list in a few words."""
    if waiting:
        return f"{waiting} to confirm"
    if is_automatic(obj):
        return "Automatic"
    return family_label(str(read_extras(obj.pose_core_bones).get("family", "")))


def extras_text(obj: bpy.types.Object) -> str:
    """What else belongs to the map."""
    extras = read_extras(obj.pose_core_bones)
    fingers, ik = extras.get("fingers") or {}, extras.get("ik") or {}
    parts = [counted(len(fingers), "finger")] if fingers else []
    parts += [f"IK of {counted(len(ik), 'limb')}"] if ik else []
    parts += ["FK/IK switches"] if extras.get("switches") else []
    return f"Also found: {', '.join(parts)}" if parts else ""


CLASSES = (POSE_CORE_UL_bones,)
