"""Inside Blender: all that may be different about a rig, and in which order it is made so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy

from . import rig_bones as bones
from . import rig_conditions as conditions
from .rig_figure import Figure

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


CHANGES: dict[str, Callable[[Figure], bool | None]] = {
    one.__name__: one
    for one in (
        bones.other_family, bones.extra_bones, bones.twist_bones, bones.without_toes,
        bones.without_neck, bones.without_clavicles, bones.without_hands, bones.one_spine,
        bones.two_spines, bones.long_arms, bones.short_legs, bones.rolls,
        conditions.arms_down, conditions.knees_bent, conditions.hunched, conditions.lying_data,
        conditions.facing_away, bones.upper_case, bones.namespace, bones.exchanged_sides,
        bones.nameless, bones.loose_feet, bones.loose_hands, bones.loose_thighs,
        bones.arms_on_neck, bones.connected_hips, conditions.inheritance, conditions.rotation_modes,
        conditions.scaled, conditions.turned, conditions.mirrored, conditions.scaled_parent,
        conditions.uneven_parent, conditions.moving_parent, conditions.leg_ik, conditions.leg_ik_turning,
        conditions.arm_ik_pole, conditions.ik_influence_half, conditions.leg_ik_driven, conditions.spine_ik,
        conditions.elbow_limits, conditions.driven_bone, conditions.child_of_hips, conditions.old_pose,
        conditions.old_action, conditions.hidden_locked,
    )
}  # fmt: skip
"""Name to change, in the order in which they are made."""
