"""Inside Blender: other bones and other names on a rig, one function a change; each says what is right afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Vector

from pose_core.retarget.mapping.families import name_presets

from .rig_figure import SIDES, Figure, editing, name_as


def extra_bones(figure: Figure) -> None:
    size = figure.size
    style = figure.rng.choice(["x{:03}", "Bone.{:03}", "helper_{}", "jnt{:04}"])
    with editing(figure.obj) as bones:
        names = [bone.name for bone in bones]
        for i in range(int(figure.rng.integers(40, 350))):
            new = bones.new(str(style).format(i + 500))
            parent = bones[str(figure.rng.choice(names))]
            new.head = parent.head + Vector(figure.rng.uniform(-0.12, 0.12, 3) * size)
            new.tail = new.head + Vector((0.0, 0.0, 0.02 * size))
            new.parent = parent
            names.append(new.name)


def twist_bones(figure: Figure) -> None:
    with editing(figure.obj) as bones:
        for side in SIDES:
            for upper, lower in (("forearm", "hand"), ("thigh", "shin"), ("upper_arm", "forearm")):
                a, b = (figure.bone(f"{side}_{part}") for part in (upper, lower))
                if a is None or b is None:
                    continue
                new = bones.new(f"{a}_twist")
                new.head = bones[a].head.lerp(bones[b].head, 0.5)
                new.tail = bones[a].head.lerp(bones[b].head, 0.9)
                new.parent = bones[a]


def _dropped(figure: Figure, part: str, with_children: bool) -> bool:
    if part not in figure.parts:
        return False
    figure.lost[part] = [np.array(figure.obj.data.bones[name].head_local) for name in figure.parts[part]]
    with editing(figure.obj) as bones:
        for name in reversed(figure.parts[part]):
            bone = bones[name]
            for child in bone.children_recursive if with_children else []:
                bones.remove(child)
            for child in [] if with_children else bone.children:
                child.use_connect = False
                child.parent = bone.parent
            bones.remove(bone)
    figure.forget(part)
    return True


def _both_dropped(figure: Figure, part: str, with_children: bool) -> bool:
    left, right = (_dropped(figure, f"{side}_{part}", with_children) for side in SIDES)
    return left and right


def without_toes(figure: Figure) -> bool:
    figure.may_refuse = figure.may_refuse or figure.says_nothing
    return _both_dropped(figure, "toe", True)


def without_neck(figure: Figure) -> bool:
    return _dropped(figure, "neck", False)


def without_clavicles(figure: Figure) -> bool:
    return _both_dropped(figure, "clavicle", False)


def without_hands(figure: Figure) -> bool:
    figure.may_refuse = True  # arms of two bones are no clear arms
    return _both_dropped(figure, "hand", True)


def _spine_of(figure: Figure, count: int) -> bool:
    spine = figure.parts.get("spine", [])
    if len(spine) <= count:
        return False
    kept = spine[-1:] if count == 1 else [spine[0], spine[-1]]
    with editing(figure.obj) as bones:
        for name in [name for name in spine if name not in kept]:
            for child in bones[name].children:
                child.use_connect = False
                child.parent = bones[name].parent
            bones.remove(bones[name])
    figure.parts["spine"] = kept
    figure.also.pop("spine", None)
    return True


def one_spine(figure: Figure) -> bool:
    return _spine_of(figure, 1)


def two_spines(figure: Figure) -> bool:
    return _spine_of(figure, 2)


def _root(figure: Figure, bones: bpy.types.ArmatureEditBones) -> bpy.types.EditBone:
    """The bone above the pelvis that carries all, made if there is none."""
    pelvis = bones[figure.parts["pelvis"][0]]
    if pelvis.parent is not None:
        return pelvis.parent_recursive[-1]
    root = bones.new("root_of_all")
    root.head, root.tail = Vector((pelvis.head.x, pelvis.head.y, 0.0)), pelvis.head
    if (root.tail - root.head).length < 0.1 * figure.size:
        root.head = pelvis.head - Vector((0.0, 0.4 * figure.size, 0.0))
    for bone in [bone for bone in bones if bone.parent is None and bone != root]:
        bone.parent = root
    return root


def _hung(figure: Figure, parts: Sequence[str], on_nothing: bool = False) -> bool:
    with editing(figure.obj) as bones:
        root = _root(figure, bones)
        for part in parts:
            name = figure.bone(part)
            if name is None:
                return False
            bones[name].use_connect = False
            bones[name].parent = None if on_nothing else root
    return True


def loose_feet(figure: Figure) -> bool:
    figure.may_refuse = figure.may_refuse or figure.says_nothing
    return _hung(figure, [f"{side}_foot" for side in SIDES], bool(figure.rng.integers(2)))


def loose_hands(figure: Figure) -> bool:
    figure.may_refuse = figure.may_refuse or figure.says_nothing
    return _hung(figure, [f"{side}_hand" for side in SIDES])


def loose_thighs(figure: Figure) -> bool:
    figure.may_refuse = True  # if the pelvis says nothing of itself, the bone that carries legs and spine is another
    return _hung(figure, [f"{side}_thigh" for side in SIDES])


def arms_on_neck(figure: Figure) -> bool:
    neck = figure.bone("neck")
    if neck is None:
        return False
    if figure.says_nothing:  # what arms hang on is spine, if no name says neck
        figure.may_refuse = True
        figure.also["spine"] = [[*figure.parts["spine"], *figure.parts["neck"]]]
    with editing(figure.obj) as bones:
        for side in SIDES:
            name = figure.bone(f"{side}_clavicle") or figure.bone(f"{side}_upper_arm")
            bones[name].use_connect = False
            bones[name].parent = bones[neck]
    return True


def connected_hips(figure: Figure) -> None:
    with editing(figure.obj) as bones:
        _root(figure, bones)
        pelvis = bones[figure.parts["pelvis"][0]]
        pelvis.parent.tail = pelvis.head
        pelvis.use_connect = True


def _stretched(figure: Figure, parts: Sequence[tuple[str, str]], factor: float) -> None:
    with editing(figure.obj) as bones:
        for side in SIDES:
            for upper, lower in parts:
                a, b = (figure.bone(f"{side}_{part}") for part in (upper, lower))
                if a is None or b is None:
                    continue
                shift = (bones[b].head - bones[a].head) * (factor - 1.0)
                for bone in [bones[b], *bones[b].children_recursive]:
                    bone.use_connect = False
                    bone.head, bone.tail = bone.head + shift, bone.tail + shift


def long_arms(figure: Figure) -> None:
    _stretched(figure, (("upper_arm", "forearm"), ("forearm", "hand")), 1.3)


def short_legs(figure: Figure) -> None:
    _stretched(figure, (("thigh", "shin"), ("shin", "foot")), 0.7)


def rolls(figure: Figure) -> None:
    with editing(figure.obj) as bones:
        for bone in bones:
            bone.roll = float(figure.rng.uniform(-math.pi, math.pi))


def namespace(figure: Figure) -> None:
    prefix = str(figure.rng.choice(["Hero:", "rig|", "Armature_", "char01:body:"]))
    figure.rename({bone.name: f"{prefix}{bone.name.split(':')[-1]}" for bone in figure.obj.data.bones})


def nameless(figure: Figure) -> None:
    names = [bone.name for bone in figure.obj.data.bones]
    figure.rename({name: f"Bone.{i:03}" for i, name in enumerate(figure.rng.permutation(names).tolist())})
    figure.may_refuse, figure.must_refuse = True, False  # exchanged names are gone


def upper_case(figure: Figure) -> None:
    figure.rename({bone.name: bone.name.upper() for bone in figure.obj.data.bones})
    figure.may_refuse = True  # some names lose what parts their words


def other_family(figure: Figure) -> bool:
    families = [preset.family for preset in name_presets() if not preset.controls]
    return name_as(figure, str(figure.rng.choice(families)))


def exchanged_sides(figure: Figure) -> None:
    pairs = [(figure.bone(f"left_{p}"), figure.bone(f"right_{p}")) for p in
             ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")]  # fmt: skip
    pairs = [(a, b) for a, b in pairs if a and b]
    before = dict(figure.parts)
    figure.rename(dict(pairs) | {b: a for a, b in pairs})
    if figure.says_nothing:
        return
    if any(part.endswith("toe") for part in before):
        figure.must_refuse = True
    else:
        figure.parts, figure.also = before, {}  # nothing shows it: names are believed
        figure.may_refuse = True
