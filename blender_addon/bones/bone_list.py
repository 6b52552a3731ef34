"""The bone map of a character as a list to look at and edit, kept with the armature object as names.

An empty list means that bones are found anew for each run.
"""

import json
import math
from dataclasses import replace
from typing import Any

import bpy
from bpy.props import CollectionProperty, FloatProperty, FloatVectorProperty, IntProperty, StringProperty

from pose_core.errors import PoseCoreError, RigError
from pose_core.retarget import BoneMap, bone_map_from_dict, bone_map_to_dict, detect_bones, doubtful_parts
from pose_core.retarget.mapping.clear_body import SURE
from pose_core.retarget.mapping.families import preset_of
from pose_core.retarget.rig.bone_map import CHAINS, MOST_CORRECTION_DEG, OPTIONAL, PARTS
from pose_core.untrusted.text import parse_json

from ..bridge.read.armature_reader import read_armature

_OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
# What angles in radians and single precision are rounded to, so that 25 degrees stay 25.
_DIGITS_DEG = 4


def _chosen_by_hand(row: "PoseCoreBoneRow", _context: bpy.types.Context) -> None:
    """What a person chooses is certain."""
    row.confidence = 1.0


class PoseCoreBoneRow(bpy.types.PropertyGroup):
    """One part of the body and the bone that plays it."""

    part: StringProperty(override=_OVERRIDABLE)
    place: IntProperty(description="Position in a chain, from the bottom", override=_OVERRIDABLE)
    bone: StringProperty(
        name="Bone", description="Bone that plays this part; empty = none", update=_chosen_by_hand,
        override=_OVERRIDABLE,
    )  # fmt: skip
    confidence: FloatProperty(default=1.0, min=0.0, max=1.0, override=_OVERRIDABLE)
    correction: FloatVectorProperty(
        name="Rest Pose Correction",
        description="Turns added to the rest pose of this part, about the axes of the figure in T pose: X points to its"
        " left, Y to its back, Z up. For a part that comes out turned by the same angle at every frame",
        size=3,
        subtype="EULER",
        min=-math.radians(MOST_CORRECTION_DEG),
        max=math.radians(MOST_CORRECTION_DEG),
        step=100,
        override=_OVERRIDABLE,
    )

    @property
    def part_label(self) -> str:
        """The part as a whole for people: `Left Upper Arm`, `Spine`."""
        return self.part.replace("_", " ").title()

    @property
    def label(self) -> str:
        """The part for people: `Left Upper Arm`, `Spine 2`."""
        return f"{self.part_label} {self.place + 1}" if self.part in CHAINS else self.part_label

    @property
    def short_label(self) -> str:
        """The part in a narrow column: `Upper Arm L`."""
        side, _, rest = self.label.partition(" ")
        return f"{rest} {side[0]}" if side in ("Left", "Right") else self.label

    @property
    def correction_deg(self) -> tuple[float, float, float]:
        """The correction, degrees."""
        x, y, z = (round(math.degrees(angle), _DIGITS_DEG) for angle in self.correction)
        return x, y, z

    @property
    def doubtful(self) -> bool:
        """Whether a person should look: an uncertain bone, or none where one is needed."""
        if self.bone:
            return bool(self.confidence < SURE)
        return self.part not in OPTIONAL and self.place == 0


class PoseCoreBones(bpy.types.PropertyGroup):
    """The bone map of an armature object."""

    rows: CollectionProperty(type=PoseCoreBoneRow, override={*_OVERRIDABLE, "USE_INSERTION"})
    active_row: IntProperty(override=_OVERRIDABLE)
    extras: StringProperty(
        description="What is not edited here: family, fingers, root, IK controls and switches, as JSON",
        override=_OVERRIDABLE,
    )


def is_automatic(obj: bpy.types.Object) -> bool:
    """Whether bones are found anew for each run."""
    return not len(obj.pose_core_bones.rows)


def store_map(obj: bpy.types.Object, bone_map: BoneMap) -> None:
    """Show a map in the list, with a row for every part, found or not."""
    bones = obj.pose_core_bones
    bones.rows.clear()
    for part in PARTS:
        for place, name in enumerate(bone_map.bones.get(part, ("",))):
            row = bones.rows.add()
            row.part, row.place, row.bone = part, place, name
            row.confidence = bone_map.confidence.get(name, 1.0)  # after the bone, which counts as chosen by hand
            if place == 0:
                row.correction = [math.radians(angle) for angle in bone_map.corrections.get(part, (0.0, 0.0, 0.0))]
    bones.active_row = next((i for i, row in enumerate(bones.rows) if row.doubtful), 0)
    listed = ("bones", "corrections")
    bones.extras = json.dumps({key: v for key, v in bone_map_to_dict(bone_map).items() if key not in listed})


def listed_map(obj: bpy.types.Object) -> BoneMap | None:
    """The map in the list as it stands, or None if bones are found automatically.

    Raises:
        RigError: the list makes no map.
    """
    bones = obj.pose_core_bones
    if not len(bones.rows):
        return None
    parts: dict[str, list[str]] = {}
    for row in bones.rows:
        if row.bone:
            parts.setdefault(row.part, []).append(row.bone)
    corrections = {row.part: list(row.correction_deg) for row in bones.rows if row.place == 0 and row.part in parts}
    listed = bone_map_from_dict({**read_extras(bones), "bones": parts, "corrections": corrections})
    return replace(listed, confidence={row.bone: float(row.confidence) for row in bones.rows if row.bone})


def first_row_of(obj: bpy.types.Object, part: str) -> PoseCoreBoneRow | None:
    """The row that holds what belongs to a whole part, such as its correction."""
    return next((row for row in obj.pose_core_bones.rows if row.part == part and row.place == 0), None)


def read_extras(bones: PoseCoreBones) -> dict[str, Any]:
    """What belongs to the map beside the rows; nothing if it was damaged."""
    try:
        found = parse_json(bones.extras or "{}", "the bone list", RigError)
    except RigError:
        return {}
    return found if isinstance(found, dict) else {}


def doubtful_rows(obj: bpy.types.Object) -> list[PoseCoreBoneRow]:
    """Rows that a person should look at."""
    return [row for row in obj.pose_core_bones.rows if row.doubtful]


def map_for_run(obj: bpy.types.Object) -> BoneMap | None:
    """The map that a run shall use; None leaves it to the run to find one.

    Where the bones of a character are not certain, they are put into the list for a person to look at.

    Raises:
        RigError: bones are to be confirmed first, or the rig cannot be used.
    """
    if is_automatic(obj):
        found = detect_bones(read_armature(obj))
        if not [part for part in doubtful_parts(found) if part not in OPTIONAL] or bpy.app.background:
            return None
        store_map(obj, found)
    waiting = doubtful_rows(obj)
    if waiting:
        named = ", ".join(row.label for row in waiting[:4])
        more = f" and {len(waiting) - 4} more" if len(waiting) > 4 else ""
        raise RigError(
            f"Some bones of '{obj.name}' are not certain: {named}{more}.",
            "Look at the marked rows under Bones, then confirm or correct them.",
        )
    return listed_map(obj)


def family_label(family: str) -> str:
    """What kind of rig a map is of, for people."""
    own = {"vrm": "VRM", "geometry": "By shape", "words": "By names and shape", "custom": "Own map", "": "Own map"}
    try:
        return own.get(family) or preset_of(family).label
    except PoseCoreError:
        return family


CLASSES = (PoseCoreBoneRow, PoseCoreBones)
