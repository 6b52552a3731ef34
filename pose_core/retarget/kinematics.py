"""Forward kinematics of a rig from its pose channels, as Blender computes it without constraints."""

from __future__ import annotations

import numpy as np

from pose_core.retarget.rig import RigDescription
from pose_core.retarget.rig_motion import RigMotion
from pose_core.rotations import quaternion_to_matrix
from pose_core.types import FloatArray


def pose_bones(rig: RigDescription, motion: RigMotion) -> tuple[FloatArray, FloatArray]:
    """Where every bone of a rig stands.

    Args:
        rig: B bones.
        motion: T frames of the mapped bones; all other channels are at rest.
    Returns:
        heads (T, B, 3) and rotations (T, B, 3, 3) in armature space; NaN for frames without a pose.
    """
    T, B = len(motion), len(rig)
    keyed = {name: i for i, name in enumerate(motion.bone_names)}
    D = np.empty((T, B, 3, 3))  # rotation relative to rest, along armature axes
    heads = np.empty((T, B, 3))
    for b, name in enumerate(rig.bone_names):
        p, R = rig.parents[b], rig.rest_rotations[b]
        D_parent = D[:, p] if p >= 0 else np.broadcast_to(np.eye(3), (T, 3, 3))
        D_above = D_parent if rig.inherit_rotation[b] else np.eye(3)
        heads[:, b] = rig.heads[b]
        if p >= 0:
            heads[:, b] = heads[:, p] + np.einsum("tij,j->ti", D_parent, rig.heads[b] - rig.heads[p])
        if name in motion.all_locations:
            axes = location_axes(rig, b, np.broadcast_to(D_above, (T, 3, 3)))
            heads[:, b] += np.einsum("tij,tj->ti", axes, motion.all_locations[name])
        if name in keyed:
            D[:, b] = D_above @ R @ quaternion_to_matrix(motion.quaternions[:, keyed[name]]) @ R.T
        else:
            D[:, b] = D_above
    R_pose = D @ rig.rest_rotations
    heads[~motion.valid] = np.nan
    R_pose[~motion.valid] = np.nan
    return heads, R_pose


def location_axes(rig: RigDescription, bone: int, D_above: FloatArray) -> FloatArray:
    """Axes of a bone's location channels in armature space.

    Args:
        rig: the rig.
        bone: index of the bone.
        D_above: (..., 3, 3) rotation, relative to rest, that the bone inherits.
    Returns:
        (..., 3, 3).
    """
    if rig.local_location[bone]:
        return np.asarray(D_above @ rig.rest_rotations[bone])
    # without 'local location' the channels are along the armature's axes, turned with what is inherited
    return np.asarray(D_above)
