"""Inside Blender: what may be different about a rig. Each change is a function of a `Figure` and says what is right."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import bpy
import numpy as np
from mathutils import Matrix, Vector

from pose_core.retarget.bone_names import name_presets

from .rig_figure import Figure, editing, name_as

SIDES = ("left", "right")
# Changes that a control rig, whose bones hang in ways of their own, may have too.
FOR_CONTROL_RIGS = frozenset({
    "scaled", "turned", "old_action", "old_pose", "scaled_parent", "moving_parent", "hidden_locked", "mirrored",
    "uneven_parent",
})  # fmt: skip


def apply(figure: Figure, changes: Sequence[str]) -> list[str]:
    """Make changes, in an order that each can stand; those that do not fit the figure are left out."""
    done = []
    for name in sorted(changes, key=list(CHANGES).index):
        if figure.is_control_rig and name not in FOR_CONTROL_RIGS:
            continue
        if CHANGES[name](figure) is not False:
            done.append(name)
        bpy.context.view_layer.update()
    return done


# ------------------------------------------------------------------------------------------------------- bones


def extra_bones(figure: Figure) -> None:
    size = _size(figure)
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
    figure.may_refuse = figure.may_refuse or _says_nothing(figure)
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
    kept = spine[:1] if count == 1 else [spine[0], spine[-1]]
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
    if (root.tail - root.head).length < 0.1 * _size(figure):
        root.head = pelvis.head - Vector((0.0, 0.4 * _size(figure), 0.0))
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
    figure.may_refuse = figure.may_refuse or _says_nothing(figure)
    return _hung(figure, [f"{side}_foot" for side in SIDES], bool(figure.rng.integers(2)))


def loose_hands(figure: Figure) -> bool:
    figure.may_refuse = figure.may_refuse or _says_nothing(figure)
    return _hung(figure, [f"{side}_hand" for side in SIDES])


def loose_thighs(figure: Figure) -> bool:
    figure.may_refuse = True  # if the pelvis says nothing of itself, the bone that carries legs and spine is another
    return _hung(figure, [f"{side}_thigh" for side in SIDES])


def arms_on_neck(figure: Figure) -> bool:
    neck = figure.bone("neck")
    if neck is None:
        return False
    if _says_nothing(figure):  # what arms hang on is spine, if no name says neck
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


# ------------------------------------------------------------------------------------------------------- names


def namespace(figure: Figure) -> None:
    prefix = str(figure.rng.choice(["Hero:", "rig|", "Armature_", "char01:body:"]))
    figure.rename({bone.name: f"{prefix}{bone.name.split(':')[-1]}" for bone in figure.obj.data.bones})


def nameless(figure: Figure) -> None:
    names = [bone.name for bone in figure.obj.data.bones]
    figure.rename({name: f"Bone.{i:03}" for i, name in enumerate(figure.rng.permutation(names).tolist())})
    figure.may_refuse = True


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
    if _says_nothing(figure):
        return
    if any(part.endswith("toe") for part in before):
        figure.must_refuse = True
    else:
        figure.parts, figure.also = before, {}  # nothing shows it: names are believed
        figure.may_refuse = True


# ------------------------------------------------------------------------------------------------------- object


def lying_data(figure: Figure) -> None:
    R = Matrix.Rotation(math.radians(90.0), 4, "X")
    figure.obj.data.transform(R.inverted())
    figure.obj.matrix_basis = figure.obj.matrix_basis @ R


def facing_away(figure: Figure) -> None:
    figure.obj.data.transform(Matrix.Rotation(math.pi, 4, "Z"))


def scaled(figure: Figure) -> None:
    figure.obj.scale = figure.obj.scale * float(figure.rng.choice([0.01, 0.3, 4.0, 37.0]))


def turned(figure: Figure) -> None:
    R = Matrix.Rotation(float(figure.rng.uniform(-math.pi, math.pi)), 4, "Z")
    figure.obj.matrix_basis = Matrix.Translation(figure.rng.uniform(-3, 3, 3)) @ R @ figure.obj.matrix_basis


def mirrored(figure: Figure) -> None:
    figure.obj.scale.x *= -1.0
    figure.must_refuse = True


def _cart(figure: Figure) -> bpy.types.Object:
    cart = bpy.data.objects.new("Cart", None)
    bpy.context.scene.collection.objects.link(cart)
    top = figure.obj
    while top.parent is not None:
        top = top.parent
    top.parent = cart
    return cart


def scaled_parent(figure: Figure) -> None:
    cart = _cart(figure)
    cart.scale = [float(figure.rng.uniform(0.2, 4.0))] * 3
    cart.rotation_euler.z = float(figure.rng.uniform(-math.pi, math.pi))


def uneven_parent(figure: Figure) -> None:
    _cart(figure).scale = (1.0, 1.3, 1.7)
    figure.must_refuse = True


def moving_parent(figure: Figure) -> None:
    cart = _cart(figure)
    for frame, x in ((1, 0.0), (100, 5.0 * max(figure.obj.matrix_world.to_scale()) * _size(figure))):
        cart.location.x = x
        cart.keyframe_insert("location", frame=frame)
    figure.words = "itself moves during the take"


# ------------------------------------------------------------------------------------------------------- pose


def inheritance(figure: Figure) -> None:
    for name in figure.rng.choice([n for names in figure.parts.values() for n in names], 5):
        bone = figure.obj.data.bones[str(name)]
        bone.use_inherit_rotation = bool(figure.rng.integers(2))
        bone.inherit_scale = str(figure.rng.choice(["FULL", "NONE", "ALIGNED", "AVERAGE"]))
        bone.use_local_location = bool(figure.rng.integers(2))


def rotation_modes(figure: Figure) -> None:
    for bone in figure.obj.pose.bones:
        bone.rotation_mode = str(figure.rng.choice(["QUATERNION", "AXIS_ANGLE", "XYZ", "ZXY", "YZX", "ZYX"]))


def old_pose(figure: Figure) -> None:
    for bone in figure.obj.pose.bones:
        if figure.is_control_rig and bone.name not in {n for names in figure.parts.values() for n in names}:
            continue
        bone.rotation_mode = bone.rotation_mode
        bone.location = figure.rng.uniform(-0.02, 0.02, 3) * _size(figure)
        bone.rotation_quaternion = figure.rng.normal((1, 0, 0, 0), 0.1)
        bone.rotation_euler = figure.rng.uniform(-0.2, 0.2, 3)
        bone.scale = figure.rng.uniform(0.9, 1.1, 3)


def old_action(figure: Figure) -> None:
    old_pose(figure)
    for names in figure.parts.values():
        bone = figure.obj.pose.bones[names[0]]
        for path in ("location", "scale", "rotation_quaternion", "rotation_euler"):
            bone.keyframe_insert(path, frame=1)
            bone.keyframe_insert(path, frame=20)


def hidden_locked(figure: Figure) -> None:
    for name in figure.rng.choice([n for names in figure.parts.values() for n in names], 6):
        figure.obj.data.bones[str(name)].hide = True
        figure.obj.pose.bones[str(name)].lock_rotation = (True, True, True)
        figure.obj.pose.bones[str(name)].lock_location = (True, True, True)


def _rested(figure: Figure, turns: dict[str, tuple[str, float]]) -> bool:
    """Turn bones about the figure's axes and make that the rest pose."""
    if any(bone.constraints for bone in figure.obj.pose.bones) or figure.obj.animation_data is not None:
        return False
    thigh, arm = (
        [figure.obj.data.bones[figure.parts[f"{side}_{part}"][0]].head_local for side in SIDES]
        for part in ("thigh", "upper_arm")
    )
    left = (thigh[0] - thigh[1]).normalized()
    up = (arm[0] + arm[1] - thigh[0] - thigh[1]).normalized()
    axes = {"left": left, "forward": left.cross(up)}
    for bone in figure.obj.pose.bones:
        bone.matrix_basis = Matrix.Identity(4)
    for part, (axis, angle) in turns.items():
        name = figure.bone(part)
        if name is None:
            continue
        bpy.context.view_layer.update()
        bone = figure.obj.pose.bones[name]
        head = Matrix.Translation(bone.head)
        bone.matrix = head @ Matrix.Rotation(angle, 4, axes[axis]) @ head.inverted() @ bone.matrix
    bpy.context.view_layer.objects.active = figure.obj
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.armature_apply(selected=False)
    bpy.ops.object.mode_set(mode="OBJECT")
    return True


def arms_down(figure: Figure) -> bool:
    angle = float(figure.rng.uniform(0.3, 0.8))
    return _rested(figure, {"left_upper_arm": ("forward", angle), "right_upper_arm": ("forward", -angle)})


def knees_bent(figure: Figure) -> bool:
    return _rested(figure, {f"{side}_{part}": ("left", angle) for side in SIDES
                            for part, angle in (("thigh", -0.35), ("shin", 0.7), ("foot", -0.35))})  # fmt: skip


def hunched(figure: Figure) -> bool:
    return _rested(figure, {"spine": ("left", 0.25), "neck": ("left", 0.2), "head": ("left", -0.3)})


# ------------------------------------------------------------------------------------------------------- constraints


def _target(figure: Figure, part: str, label: str, offset: float = 0.0) -> str:
    with editing(figure.obj) as bones:
        at = bones[figure.parts[part][0]].head
        new = bones.new(f"{label}_{part}")
        new.head = at + Vector((0.0, offset * _size(figure), 0.0))
        new.tail = new.head + Vector((0.0, 0.08 * _size(figure), 0.0))
        return str(new.name)


def _ik(
    figure: Figure, limb: tuple[str, str], pole: bool = False, turning: bool = False, influence: float = 1.0
) -> bool:
    lower, end = limb
    for side in SIDES:
        if figure.bone(f"{side}_{end}") is None:
            return False
        target = _target(figure, f"{side}_{end}", "IK")
        constraint = figure.obj.pose.bones[figure.parts[f"{side}_{lower}"][0]].constraints.new("IK")
        constraint.target, constraint.subtarget, constraint.chain_count = figure.obj, target, 2
        constraint.influence = influence
        if pole:
            constraint.pole_target = figure.obj
            constraint.pole_subtarget = _target(figure, f"{side}_{lower}", "Pole", 0.4)
        if turning:
            copy = figure.obj.pose.bones[figure.parts[f"{side}_{end}"][0]].constraints.new("COPY_ROTATION")
            copy.target, copy.subtarget = figure.obj, target
    return True


def leg_ik(figure: Figure) -> bool:
    return _ik(figure, ("shin", "foot"))


def leg_ik_turning(figure: Figure) -> bool:
    return _ik(figure, ("shin", "foot"), turning=True)


def arm_ik_pole(figure: Figure) -> bool:
    return _ik(figure, ("forearm", "hand"), pole=True)


def ik_influence_half(figure: Figure) -> bool:
    return _ik(figure, ("shin", "foot"), influence=0.5)


def spine_ik(figure: Figure) -> None:
    target = _target(figure, "head", "IK")
    constraint = figure.obj.pose.bones[figure.parts["spine"][-1]].constraints.new("IK")
    constraint.target, constraint.subtarget = figure.obj, target


def elbow_limits(figure: Figure) -> None:
    for side in SIDES:
        limit = figure.obj.pose.bones[figure.parts[f"{side}_forearm"][0]].constraints.new("LIMIT_ROTATION")
        limit.use_limit_x = limit.use_limit_y = limit.use_limit_z = True
        limit.owner_space = "LOCAL"
    figure.may_say = True


def driven_bone(figure: Figure) -> None:
    bone = figure.obj.pose.bones[figure.parts["left_forearm"][0]]
    bone.rotation_mode = "XYZ"
    bone.driver_add("rotation_euler", 0).driver.expression = "0.4"
    figure.may_say = True


def child_of_hips(figure: Figure) -> None:
    anchor = bpy.data.objects.new("Anchor", None)
    bpy.context.scene.collection.objects.link(anchor)
    figure.obj.pose.bones[figure.parts["pelvis"][0]].constraints.new("CHILD_OF").target = anchor
    figure.may_say = True


def _size(figure: Figure) -> float:
    """Extent of the figure, armature units."""
    heads = np.array([bone.head_local for names in figure.parts.values() for bone in
                      [figure.obj.data.bones[names[0]]]])  # fmt: skip
    return float(np.max(np.ptp(heads, axis=0)))


def _says_nothing(figure: Figure) -> bool:
    return all(name.startswith("Bone") for names in figure.parts.values() for name in names)


CHANGES: dict[str, Callable[[Figure], bool | None]] = {
    one.__name__: one
    for one in (
        other_family, extra_bones, twist_bones, without_toes, without_neck, without_clavicles, without_hands, one_spine,
        two_spines, long_arms, short_legs, rolls, arms_down, knees_bent, hunched, lying_data, facing_away, upper_case,
        namespace, exchanged_sides, nameless, loose_feet, loose_hands, loose_thighs, arms_on_neck, connected_hips,
        inheritance, rotation_modes, scaled, turned, mirrored, scaled_parent, uneven_parent, moving_parent, leg_ik,
        leg_ik_turning, arm_ik_pole, ik_influence_half, spine_ik, elbow_limits, driven_bone, child_of_hips, old_pose,
        old_action, hidden_locked,
    )
}  # fmt: skip
"""Name to change, in the order in which they are made."""
