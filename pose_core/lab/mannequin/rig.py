"""Armature, skinned meshes, and keyframes in Blender."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from pose_core.lab.mannequin.body import Part
from pose_core.lab.mannequin.skeleton import BONE_NAMES, BONES, POINTS, Points
from pose_core.lab.mannequin.skin import part_weights
from pose_core.types import FloatArray

COLOURS: dict[str, tuple[float, float, float]] = {
    "skin": (0.62, 0.37, 0.25), "hair": (0.045, 0.028, 0.020), "lips": (0.48, 0.16, 0.15),
    "shirt": (0.80, 0.18, 0.09), "shirt_band": (0.85, 0.80, 0.70), "trousers": (0.035, 0.075, 0.16),
    "shoes": (0.10, 0.30, 0.36), "soles": (0.80, 0.80, 0.77),
    "eye_white": (0.85, 0.84, 0.82), "iris": (0.10, 0.06, 0.03), "pupil": (0.005, 0.005, 0.005),
}  # fmt: skip
"""Linear RGB of each material."""


def build_armature(name: str = "Mannequin", points: Points = POINTS) -> Any:
    """The armature object in the rest pose that `points` give, added to the scene."""
    armature = bpy.data.armatures.new(name)
    rig = bpy.data.objects.new(name, armature)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in BONES:
        edit = armature.edit_bones.new(bone.name)
        edit.head, edit.tail = Vector(points[bone.head].tolist()), Vector(points[bone.tail].tolist())
        edit.align_roll(Vector(bone.roll_axis))
        if bone.parent:
            edit.parent = armature.edit_bones[bone.parent]
            edit.use_connect = (edit.head - edit.parent.tail).length < 1e-6
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def plain_material(name: str, rgb: tuple[float, float, float]) -> Any:
    """The material of that name, in one colour (linear RGB)."""
    material = bpy.data.materials.get(name) or bpy.data.materials.new(name)
    material.diffuse_color = (*rgb, 1.0)
    material.roughness = 0.7
    if material.node_tree is not None:
        shader = next((n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED"), None)
        if shader is not None:
            shader.inputs["Base Color"].default_value = (*rgb, 1.0)
            shader.inputs["Roughness"].default_value = 0.7
    return material


def build_mesh(part: Part, rig: Any) -> Any:
    """One part as a mesh object that follows the armature."""
    thing = build_skinned(part, part_weights(part), rig)
    for material in part.materials:
        thing.data.materials.append(plain_material(material, COLOURS[material]))
    return thing


def build_skinned(part: Part, weights: FloatArray, rig: Any) -> Any:
    """One part as a mesh object without materials that follows the armature by weights (V, B)."""
    mesh = bpy.data.meshes.new(part.name)
    mesh.from_pydata(part.mesh.vertices.tolist(), [], part.mesh.quads.tolist())
    if len(part.material_of_quad):
        mesh.polygons.foreach_set("material_index", part.material_of_quad.astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    mesh.update()
    thing = bpy.data.objects.new(part.name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    for i in np.flatnonzero(weights.any(axis=0)):
        group = thing.vertex_groups.new(name=BONE_NAMES[i])
        for vertex in np.flatnonzero(weights[:, i]):
            group.add([int(vertex)], float(weights[vertex, i]), "REPLACE")
    thing.parent = rig
    modifier = thing.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig
    return thing


def keyframe_pose(rig: Any, D: FloatArray, root_m: FloatArray, points: Points = POINTS) -> None:
    """Write rotations of all bones and the place of the pelvis as keyframes, one a frame from frame 1.

    Args:
        rig: an armature object made by `build_armature`, at the world's origin.
        D: (T, B, 3, 3) world-aligned rotation of each bone relative to its rest.
        root_m: (T, 3) head of the pelvis bone in the world, metres.
        points: the rest pose that the armature was made with.
    """
    from pose_core.maths.rotations import continuous_quaternions, matrix_to_quaternion

    action = bpy.data.actions.new(f"{rig.name} motion")
    rig.animation_data_create().action = action
    if hasattr(action, "slots"):
        slot = action.slots.new("OBJECT", rig.name)
        rig.animation_data.action_slot = slot
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        curves = strip.channelbag(slot, ensure=True).fcurves
    else:
        action.id_root = "OBJECT"
        curves = action.fcurves
    frames = np.arange(1, len(D) + 1, dtype=float)
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value

    def write(path: str, index: int, values: FloatArray) -> None:
        curve = curves.new(path, index=index)
        curve.keyframe_points.add(len(frames))
        curve.keyframe_points.foreach_set("co", np.stack([frames, values], axis=-1).ravel())
        curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), linear, np.int32))
        curve.update()

    for i, bone in enumerate(BONES):
        pose_bone = rig.pose.bones[bone.name]
        pose_bone.rotation_mode = "QUATERNION"
        R = np.array(pose_bone.bone.matrix_local.to_3x3())
        D_parent = D[:, BONE_NAMES.index(bone.parent)] if bone.parent else np.eye(3)
        basis = R.T @ np.swapaxes(D_parent, -1, -2) @ D[:, i] @ R
        quaternions = continuous_quaternions(matrix_to_quaternion(basis))
        for axis in range(4):
            write(pose_bone.path_from_id("rotation_quaternion"), axis, quaternions[:, axis])
        if not bone.parent:
            location = (root_m - points[bone.head]) @ R
            for axis in range(3):
                write(pose_bone.path_from_id("location"), axis, location[:, axis])
