"""Inside Blender: a character with the right answer to the question which bone plays which part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from blender_addon.bridge.blender_io import empty_scene
from blender_addon.bridge.read.armature_reader import read_armature
from pose_core.lab.retargeting.run_rigs import load_rig
from pose_core.motion_file import Motion
from pose_core.retarget import map_bones, new_rig_layout
from pose_core.retarget.mapping.families import preset_of
from pose_core.retarget.rig.bone_map import CHAINS, PARTS

EXPECTED = "expected_bone_maps.json"
SIDES = ("left", "right")


@dataclass
class Figure:
    """A character, what is right for it, and what may become of it."""

    obj: bpy.types.Object
    parts: dict[str, list[str]]
    """Part to the right bones."""
    rng: np.random.Generator
    also: dict[str, list[list[str]]] = field(default_factory=dict)
    """Part to other answers that are right too."""
    lost: dict[str, list[np.ndarray]] = field(default_factory=dict)
    """Part that was taken away to where its bones were, at rest."""
    may_refuse: bool = False
    """Whether a refusal is as good as a take."""
    must_refuse: bool = False
    may_say: bool = False
    """Whether a joint may be off, if it is said."""
    words: str = ""
    """What the notes must say."""

    @property
    def is_control_rig(self) -> bool:
        """Whether Rigify made it."""
        return "rig_id" in self.obj.data

    @property
    def size(self) -> float:
        """Extent of the figure, armature units."""
        heads = np.array([self.obj.data.bones[names[0]].head_local for names in self.parts.values()])
        return float(np.max(np.ptp(heads, axis=0)))

    @property
    def says_nothing(self) -> bool:
        """Whether no name tells of the body."""
        return all(name.startswith("Bone") for names in self.parts.values() for name in names)

    def bone(self, part: str) -> str | None:
        """The (first) right bone of a part."""
        names = self.parts.get(part)
        return names[0] if names else None

    def rename(self, new: dict[str, str]) -> None:
        """Give bones other names; what is right goes along."""
        given = {}
        for old in new:
            self.obj.data.bones[old].name = f"~{old}"
        for old, name in new.items():
            bone = self.obj.data.bones[f"~{old}"]
            bone.name = name
            given[old] = bone.name  # Blender may have added a number
        self.parts = {part: [given.get(name, name) for name in names] for part, names in self.parts.items()}
        self.also = {
            part: [[given.get(name, name) for name in names] for names in answers]
            for part, answers in self.also.items()
        }

    def forget(self, *parts: str) -> None:
        """The figure has lost parts."""
        for part in parts:
            self.parts.pop(part, None)
            self.also.pop(part, None)


@contextmanager
def editing(obj: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    """The edit bones of an armature."""
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        yield obj.data.edit_bones
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
        bpy.context.view_layer.update()


def load_figure(character: str, seed: int, motion: Motion) -> Figure:
    """An empty scene with one character.

    Args:
        character: a file, `metarig`, `rigify`, or `family:NAME` for the built-in skeleton under a family's names.
        seed: of what is done to it.
        motion: gives the built-in skeleton its sizes.
    """
    rng = np.random.default_rng(seed)
    if character.startswith("family:"):
        return _of_family(character.partition(":")[2], rng, motion)
    obj = load_rig(character)
    bpy.context.view_layer.update()
    table = _expected(character)
    if table is None:
        found = map_bones(read_armature(obj))
        return Figure(obj, {part: list(names) for part, names in found.bones.items()}, rng)
    if not table["humanoid"]:
        return Figure(obj, {}, rng, must_refuse=True)
    parts = {part: _listed(bone) for part, bone in table["map"].items() if bone}
    also = {part: [_listed(one) for one in answers] for part, answers in table.get("also_accept", {}).items()}
    return Figure(obj, parts, rng, also)


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _expected(character: str) -> dict | None:
    name = {"metarig": "rigify_metarig", "rigify": "rigify_generated"}.get(character, Path(character).name)
    folders = [Path(character).parent, Path(__file__).resolve().parents[4] / "shared" / "rigs"]
    for folder in folders:
        if (folder / EXPECTED).is_file():
            rigs = json.loads((folder / EXPECTED).read_text(encoding="utf-8"))["rigs"]
            if name in rigs:
                return dict(rigs[name])
    return None


def _of_family(family: str, rng: np.random.Generator, motion: Motion) -> Figure:
    empty_scene()
    obj = bpy.data.objects.new("Family", bpy.data.armatures.new("Family"))
    bpy.context.scene.collection.objects.link(obj)
    layout = {bone.name: bone for bone in new_rig_layout(motion)}
    with editing(obj) as bones:
        for name, bone in layout.items():
            new = bones.new(name)
            new.head, new.tail = Vector(bone.head_m), Vector(bone.tail_m)
            new.parent = bones[bone.parent] if bone.parent else None
    parts = {part: [part] for part in PARTS if part in layout}
    parts["spine"] = [name for name in layout if name in ("spine", "chest")]
    figure = Figure(obj, parts, rng)
    name_as(figure, family)
    return figure


def name_as(figure: Figure, family: str) -> bool:
    """Give a figure a family's names; False if it has more bones in a chain than the family has names."""
    names = {part: alternatives[0] for part, alternatives in preset_of(family).names.items()}
    chains = {part: len(figure.parts.get(part, ())) for part in CHAINS}
    if any(count > len(names.get(part, ())) for part, count in chains.items()):
        return False
    lacking = [part for part in figure.parts if part not in names]
    if lacking:
        return False
    new = {old: name for part, olds in figure.parts.items() for old, name in zip(olds, names[part], strict=False)}
    clash = set(new.values()) & ({bone.name for bone in figure.obj.data.bones} - set(new))
    if clash:
        return False
    figure.rename(new)
    return True
