"""The panel in the 3D view's sidebar, under the tab "Pose"."""

from __future__ import annotations

import bpy

from ..bones import panel as bones_ui
from ..job import panel as job_ui
from ..job.state import STATE
from ..machine.status import readiness
from . import sections


class POSE_CORE_PT_main(bpy.types.Panel):
    """From a video to keyframes."""

    bl_idname = "POSE_CORE_PT_main"
    bl_label = "Pose Core"
    bl_category = "Pose"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """A way to the preferences."""
        row = self.layout.row()
        row.emboss = "NONE"
        row.operator("pose_core.open_preferences", text="", icon="PREFERENCES")

    def draw(self, context: bpy.types.Context) -> None:
        """Inputs, options, the button, and what came of it."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = context.scene.pose_core
        found = readiness(context)
        if not found.ready:
            job_ui.draw_setup(layout, context, found)
            return
        inputs = layout.column()
        inputs.enabled = STATE.job is None
        sections.draw_video(inputs, settings)
        sections.draw_character(inputs, settings)
        bones = layout.column()
        bones.enabled = STATE.job is None
        bones_ui.draw_bones(bones, context, settings)
        for name, label, draw in sections.OPTIONS:
            header, body = layout.panel(f"POSE_CORE_{name}", default_closed=name not in sections.OPEN_AT_FIRST)
            header.label(text=label)
            if body is not None:
                body.enabled = STATE.job is None
                draw(body, settings)
        job_ui.draw_job(layout, context, settings)


CLASSES = (POSE_CORE_PT_main,)
