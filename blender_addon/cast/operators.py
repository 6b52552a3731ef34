"""The list of characters: add them, take them away, change their order."""

import bpy
from bpy.props import EnumProperty

from ..bridge.apply_many import from_the_left
from ..job.state import STATE


class CastOperator:
    """Mixed into operators on the list of characters."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """No job may be using the list."""
        return STATE.job is None


class POSE_CORE_OT_add_roles(CastOperator, bpy.types.Operator):
    """Add the selected armatures from left to right, or an empty row if no further one is selected"""

    bl_idname = "pose_core.add_roles"
    bl_label = "Add Selected"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add rows and choose the last one."""
        settings = context.scene.pose_core
        there = {row.target for row in settings.cast}
        new = [obj for obj in from_the_left(context, context.selected_objects) if obj not in there]
        if not len(settings.cast) and settings.target is not None and settings.target not in new:
            new.insert(0, settings.target)
        for obj in new or [None]:
            settings.cast.add().target = obj
        settings.active_role = len(settings.cast) - 1
        return {"FINISHED"}


class POSE_CORE_OT_remove_role(CastOperator, bpy.types.Operator):
    """Take the chosen row out of the list; the character stays as it is"""

    bl_idname = "pose_core.remove_role"
    bl_label = "Remove Character"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        settings = context.scene.pose_core
        if not 0 <= settings.active_role < len(settings.cast):
            return {"CANCELLED"}
        settings.cast.remove(settings.active_role)
        settings.active_role = max(0, min(settings.active_role, len(settings.cast) - 1))
        return {"FINISHED"}


class POSE_CORE_OT_move_role(CastOperator, bpy.types.Operator):
    """Change the order of the characters, in which people are taken from the left"""

    bl_idname = "pose_core.move_role"
    bl_label = "Move Character"
    bl_options = {"UNDO", "INTERNAL"}

    direction: EnumProperty(items=[("UP", "Up", "Further left"), ("DOWN", "Down", "Further right")])

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Exchange it with its neighbour."""
        settings = context.scene.pose_core
        place = settings.active_role + (-1 if self.direction == "UP" else 1)
        if not (0 <= place < len(settings.cast) and 0 <= settings.active_role < len(settings.cast)):
            return {"CANCELLED"}
        settings.cast.move(settings.active_role, place)
        settings.active_role = place
        return {"FINISHED"}


CLASSES = (POSE_CORE_OT_add_roles, POSE_CORE_OT_remove_role, POSE_CORE_OT_move_role)
