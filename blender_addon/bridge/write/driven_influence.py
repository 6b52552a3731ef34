"""Constraints whose influence a property drives, as on rigs with a switch of their own between IK and FK."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

# Values of a switch that are tried, off first.
_TRIED = (0.0, 1.0)
_NO_INFLUENCE = 1e-3


def property_that_switches_off(
    obj: bpy.types.Object, constraint: bpy.types.Constraint
) -> tuple[str, str, float] | None:
    """What to set so that a driver takes the influence from a constraint; the properties are as before afterwards.

    Returns:
        Bone, custom property and value; None if no driver has the influence, or none of its properties takes it away.
    """
    path = constraint.path_from_id("influence")
    drivers = obj.animation_data.drivers if obj.animation_data is not None else ()
    driver = next((one.driver for one in drivers if one.data_path == path), None)
    if driver is None:
        return None
    for bone, name in _properties_of(obj, driver):
        before = bone[name]
        try:
            for value in _TRIED:
                bone[name] = type(before)(value)
                if _influence(obj, constraint) < _NO_INFLUENCE:
                    return bone.name, name, value
        finally:
            bone[name] = before
            obj.update_tag()
            bpy.context.view_layer.update()
    return None


def is_driven(obj: bpy.types.Object, constraint: bpy.types.Constraint) -> bool:
    """Whether a driver has a constraint's influence."""
    path = constraint.path_from_id("influence")
    return obj.animation_data is not None and any(one.data_path == path for one in obj.animation_data.drivers)


def _properties_of(obj: bpy.types.Object, driver: bpy.types.Driver) -> Iterator[tuple[bpy.types.PoseBone, str]]:
    """Numeric custom properties of the rig's bones that a driver reads."""
    read = {
        target.data_path
        for variable in driver.variables
        if variable.type == "SINGLE_PROP"
        for target in variable.targets
        if target.id == obj
    }
    for bone in obj.pose.bones:
        for name, value in bone.items():
            path = f'{bone.path_from_id()}["{bpy.utils.escape_identifier(name)}"]'
            if path in read and isinstance(value, (bool, int, float)):
                yield bone, name


def _influence(obj: bpy.types.Object, constraint: bpy.types.Constraint) -> float:
    """A constraint's influence with its driver evaluated."""
    obj.update_tag()
    bpy.context.view_layer.update()
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    bone = constraint.path_from_id().split('"')[1]
    name = bpy.utils.unescape_identifier(bone)
    return float(evaluated.pose.bones[name].constraints[constraint.name].influence)
