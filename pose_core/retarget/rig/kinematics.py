"""Forward kinematics of a rig, as Blender computes it without constraints or through the ones that are understood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from pose_core.maths.rotations import quaternion_to_matrix, turned
from pose_core.retarget.rig.description import RigDescription
from pose_core.retarget.rig.motion import RigMotion
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
    rig: RigDescription, D: Mapping[int, FloatArray], frames: int, placed: Iterable[int] | None = None
) -> tuple[dict[int, FloatArray], dict[int, FloatArray]]:
    """Heads, and what is inherited, of bones with known rotations of which none has moved.

    Args:
        rig: the rig.
        D: bone index to (T, 3, 3) rotation relative to rest, armature axes; bones between them take what they inherit.
        frames: T.
        placed: bones whose heads are wanted; None = all of `D`.
    Returns:
        Bone index to (T, 3) head in armature space, and to (T, 3, 3) inherited rotation, for the bones of `D` and those
        that they hang on; heads only for those wanted and what carries them.
    """
    needed = _with_carriers(rig, D)
    heads_of = needed if placed is None else _with_carriers(rig, placed)
    rotations: dict[int, FloatArray] = {}
    above: dict[int, FloatArray] = {}
    heads: dict[int, FloatArray] = {}
    for b in rig.order:
        if b in needed:
            above[b] = inherited_rotation(rig, b, rotations, frames)
            rotations[b] = D.get(b, above[b])
            if b in heads_of:
                heads[b] = _inherited_head(rig, b, rotations, heads, frames)
    return heads, above


def _with_carriers(rig: RigDescription, bones: Iterable[int]) -> set[int]:
    """Bones and all that they hang on."""
    found: set[int] = set()
    todo = list(bones)
    while todo:
        b = todo.pop()
        if b not in found:
            found.add(b)
            todo.extend(rig.hangs_on(b))
    return found


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
    return inherited_rotation(rig, bone, D, frames), _inherited_head(rig, bone, D, heads, frames)


def inherited_rotation(rig: RigDescription, bone: int, D: Mapping[int, FloatArray], frames: int) -> FloatArray:
    """(T, 3, 3) rotation of a bone while its own channels are at rest; see `inherited`."""
    follow = rig.follows.get(bone)
    if follow is None:
        parent = rig.parents[bone] if rig.inherit_rotation[bone] else -1
        return D[parent] if parent >= 0 else np.broadcast_to(np.eye(3), (frames, 3, 3))
    if follow.rotation_of < 0:
        return np.broadcast_to(follow.R_offset, (frames, 3, 3))
    return turned(np.eye(3), D[follow.rotation_of], follow.R_offset)


def _inherited_head(
    rig: RigDescription, bone: int, D: Mapping[int, FloatArray], heads: Mapping[int, FloatArray], frames: int
) -> FloatArray:
    follow = rig.follows.get(bone)
    carrier, point = (rig.parents[bone], rig.heads[bone]) if follow is None else (follow.location_of, follow.point)
    if carrier < 0:
        return np.broadcast_to(point, (frames, 3))
    return np.asarray(heads[carrier] + D[carrier] @ (point - rig.heads[carrier]))


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
