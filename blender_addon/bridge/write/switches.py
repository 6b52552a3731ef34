"""Properties that switch a rig between its controls: set them, and key them once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import bpy
import numpy as np

from pose_core.errors import RigError
from pose_core.retarget import BoneMap, RigDescription
from pose_core.retarget.rig.bone_map import LIMB_PARTS

from .. import compat

IK_STRETCH = "ik_stretch"
_INFLUENCE = "influence of constraint "
# A bone of the rig's own IK chain lies this near to the mapped one, as a share of the figure.
_SAME_PLACE = 1e-4


def influence_name(constraint: bpy.types.Constraint) -> str:
    """Name of the switch that is a constraint's influence."""
    return f"{_INFLUENCE}{constraint.name}"


def keyed_influences(obj: bpy.types.Object) -> frozenset[str]:
    """Data paths of the influences of constraints that the active action keys, an earlier take's for instance."""
    action, slot = compat.active_action(obj)
    if action is None:
        return frozenset()
    paths = (curve.data_path for curve in compat.action_curves(action, slot))
    return frozenset(path for path in paths if path.endswith(".influence"))


def is_live(constraint: bpy.types.Constraint, keyed: frozenset[str] = frozenset()) -> bool:
    """Whether a constraint does anything, or would if the active action did not hold it back.

    Args:
        constraint: of a pose bone.
        keyed: from `keyed_influences`.
    """
    return not constraint.mute and (constraint.influence > 0 or constraint.path_from_id("influence") in keyed)


def set_switches(obj: bpy.types.Object, switches: Mapping[tuple[str, str], float]) -> None:
    """Set properties of pose bones, each in its own type.

    Args:
        obj: an armature object.
        switches: (bone, custom property, IK_STRETCH or `influence_name`) to value.
    Raises:
        RigError: a bone has no such property, or it cannot be written (a linked rig without an override of it).
    """
    for (bone, name), value in switches.items():
        pose_bone: Any = obj.pose.bones[bone]
        if name == IK_STRETCH:
            with suppress(AttributeError, TypeError, RuntimeError):  # the key counts, also on a library override
                pose_bone.ik_stretch = value
            continue
        if name.startswith(_INFLUENCE):
            with suppress(AttributeError, TypeError, RuntimeError):
                pose_bone.constraints[name.removeprefix(_INFLUENCE)].influence = value
            continue
        if name not in pose_bone:
            raise RigError(f"The bone '{bone}' of '{obj.name}' has no property '{name}'.", "Correct the bone map.")
        kind = type(pose_bone[name])
        try:
            pose_bone[name] = bool(value) if kind is bool else int(value) if kind is int else float(value)
        except (TypeError, AttributeError, RuntimeError) as error:
            raise RigError(f"The property '{name}' of '{bone}' cannot be set ({error}).") from error
    if switches:
        obj.update_tag()


def key_switches(
    obj: bpy.types.Object,
    action: bpy.types.Action,
    slot: Any,
    switches: Mapping[tuple[str, str], float],
    frame: float,
) -> int:
    """Put one key for each switch into an action, so that the take keeps the controls it was made for.

    Returns:
        The number of keys.
    """
    curves = compat.curves_for_writing(action, slot)
    for (bone, name), value in switches.items():
        path = obj.pose.bones[bone].path_from_id() + _path_inside(name)
        curve = curves.find(path) or curves.new(path)
        curve.keyframe_points.add(1)
        point = curve.keyframe_points[0]
        point.co = (frame, value)
        point.interpolation = "CONSTANT"
        curve.update()
    return len(switches)


def _path_inside(name: str) -> str:
    """Where a switch lies below its bone."""
    if name == IK_STRETCH:
        return f".{name}"
    if name.startswith(_INFLUENCE):
        return f'.constraints["{bpy.utils.escape_identifier(name.removeprefix(_INFLUENCE))}"].influence'
    return f'["{bpy.utils.escape_identifier(name)}"]'


def stiff_limbs(
    obj: bpy.types.Object, rig: RigDescription, bone_map: BoneMap, limbs: Iterable[str]
) -> dict[tuple[str, str], float]:
    """Switches that keep Blender's IK from stretching or squeezing limbs, which puts knees and elbows off.

    Args:
        obj: an armature object.
        rig: its description.
        bone_map: its bones.
        limbs: limbs that are posed through IK.
    Returns:
        (bone, IK_STRETCH) to 0 for the bones of the IK chains of these limbs that may stretch.
    """
    extent = float(np.max(np.ptp(rig.heads, axis=0)))
    lower = [LIMB_PARTS[limb][1] for limb in limbs]
    joints = [rig.heads[rig.index(bone_map.bones[part][0])] for part in lower if part in bone_map]
    out = {}
    for bone in obj.pose.bones:
        for constraint in bone.constraints:
            if constraint.type != "IK" or not constraint.use_stretch:
                continue
            head = np.array(bone.bone.head_local)
            if all(np.linalg.norm(head - joint) > _SAME_PLACE * extent for joint in joints):
                continue
            chain = [bone, *bone.parent_recursive]
            for own in chain[: constraint.chain_count or len(chain)]:
                if own.ik_stretch > 0:
                    out[own.name, IK_STRETCH] = 0.0
    return out
