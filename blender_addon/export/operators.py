"""Export: the character with its motion, for other programs."""

import time
from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper

from pose_core.errors import PoseCoreError, RigError

from ..bridge.export.character import ExportOptions, actions_of, export_character, export_takes
from ..bridge.export.presets import ExportPreset, export_preset
from ..job.operator import redraw
from ..job.state import STATE, Problem


class _ExportOperator(ExportHelper):
    """What exports share: choose a file, write, tell."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Not while a job may change the character."""
        return STATE.job is None

    def chosen(self, context: bpy.types.Context) -> tuple[ExportPreset, str]:
        """The preset, and which clips: `ACTIVE`, `FILES` or `ONE`."""
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        self.object_name = self.object_name or _character(context)
        suffix = self.chosen(context)[0].suffix
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        stem = Path(self.filepath).stem if self.filepath else bpy.path.clean_name(self.object_name) or "motion"
        folder = Path(self.filepath).parent if self.filepath else folder
        self.filepath = str(folder / f"{stem}{suffix}")
        return ExportHelper.invoke(self, context, event)

    def check(self, context: bpy.types.Context) -> bool:
        """Keep the right suffix on the name."""
        suffix = self.chosen(context)[0].suffix
        if self.filepath and Path(self.filepath).suffix.lower() != suffix:
            self.filepath += suffix
            return True
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the file or files."""
        STATE.problem = None
        name = self.object_name or _character(context)
        armature = context.scene.objects.get(name)
        if armature is None or armature.type != "ARMATURE":
            self.report({"ERROR"}, "Choose an armature to export")
            return {"CANCELLED"}
        started_s = time.perf_counter()
        paths: list[Path] = []
        notes: list[str] = []
        options = _options(context)
        try:
            preset, clips = self.chosen(context)
            if clips == "FILES":
                folder, every = Path(self.filepath).parent, actions_of(armature)
                paths = export_takes(context, armature, folder, preset, every, options, notes)
            else:
                takes = actions_of(armature) if clips == "ONE" else []
                paths = [export_character(context, armature, self.filepath, preset, takes, options, notes)]
            if not paths:
                raise RigError(f"'{armature.name}' has no action to export.", "Put a motion on it first.")
        except PoseCoreError as error:
            STATE.problem = Problem.of("export", error)
        except OSError as error:
            STATE.problem = Problem("export", f"'{self.filepath}' cannot be written ({error.strerror or error}).")
        if STATE.problem is not None:
            self.report({"ERROR"}, STATE.problem.message)
            redraw(context)
            return {"CANCELLED"}
        said = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        STATE.note = f"Exported {said}"
        for note in dict.fromkeys(notes):
            self.report({"INFO"}, note)
        self.report({"INFO"}, f"Exported {said} to {paths[0].parent} in {time.perf_counter() - started_s:.1f} s")
        redraw(context)
        return {"FINISHED"}


class POSE_CORE_OT_export_fbx(_ExportOperator, bpy.types.Operator):
    """Export the character, its meshes and its active action as FBX"""

    bl_idname = "pose_core.export_fbx"
    bl_label = "Export FBX"

    filename_ext = ".fbx"
    filter_glob: StringProperty(default="*.fbx", options={"HIDDEN"})
    object_name: StringProperty(name="Armature", options={"HIDDEN", "SKIP_SAVE"})

    def chosen(self, context: bpy.types.Context) -> tuple[ExportPreset, str]:
        """Plain FBX of what plays now."""
        del context
        return export_preset("fbx"), "ACTIVE"


class POSE_CORE_OT_export(_ExportOperator, bpy.types.Operator):
    """Export the character's motion in the chosen format"""

    bl_idname = "pose_core.export"
    bl_label = "Export"

    filename_ext = ""
    filter_glob: StringProperty(default="*.fbx;*.glb;*.bvh", options={"HIDDEN"})
    object_name: StringProperty(name="Armature", options={"HIDDEN", "SKIP_SAVE"})

    def chosen(self, context: bpy.types.Context) -> tuple[ExportPreset, str]:
        """As the panel says."""
        settings = context.scene.pose_core
        return export_preset(settings.export_preset), settings.export_clips


def _options(context: bpy.types.Context) -> ExportOptions:
    """As the panel says; keys that were thinned out in the scene are in the file too."""
    settings = context.scene.pose_core
    return ExportOptions(settings.export_scene_time, settings.key_error_mm if settings.use_fewer_keys else None)


def _character(context: bpy.types.Context) -> str:
    """The armature that the last result is on, else the chosen one, else the active one."""
    if STATE.summary is not None and STATE.summary.object_names[0] in context.scene.objects:
        return STATE.summary.object_names[0]
    settings = context.scene.pose_core
    if settings.character == "EXISTING" and settings.target is not None:
        return str(settings.target.name)
    active = context.active_object
    return str(active.name) if active is not None and active.type == "ARMATURE" else ""


CLASSES = (POSE_CORE_OT_export_fbx, POSE_CORE_OT_export)
