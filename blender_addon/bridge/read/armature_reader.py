"""Read an armature object into a `RigDescription`; never enters edit mode, never changes anything."""

from __future__ import annotations

import bpy
import numpy as np

from pose_core.errors import RigError
from pose_core.retarget import RigDescription

from ..compat import escape_all
from .rig_hints import read_hints


def check_target(obj: bpy.types.Object | None) -> None:
    """Check that keys can be written to an object.

    Raises:
        RigError: no armature, linked without override, in edit mode, or without bones.
    """
    if obj is None or obj.type != "ARMATURE":
        what = "no object" if obj is None else f"'{obj.name}' ({obj.type.lower()})"
        raise RigError(f"An armature was expected, but {what} was given.", "Choose an armature object.")
    if obj.library is not None:
        raise RigError(
            f"'{obj.name}' is linked from another file and cannot be animated here.",
            "Make a library override of it first (Object > Library Override > Make).",
        )
    if obj.mode == "EDIT" or obj.data.is_editmode:
        raise RigError(f"'{obj.name}' is in edit mode.", "Leave edit mode and try again.")
    if not obj.data.bones or obj.pose is None:
        raise RigError(f"The armature '{obj.name}' has no bones.", "Choose an armature with a humanoid skeleton.")


def read_armature(obj: bpy.types.Object) -> RigDescription:
    """Describe an armature's rest pose.

    Args:
        obj: an armature object whose transform is up to date.
    Raises:
        RigError: no armature or not usable, see `check_target` and `RigDescription`.
    """
    check_target(obj)
    bones = _parents_first(obj.data.bones)
    index = {bone.name: i for i, bone in enumerate(bones)}
    pose = obj.pose.bones
    driven = _driven_bones(obj)
    return RigDescription(
        name=obj.name,
        bone_names=tuple(bone.name for bone in bones),
        parents=tuple(index[bone.parent.name] if bone.parent else -1 for bone in bones),
        rest_matrices=np.array([bone.matrix_local for bone in bones], dtype=np.float64).reshape(-1, 4, 4),
        lengths=np.array([bone.length for bone in bones], dtype=np.float64),
        matrix_world=np.array(obj.matrix_world, dtype=np.float64),
        rotation_modes=tuple(pose[bone.name].rotation_mode for bone in bones),
        inherit_rotation=np.array([bone.use_inherit_rotation for bone in bones], dtype=np.bool_),
        local_location=np.array([bone.use_local_location for bone in bones], dtype=np.bool_),
        inherit_full_scale=np.array([bone.inherit_scale == "FULL" for bone in bones], dtype=np.bool_),
        connected=np.array([bone.use_connect for bone in bones], dtype=np.bool_),
        deform=np.array([bone.use_deform for bone in bones], dtype=np.bool_),
        constrained=np.array(
            [bone.name in driven or _has_live_constraint(pose[bone.name]) for bone in bones], dtype=np.bool_
        ),
        hints=read_hints(obj),
    )


def _parents_first(bones: bpy.types.ArmatureBones) -> list[bpy.types.Bone]:
    out: list[bpy.types.Bone] = []
    level = [bone for bone in bones if bone.parent is None]
    while level:
        out.extend(level)
        level = [child for bone in level for child in bone.children]
    return out


def _has_live_constraint(pose_bone: bpy.types.PoseBone) -> bool:
    return any(not constraint.mute and constraint.influence > 0 for constraint in pose_bone.constraints)


def _driven_bones(obj: bpy.types.Object) -> set[str]:
    if obj.animation_data is None:
        return set()
    paths = [driver.data_path for driver in obj.animation_data.drivers]
    paths = [path for path in paths if path.rpartition(".")[2].split("[")[0] in _TRANSFORM_CHANNELS]
    names = [bone.name for bone in obj.pose.bones]
    escaped = dict(zip(escape_all(names), names, strict=True))
    return {escaped[inner] for path in paths if (inner := path.partition('["')[2].partition('"]')[0]) in escaped}


_TRANSFORM_CHANNELS = {"location", "scale", "rotation_quaternion", "rotation_euler", "rotation_axis_angle"}
