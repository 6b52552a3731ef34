"""Legs outside of the picture are not keyed: what nobody saw is left to the animator, at the rest pose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pose_core.motion_file import Motion
from pose_core.retarget.rig.bone_map import SIDES, BoneMap
from pose_core.retarget.rig.motion import RigMotion

MOSTLY = 0.5
"""Share of the frames from which a leg counts as out of the picture."""
_JOINTS = ("knee", "ankle")
_PARTS = ("thigh", "shin", "foot", "toe")
_REST = (1.0, 0.0, 0.0, 0.0)


def unseen_legs(motion: Motion) -> tuple[str, ...]:
    """Sides whose knee and ankle are outside of the picture in most frames."""
    if motion.joint_seen is None or not np.any(motion.valid):
        return ()
    seen = motion.joint_seen[motion.valid]
    found = []
    for side in SIDES:
        at = [motion.joint_names.index(f"{side}_{joint}") for joint in _JOINTS]
        if float(np.mean(~np.any(seen[:, at], axis=1))) > MOSTLY:
            found.append(side)
    return tuple(found)


def without_unseen_legs(bone_map: BoneMap, rig_motion: RigMotion, motion: Motion) -> tuple[RigMotion, list[str]]:
    """Take the keys of legs that the picture does not show; the bones stay at rest.

    Legs that an IK control poses keep theirs: without them the feet would stay behind while the body moves.

    Args:
        bone_map: the rig's bones.
        rig_motion: the motion on it.
        motion: where it came from.
    Returns:
        The motion with these bones in `unkeyed`, and what to tell the user.
    """
    notes, bones = [], set[str]()
    for side in unseen_legs(motion):
        parts = [f"{side}_{part}" for part in _PARTS if f"{side}_{part}" in bone_map]
        names = [name for part in parts for name in bone_map.bones[part]]
        by_ik = f"{side}_leg" in bone_map.ik or any(n in rig_motion.driven or n in rig_motion.locations for n in names)
        if by_ik:
            notes.append(f"The {side} leg is outside of the picture: the keys of its IK control are a guess.")
            continue
        bones.update(names)
        notes.append(f"The {side} leg is outside of the picture: it is left without keys.")
    columns = [k for k, name in enumerate(rig_motion.bone_names) if name in bones]
    if not columns:
        return rig_motion, notes
    quaternions = rig_motion.quaternions.copy()
    for column in columns:
        quaternions[rig_motion.valid, column] = _REST
    unkeyed = rig_motion.unkeyed | {rig_motion.bone_names[k] for k in columns}
    return replace(rig_motion, quaternions=quaternions, unkeyed=unkeyed), notes
