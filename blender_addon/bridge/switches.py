"""Custom properties that switch a rig between its controls: set them, and key them once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from pose_core.errors import RigError

from . import compat


def set_switches(obj: bpy.types.Object, switches: Mapping[tuple[str, str], float]) -> None:
    """Set custom properties of pose bones, each in its own type.

    Args:
        obj: an armature object.
        switches: (bone, property) to value.
    Raises:
        RigError: a bone has no such property, or it cannot be written (a linked rig without an override of it).
    """
    for (bone, name), value in switches.items():
        pose_bone = obj.pose.bones[bone]
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
        path = obj.pose.bones[bone].path_from_id() + f'["{bpy.utils.escape_identifier(name)}"]'
        curve = curves.find(path) or curves.new(path)
        curve.keyframe_points.add(1)
        point = curve.keyframe_points[0]
        point.co = (frame, value)
        point.interpolation = "CONSTANT"
        curve.update()
    return len(switches)
