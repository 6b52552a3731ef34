"""Forward kinematics of a rig, as Blender computes it without constraints or through the ones that are understood."""

from __future__ import annotations

from collections.abc import Mapping

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
    basis = {
        rig.index(name): quaternion_to_matrix(motion.quaternions[:, m]) for m, name in enumerate(motion.bone_names)
    }
    locations = {rig.index(name): values for name, values in motion.all_locations.items()}
    frames = len(motion)
    D: dict[int, FloatArray] = {}
    heads: dict[int, FloatArray] = {}
    for b in rig.order:
        above, heads[b] = inherited(rig, b, D, heads, frames)
        R = rig.rest_rotations[b]
        if b in locations:
            heads[b] = heads[b] + np.einsum("tij,tj->ti", location_axes(rig, b, above), locations[b])
        D[b] = above @ R @ basis[b] @ R.T if b in basis else above
    all_heads = np.stack([heads[b] for b in range(len(rig))], axis=1)
    R_pose = np.stack([D[b] for b in range(len(rig))], axis=1) @ rig.rest_rotations
    all_heads[~motion.valid] = np.nan
    R_pose[~motion.valid] = np.nan
    return all_heads, R_pose


def place_bones(
    rig: RigDescription, D: Mapping[int, FloatArray], frames: int
) -> tuple[dict[int, FloatArray], dict[int, FloatArray]]:
    """Heads, and what is inherited, of bones with known rotations of which none has moved.

    Args:
        rig: the rig.
        D: bone index to (T, 3, 3) rotation relative to rest, armature axes; bones between them take what they inherit.
        frames: T.
    Returns:
        Bone index to (T, 3) head in armature space, and to (T, 3, 3) inherited rotation; for the bones of `D` and those
        that they hang on.
    """
    needed: set[int] = set()
    todo = list(D)
    while todo:
        b = todo.pop()
        if b >= 0 and b not in needed:
            needed.add(b)
            todo.extend(rig.hangs_on(b))
    rotations: dict[int, FloatArray] = {}
    above: dict[int, FloatArray] = {}
    heads: dict[int, FloatArray] = {}
    for b in rig.order:
        if b in needed:
            above[b], heads[b] = inherited(rig, b, rotations, heads, frames)
            rotations[b] = D.get(b, above[b])
    return heads, above


def inherited(
    rig: RigDescription, bone: int, D: Mapping[int, FloatArray], heads: Mapping[int, FloatArray], frames: int
) -> tuple[FloatArray, FloatArray]:
    """What a bone gets from the bones it hangs on.

    Args:
        rig: the rig.
        bone: index.
        D: bone index to (T, 3, 3) rotation relative to rest, at least of those it hangs on.
        heads: bone index to (T, 3), likewise.
        frames: T.
    Returns:
        Its rotation (T, 3, 3) and head (T, 3) while its own channels are at rest.
    """
    follow, parent = rig.follows.get(bone), rig.parents[bone]
    rotation_of, location_of, R_offset, point = (
        (parent if rig.inherit_rotation[bone] else -1, parent, np.eye(3), rig.heads[bone])
        if follow is None
        else (follow.rotation_of, follow.location_of, follow.R_offset, follow.point)
    )
    above = D[rotation_of] @ R_offset if rotation_of >= 0 else np.broadcast_to(R_offset, (frames, 3, 3))
    if location_of < 0:
        return above, np.broadcast_to(point, (frames, 3))
    return above, heads[location_of] + D[location_of] @ (point - rig.heads[location_of])


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
