"""Export FBX: the character with its new action, for other programs."""

import time
from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper

from pose_core.errors import PoseCoreError

from ..bridge.fbx_export import export_fbx
from ..state import STATE, Problem
from .base import redraw


class POSE_CORE_OT_export_fbx(bpy.types.Operator, ExportHelper):
    """Export the character, its meshes and its active action as FBX"""

    bl_idname = "pose_core.export_fbx"
    bl_label = "Export FBX"

    filename_ext = ".fbx"
    filter_glob: StringProperty(default="*.fbx", options={"HIDDEN"})
    object_name: StringProperty(name="Armature", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Not while a job may change the character."""
        return STATE.job is None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        self.object_name = self.object_name or _character(context)
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            self.filepath = str(folder / f"{bpy.path.clean_name(self.object_name) or 'motion'}.fbx")
        return ExportHelper.invoke(self, context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file."""
        STATE.problem = None
        name = self.object_name or _character(context)
        armature = context.scene.objects.get(name)
        if armature is None or armature.type != "ARMATURE":
            self.report({"ERROR"}, "Choose an armature to export")
            return {"CANCELLED"}
        started_s = time.perf_counter()
        try:
            path = export_fbx(context, armature, self.filepath)
        except PoseCoreError as error:
            STATE.problem = Problem.of("export", error)
        except OSError as error:
            STATE.problem = Problem("export", f"'{self.filepath}' cannot be written ({error.strerror or error}).")
        if STATE.problem is not None:
            self.report({"ERROR"}, STATE.problem.message)
            redraw(context)
            return {"CANCELLED"}
        STATE.note = f"Exported {path.name}"
        self.report({"INFO"}, f"Exported {path} in {time.perf_counter() - started_s:.1f} s")
        redraw(context)
        return {"FINISHED"}


def _character(context: bpy.types.Context) -> str:
    """The armature that the last result is on, else the chosen one, else the active one."""
    if STATE.summary is not None and STATE.summary.object_names[0] in context.scene.objects:
        return STATE.summary.object_names[0]
    settings = context.scene.pose_core
    if settings.character == "EXISTING" and settings.target is not None:
        return str(settings.target.name)
    active = context.active_object
    return str(active.name) if active is not None and active.type == "ARMATURE" else ""


CLASSES = (POSE_CORE_OT_export_fbx,)
