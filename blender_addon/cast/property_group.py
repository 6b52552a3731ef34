"""A row of the list of characters, kept in the scene so that it is saved with the file."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, IntProperty, PointerProperty


def is_armature(_owner: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    """What may be chosen as a character."""
    return obj.type == "ARMATURE"


class PoseCoreRole(bpy.types.PropertyGroup):
    """One character and the person who plays it."""

    target: PointerProperty(
        name="Character", description="Armature that gets the motion", type=bpy.types.Object, poll=is_armature
    )
    whom: EnumProperty(
        name="Person",
        description="Who plays this character",
        items=[
            ("LEFT", "Next from the Left", "People in the order in which they stand in the picture, row by row"),
            ("NUMBER", "By Number", "The person of this number, as an earlier result or the preview shows it"),
        ],
        default="LEFT",
    )
    person_id: IntProperty(name="Number", description="Number of the person", default=1, min=0)

    @property
    def person(self) -> int | None:
        """Number of the person; None = the next one from the left."""
        return int(self.person_id) if self.whom == "NUMBER" else None

    @property
    def label(self) -> str:
        """The person, in a narrow column."""
        return "From Left" if self.person is None else f"Person {self.person}"


CLASSES = (PoseCoreRole,)
