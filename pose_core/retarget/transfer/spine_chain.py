"""Spread the bend of spine and neck over as many bones as the rig has for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pose_core.maths.rotations import matrix_to_rotation_vector, rotation_vector_to_matrix
from pose_core.motion_file import Motion
from pose_core.retarget.rig.bone_map import SIDES, BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.types import FloatArray


def chain_rotations(
    chain: str, motion: Motion, R_joint: Sequence[FloatArray], rig: RigDescription, bone_map: BoneMap
) -> list[FloatArray]:
    """World rotation of every bone of a chain, by arc length between the motion's joints.

    Args:
        chain: `spine` or `neck`.
        motion: the motion.
        R_joint: for each of its joints (T, 3, 3) world rotations.
        rig: the rig.
        bone_map: its bones.
    Returns:
        (T, 3, 3) for each of the rig's bones, bottom to top.
    """
    names = bone_map.bones.get(chain, ())
    if not names:
        return []
    if chain == "spine":
        joints, knots = ("pelvis", "spine", "chest"), _spine_knots(motion)
        at = spine_positions(rig, bone_map)
    else:
        joints, knots = ("chest", "neck", "head"), np.array([0.0, 0.5, 1.0])
        at = np.arange(1, len(names) + 1) / (len(names) + 1)
    R = [R_joint[motion.joint_names.index(joint)] for joint in joints]
    return [_interpolated(R, knots, float(x)) for x in at]


def spine_positions(rig: RigDescription, bone_map: BoneMap) -> FloatArray:
    """Where the bones of the spine lie between pelvis (0) and chest (1).

    Bones of the spine that the legs hang on, as on control rigs, are part of the pelvis.
    """
    names = bone_map.bones["spine"]
    pelvic = _carries_the_legs(rig, bone_map, names)
    if pelvic == len(names):
        return np.zeros(len(names))
    base = names[pelvic - 1] if pelvic else bone_map.bones["pelvis"][0]
    along = _positions_along(rig, (base, *names[pelvic:]))[1:]
    return np.concatenate([np.zeros(pelvic), along])


def _carries_the_legs(rig: RigDescription, bone_map: BoneMap, names: tuple[str, ...]) -> int:
    """How many bones from the bottom of the chain the thighs are carried by."""
    carriers: set[int] = set()
    todo = [rig.index(bone_map.bones[f"{side}_thigh"][0]) for side in SIDES]
    pelvis = rig.index(bone_map.bones["pelvis"][0])
    while todo:
        b = todo.pop()
        if b not in carriers and b != pelvis:
            carriers.add(b)
            todo.extend(rig.hangs_on(b))
    count = 0
    while count < len(names) and rig.index(names[count]) in carriers:
        count += 1
    return count


def _spine_knots(motion: Motion) -> FloatArray:
    """Where the joints pelvis, spine and chest lie along the trunk: 0, something, 1."""
    lengths = [motion.bone_lengths_m[motion.joint_names.index(joint)] for joint in ("spine", "chest")]
    return np.array([0.0, lengths[0] / max(sum(lengths), 1e-12), 1.0])


def _positions_along(rig: RigDescription, names: tuple[str, ...]) -> FloatArray:
    """Arc length of the heads of a chain, from 0 to 1; even steps where the heads coincide."""
    heads = rig.heads[[rig.index(name) for name in names]]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(heads, axis=0), axis=1))])
    if along[-1] < 1e-6 * max(float(np.max(rig.lengths)), 1e-12):
        return np.linspace(0.0, 1.0, len(names))
    return np.asarray(along / along[-1])


def _interpolated(R: list[FloatArray], knots: FloatArray, x: float) -> FloatArray:
    k = int(np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2))
    share = float(np.clip((x - knots[k]) / max(knots[k + 1] - knots[k], 1e-12), 0.0, 1.0))
    if share in (0.0, 1.0):
        return R[k + int(share)]
    step = matrix_to_rotation_vector(np.swapaxes(R[k], -1, -2) @ R[k + 1])
    return np.asarray(R[k] @ rotation_vector_to_matrix(share * step))
