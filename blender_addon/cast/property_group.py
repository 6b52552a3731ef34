"""Which person of the video plays which character of the scene: the list in the panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, IntProperty, PointerProperty

from pose_core.errors import ConfigError

from ..bridge.apply_many import from_the_left

if TYPE_CHECKING:
    from ..estimate.property_group import PoseCoreSettings


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


@dataclass(frozen=True)
class Role:
    """A row of the list as plain data, which outlives undo."""

    object_name: str
    person_id: int | None
    """None = the next one from the left."""


def uses_list(settings: PoseCoreSettings) -> bool:
    """Whether several characters are chosen instead of one."""
    return settings.character == "EXISTING" and settings.people == "ALL" and len(settings.cast) > 0


def shown_character(settings: PoseCoreSettings) -> bpy.types.Object | None:
    """The character whose bones are shown: the chosen one, or that of the chosen row."""
    if settings.character != "EXISTING":
        return None
    if not uses_list(settings):
        return settings.target
    return settings.cast[settings.active_role].target if 0 <= settings.active_role < len(settings.cast) else None


def roles_of(context: bpy.types.Context) -> list[Role]:
    """The characters that get motions; empty where new armatures are made.

    With an empty list the chosen armature is played by the most prominent person; without one, the selected
    armatures are taken from left to right.

    Raises:
        ConfigError: none was chosen, one twice, or one that is not in the scene.
    """
    settings = context.scene.pose_core
    if settings.character == "NEW":
        return []
    if uses_list(settings):
        if any(row.target is None for row in settings.cast):
            raise ConfigError("A row of the characters has no armature.", "Choose one, or remove the row.")
        roles = [Role(row.target.name, row.person) for row in settings.cast]
    elif settings.target is not None:
        roles = [Role(settings.target.name, None)]
    elif settings.people == "ALL":
        roles = [Role(obj.name, None) for obj in from_the_left(context, context.selected_objects)]
    else:
        roles = []
    if not roles:
        raise ConfigError("No character was chosen.", "Choose an armature, or let one be made.")
    names = [role.object_name for role in roles]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"'{twice[0]}' is in the list twice.", "Give each person a character of their own.")
    absent = [name for name in names if name not in context.view_layer.objects]
    if absent:
        raise ConfigError(f"'{absent[0]}' is not in this scene's view layer.", "Choose another armature.")
    return roles


CLASSES = (PoseCoreRole,)
