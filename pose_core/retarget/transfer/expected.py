"""What a rig that carries a motion should look like: for checking the evaluated rig against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pose_core.motion_file import Motion
from pose_core.retarget.feet.contacts import foot_contacts
from pose_core.retarget.rig.bone_map import SIDES, BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.retarget.rig.motion import RigMotion
from pose_core.types import BoolArray, FloatArray

_LIMBS = {
    f"{s}_{part}": (f"{s}_{child}", f"{s}_{a}", f"{s}_{b}")
    for s in SIDES
    for part, child, a, b in (
        ("upper_arm", "forearm", "shoulder", "elbow"), ("forearm", "hand", "elbow", "wrist"),
        ("thigh", "shin", "hip", "knee"), ("shin", "foot", "knee", "ankle"),
    )
}  # fmt: skip
# A bone that moves the mesh lies this near to its control at rest, as a share of the figure.
_SAME_PLACE = 1e-4


def witness_bones(rig: RigDescription, names: Sequence[str]) -> tuple[str, ...]:
    """For each keyed bone the bone whose place shows whether it works.

    On generated Rigify rigs that is the original bone, which follows FK or IK controls as the switch says; elsewhere
    it is the bone itself.
    """
    extent = float(np.max(np.ptp(rig.heads, axis=0)))
    out = []
    for name in names:
        original = f"ORG-{name.replace('_fk', '')}"
        apart = np.inf
        if original in rig.bone_names:
            apart = float(np.linalg.norm(rig.heads[rig.index(original)] - rig.heads[rig.index(name)]))
        out.append(original if apart < _SAME_PLACE * extent else name)
    return tuple(out)


def planted_at(motion: Motion, times_s: FloatArray) -> BoolArray:
    """(N, 2, 2) which points of the feet are planted at some times: in the frames before and after."""
    valid = motion.valid
    times, planted = motion.timestamps_s[valid], foot_contacts(motion).planted
    left = np.clip(np.searchsorted(times, times_s + 1e-6, side="right") - 1, 0, len(times) - 1)
    right = np.clip(np.searchsorted(times, times_s - 1e-6, side="left"), 0, len(times) - 1)
    return np.asarray(planted[left] & planted[right])


def motion_limb_angles(
    rig: RigDescription,
    bone_map: BoneMap,
    rig_motion: RigMotion,
    heads: FloatArray,
    times_s: FloatArray,
    motion: Motion,
) -> dict[str, float]:
    """Largest angle between each limb of a rig and of the motion, degrees.

    Args:
        rig: the rig.
        bone_map: its bones.
        rig_motion: what was written; limbs that were solved again or corrected are left out, as they point elsewhere on
            purpose.
        heads: (N, M, 3) heads of the mapped bones, in the map's order, armature space.
        times_s: (N,) times of these.
        motion: the motion.
    """
    names = [name for _, _, name in bone_map]
    world = rig.to_world(heads)
    index = {name: i for i, name in enumerate(motion.joint_names)}
    valid = motion.valid
    out = {}
    for limb, (child, start, end) in _LIMBS.items():
        elsewhere = limb.split("_", 1)[1] in rig_motion.solved_again or limb in rig_motion.corrected
        if child not in bone_map or elsewhere:
            continue
        if bone_map.bones[limb][0] in rig_motion.unkeyed:
            continue
        a, b = (names.index(bone_map.bones[p][0]) for p in (limb, child))
        of_rig = world[:, b] - world[:, a]
        apart = motion.joints_world_m[valid, index[end]] - motion.joints_world_m[valid, index[start]]
        of_motion = np.stack([np.interp(times_s, motion.timestamps_s[valid], v) for v in apart.T], axis=-1)
        sine = np.linalg.norm(np.cross(of_rig, of_motion), axis=-1)
        out[limb] = float(np.degrees(np.arctan2(sine, np.sum(of_rig * of_motion, axis=-1)).max()))
    return out
