"""Inside Blender: how a rig stands, is posed, and what pulls at it, one function a change; each says what is right."""

from __future__ import annotations

import math

import bpy
from mathutils import Matrix, Vector

from .rig_figure import SIDES, Figure, editing


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
    for frame, x in ((1, 0.0), (100, 5.0 * max(figure.obj.matrix_world.to_scale()) * figure.size)):
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
        bone.location = figure.rng.uniform(-0.02, 0.02, 3) * figure.size
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
        new.head = at + Vector((0.0, offset * figure.size, 0.0))
        new.tail = new.head + Vector((0.0, 0.08 * figure.size, 0.0))
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


def leg_ik_driven(figure: Figure) -> bool:
    """IK whose influence a property of another bone drives, as a switch of the rig's own."""
    if not _ik(figure, ("shin", "foot")):
        return False
    figure.obj.pose.bones[figure.parts["pelvis"][0]]["FK legs"] = 0.0
    for side in SIDES:
        bone = figure.obj.pose.bones[figure.parts[f"{side}_shin"][0]]
        driver = bone.constraints[-1].driver_add("influence").driver
        variable = driver.variables.new()
        variable.name = "fk"
        variable.targets[0].id = figure.obj
        variable.targets[0].data_path = figure.obj.pose.bones[figure.parts["pelvis"][0]].path_from_id() + '["FK legs"]'
        driver.expression = "1 - fk"
    return True


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
    figure.may_say = figure.may_refuse = True  # a bone that is moved by something else is a less sure pelvis
