"""The list of bones: find them, confirm them, change its length, save and load it."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from pose_core.errors import ConfigError, PoseCoreError
from pose_core.retarget import check_bone_map, detect_bones, read_bone_map, write_bone_map
from pose_core.retarget.rig.bone_map import CHAINS

from ..bridge.read.armature_reader import read_armature
from ..cast.property_group import shown_character
from ..job.operator import redraw
from ..job.state import STATE, Problem
from .bone_list import doubtful_rows, is_automatic, listed_map, store_map


class BonesOperator:
    """Mixed into operators on the chosen character's list of bones."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A character is chosen, and no job may be using it."""
        return STATE.job is None and target_of(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Change the list; a failure is shown in the panel."""
        STATE.problem, STATE.note = None, ""
        try:
            self.report({"INFO"}, self.run(target_of(context)))
        except PoseCoreError as error:
            STATE.problem = Problem.of("bones", error)
            self.report({"ERROR"} if bpy.app.background else {"WARNING"}, f"{error.message} {error.hint}".strip())
            redraw(context)
            return {"CANCELLED"}
        redraw(context)
        return {"FINISHED"}

    def run(self, obj: bpy.types.Object) -> str:
        """Do it, and say in a few words what was done.

        Raises:
            PoseCoreError: it cannot be done; the list is as before.
        """
        raise NotImplementedError


class POSE_CORE_OT_detect_bones(BonesOperator, bpy.types.Operator):
    """Find which bones play which part of the body, and list them"""

    bl_idname = "pose_core.detect_bones"
    bl_label = "Detect"
    bl_options = {"UNDO", "INTERNAL"}

    def run(self, obj: bpy.types.Object) -> str:
        """Find them anew; what was chosen by hand is replaced."""
        store_map(obj, detect_bones(read_armature(obj)))
        waiting = len(doubtful_rows(obj))
        return f"Bones found; {waiting} to look at" if waiting else "Bones found"


class POSE_CORE_OT_confirm_bones(BonesOperator, bpy.types.Operator):
    """The marked bones are right"""

    bl_idname = "pose_core.confirm_bones"
    bl_label = "These Are Right"
    bl_options = {"UNDO", "INTERNAL"}

    def run(self, obj: bpy.types.Object) -> str:
        """Take the marked bones as certain."""
        for row in doubtful_rows(obj):
            row.confidence = 1.0
        return "Bones confirmed"


class POSE_CORE_OT_clear_bones(BonesOperator, bpy.types.Operator):
    """Forget the list; bones are found automatically again"""

    bl_idname = "pose_core.clear_bones"
    bl_label = "Clear"
    bl_options = {"UNDO", "INTERNAL"}

    def run(self, obj: bpy.types.Object) -> str:
        """Empty the list."""
        obj.pose_core_bones.rows.clear()
        obj.pose_core_bones.extras = ""
        return "Bones are found automatically"


class POSE_CORE_OT_change_chain(BonesOperator, bpy.types.Operator):
    """Add a bone to the top of the chosen chain, or take its top bone away"""

    bl_idname = "pose_core.change_chain"
    bl_label = "Longer or Shorter Chain"
    bl_options = {"UNDO", "INTERNAL"}

    change: EnumProperty(items=[("ADD", "Add", "One bone more"), ("REMOVE", "Remove", "One bone less")])

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A row of the spine or the neck is chosen."""
        if not super().poll(context):
            return False
        bones = target_of(context).pose_core_bones
        chain = 0 <= bones.active_row < len(bones.rows) and bones.rows[bones.active_row].part in CHAINS
        if not chain:
            cls.poll_message_set("Choose a row of the spine or the neck")
        return chain

    def run(self, obj: bpy.types.Object) -> str:
        """Change the chain of the chosen row at its top."""
        bones = obj.pose_core_bones
        part = bones.rows[bones.active_row].part
        places = [i for i, row in enumerate(bones.rows) if row.part == part]
        if self.change == "ADD":
            row = bones.rows.add()
            row.part, row.place = part, len(places)
            bones.rows.move(len(bones.rows) - 1, places[-1] + 1)
            bones.active_row = places[-1] + 1
        elif len(places) > 1:
            bones.rows.remove(places[-1])
            bones.active_row = min(bones.active_row, places[-2])
        else:
            bones.rows[places[0]].bone = ""
        return "Chain changed"


class POSE_CORE_OT_save_bone_map(BonesOperator, bpy.types.Operator, ExportHelper):
    """Save the list of bones as a file, for this rig in other scenes and for batches"""

    bl_idname = "pose_core.save_bone_map"
    bl_label = "Save Bone Map"
    bl_options = {"INTERNAL"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            self.filepath = str(folder / f"{bpy.path.clean_name(target_of(context).name)}.bones.json")
        return ExportHelper.invoke(self, context, event)

    def run(self, obj: bpy.types.Object) -> str:
        """Write the file; an automatic list is found first."""
        rig = read_armature(obj)
        bone_map = listed_map(obj) or detect_bones(rig)
        check_bone_map(rig, bone_map)
        if is_automatic(obj):
            store_map(obj, bone_map)
        waiting = doubtful_rows(obj)
        if waiting:
            raise ConfigError(
                f"Some bones are not certain: {', '.join(row.label for row in waiting[:4])}.",
                "Confirm or correct the marked rows first.",
            )
        write_bone_map(self.filepath, bone_map)
        return f"Saved {Path(self.filepath).name}"


class POSE_CORE_OT_load_bone_map(BonesOperator, bpy.types.Operator, ImportHelper):
    """Load a list of bones that was saved before"""

    bl_idname = "pose_core.load_bone_map"
    bl_label = "Load Bone Map"
    bl_options = {"UNDO", "INTERNAL"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def run(self, obj: bpy.types.Object) -> str:
        """Read and check the file; the list changes only if it fits the rig."""
        bone_map = read_bone_map(self.filepath)
        check_bone_map(read_armature(obj), bone_map)
        store_map(obj, bone_map)
        return f"Loaded {Path(self.filepath).name}"


def target_of(context: bpy.types.Context) -> bpy.types.Object | None:
    """The chosen character, if one is chosen."""
    return shown_character(context.scene.pose_core)


CLASSES = (
    POSE_CORE_OT_detect_bones,
    POSE_CORE_OT_confirm_bones,
    POSE_CORE_OT_clear_bones,
    POSE_CORE_OT_change_chain,
    POSE_CORE_OT_save_bone_map,
    POSE_CORE_OT_load_bone_map,
)
