"""Write a planned take: its action, switches and rotation modes, and the scene's times."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..compat import assign_action
from ..plan import Plan
from ..restore.put_back import Made
from .action_writer import (
    claim_name,
    keep_lead,
    push_to_nla,
    reset_leftovers,
    set_rotation_modes,
    write_action,
)
from .scene_time import set_frame_range, set_scene_rate
from .switches import key_switches, set_switches, stiff_limbs


@dataclass(frozen=True, eq=False)
class Written:
    """What was changed on a character."""

    action: bpy.types.Action
    slot: Any
    """The action's slot; None before 4.4."""
    keys: int
    reset: tuple[str, ...]
    """Bones that were put back to rest."""
    turned: tuple[str, ...]
    """Bones whose rotation mode was changed."""
    stiff: tuple[str, ...]
    """Bones whose IK stretch is keyed to 0."""
    shown: tuple[str, ...]
    """Notes on how the armature is displayed."""


def write_take(scene: bpy.types.Scene, plan: Plan, made: Made) -> Generator[None, None, Written]:
    """Write a take and make it the active action, in small steps.

    Args:
        scene: gets the take's rate and range, if the options want that.
        plan: what to write.
        made: gets the action as soon as there is one.
    """
    target, options, rig_motion = plan.target, plan.options, plan.rig_motion
    action, slot, keys = yield from write_action(target, plan.tracks, plan.clip, options.interpolation)
    made.action = action
    # IK starts from where its bones are, so those go to rest too
    reset = reset_leftovers(target, plan.rig, [*plan.written_bones, *rig_motion.locations])
    turned = set_rotation_modes(target, plan.tracks)
    _keep_old_action(target)
    assign_action(target, action, slot)
    stiff = stiff_limbs(target, plan.rig, plan.bone_map, rig_motion.ik_limbs)
    switches = {**rig_motion.switches, **stiff, **plan.switched_off}
    set_switches(target, switches)
    keys += key_switches(target, action, slot, switches, plan.keyed_frames[0])
    shown = _show_pose(target)
    if options.set_scene_fps:
        set_scene_rate(scene, plan.rate)
    if options.set_frame_range:
        set_frame_range(scene, np.array([plan.first_frame, plan.keyed_frames[-1]]))
    return Written(action, slot, keys, tuple(reset), tuple(turned), tuple(bone for bone, _ in stiff), tuple(shown))


def finish_take(plan: Plan, written: Written) -> tuple[str | None, list[str]]:
    """Do what comes after the look at the evaluated rig; an earlier action that is taken away cannot come back.

    Returns:
        The name of the NLA track that the action was pushed to, and what a person should know.
    """
    keep_lead(written.action, plan.first_frame, plan.keyed_frames)
    track = push_to_nla(plan.target, written.action, written.slot, plan.clip) if plan.options.nla else None
    return track, take_earlier_name(plan.target, written.action, plan.clip) if plan.options.replace_action else []


def take_earlier_name(target: bpy.types.Object, action: bpy.types.Action, clip: str) -> list[str]:
    """Let an action take the place of an earlier one of the clip's name; a note if that cannot be."""
    if claim_name(target, action, clip):
        return []
    return [f"Something else uses the action '{clip}', so it was kept; the new one is '{action.name}'."]


def _keep_old_action(obj: bpy.types.Object) -> None:
    """An action that loses its only user would be gone when the file is saved."""
    data = obj.animation_data
    if data is not None and data.action is not None:
        data.action.use_fake_user = True


def _show_pose(obj: bpy.types.Object) -> list[str]:
    notes = []
    if obj.data.pose_position == "REST":
        obj.data.pose_position = "POSE"
        notes.append("The armature was shown in rest position; it is now shown posed.")
    data = obj.animation_data
    if any(not track.mute and len(track.strips) for track in data.nla_tracks) and data.use_nla:
        names = ", ".join(f"'{track.name}'" for track in data.nla_tracks if not track.mute)
        notes.append(f"NLA tracks play beneath the new action: {names}.")
    return notes
