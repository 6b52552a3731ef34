"""The pose of a rig in the world: the motion's rotations, the hips on the scaled path, the feet planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.errors import RigError
from pose_core.maths.rotations import rotation_vector_to_matrix, turned, twist_about, unit
from pose_core.motion_file import Motion
from pose_core.retarget.feet.contacts import FootContacts, foot_contacts
from pose_core.retarget.feet.mesh_soles import ankle_over, foot_skin
from pose_core.retarget.feet.proportions import (
    Placed,
    has_own_proportions,
    rig_limb,
    slips,
    sole_points,
    solve_arms,
    solve_legs,
)
from pose_core.retarget.rig.bone_map import CHAINS, SIDES, BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.retarget.rig.kinematics import place_bones
from pose_core.retarget.rig.motion import FootPlanting
from pose_core.retarget.rig.rest_alignment import RestAlignment, align_rest_pose
from pose_core.retarget.transfer.config import TransferConfig, correction_matrix
from pose_core.retarget.transfer.spine_chain import chain_rotations
from pose_core.skeletons import Skeleton
from pose_core.types import FloatArray

# Part of a limb to (joint that turns it, joint at its end).
_LIMBS = {
    "upper_arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist"), "hand": ("wrist", "hand"),
    "thigh": ("hip", "knee"), "shin": ("knee", "ankle"), "foot": ("ankle", "toe"),
}  # fmt: skip
_JOINT_OF_PART = {
    "pelvis": "pelvis", "head": "head",
    **{f"{s}_{part}": f"{s}_{joints[0]}" for s in SIDES for part, joints in _LIMBS.items()},
    **{f"{s}_clavicle": f"{s}_clavicle" for s in SIDES},
    **{f"{s}_toe": f"{s}_toe" for s in SIDES},
}  # fmt: skip
LIMB_JOINTS = {f"{s}_{part}": (f"{s}_{a}", f"{s}_{b}") for s in SIDES for part, (a, b) in _LIMBS.items()}
"""Limb part to the motion's joints at its ends."""


@dataclass(frozen=True, eq=False)
class BodyPose:
    """A rig posed in the world, and what was done for it."""

    placed: Placed
    """The frames that have a pose."""
    soles: dict[str, FloatArray]
    """Side to (2, 3) heel and ball of the foot at the sole, from the ankle at rest, world axes, metres."""
    leg_ratio: float
    """Length of the rig's legs over the motion's."""
    planting: FootPlanting
    solved_again: frozenset[str]
    """Parts of limbs, without a side, whose directions are not the motion's."""
    corrected: tuple[str, ...]
    """Parts whose rest pose is corrected, sorted."""


def pose_body(motion: Motion, rig: RigDescription, bone_map: BoneMap, config: TransferConfig) -> BodyPose:
    """Pose a rig in the world, with feet planted where that is wanted.

    Args:
        motion: at least one frame with a pose.
        rig: the rig.
        bone_map: its bones.
        config: options.
    Returns:
        The pose, and what was done for it.
    Raises:
        RigError: limbs are degenerate.
    """
    rest = {part: unit(_rest_vector(motion, part)) for part in LIMB_JOINTS}
    corrections = {
        part: correction_matrix(part, values) for part, values in {**bone_map.corrections, **config.corrections}.items()
    }
    alignment = align_rest_pose(rig, bone_map, rest, corrections)
    R_place = _placement(alignment, config)
    valid = motion.valid
    source = motion.skeleton
    R_joint = motion.rotations_by_joint()
    R_part = {part: R_joint[_joint_index(source, joint)] for part, joint in _JOINT_OF_PART.items()}
    if config.forearm_twist_share > 0:
        for side in SIDES:
            if f"{side}_hand" in bone_map:
                R_part[f"{side}_forearm"] = _share_twist(
                    R_part[f"{side}_forearm"], R_part[f"{side}_hand"], rest[f"{side}_forearm"],
                    config.forearm_twist_share,
                )  # fmt: skip
    D = {part: turned(R_place, R_part[part], alignment.S[part]) for part in R_part if part in bone_map}
    for chain in CHAINS:
        for i, R in enumerate(chain_rotations(chain, motion, R_joint, rig, bone_map)):
            D[part_key(chain, i)] = turned(R_place, R, alignment.S[chain])
    contacts = foot_contacts(motion)
    hips, ratio, ankle_height = _hips_path(motion, rig, bone_map, alignment, R_place, config, contacts)
    follows = np.diff(np.flatnonzero(valid)) == 1
    placed = Placed(motion.timestamps_s[valid], follows, hips, D)
    soles = sole_points(motion, rig, bone_map, alignment, ankle_height)
    solved_again: frozenset[str] = frozenset()
    if not np.any(contacts.planted):
        planting = FootPlanting("no contacts in the motion")
    elif has_own_proportions(motion, rig, bone_map):
        planting = FootPlanting("same proportions")
    else:
        before = _sole_slips(placed, contacts, rig, bone_map, soles)
        state, shift_m = "off", None
        if config.plant_feet:
            placed, shift_m = solve_legs(
                placed, motion, rig, bone_map, alignment,
                contacts=contacts, soles=soles, ratio=ratio, R_place=R_place,
            )  # fmt: skip
            state = "solved"
            solved_again |= {"thigh", "shin"}
        after = _sole_slips(placed, contacts, rig, bone_map, soles)
        planting = FootPlanting(state, _largest_and_mean(before), _largest_and_mean(after), shift_m)
    if config.reach_hands:
        placed = _with_hands(placed, motion, rig, bone_map, alignment, ratio, R_place)
        solved_again |= {"upper_arm", "forearm"}
    return BodyPose(placed, soles, ratio, planting, solved_again, tuple(sorted(corrections)))


def _with_hands(
    placed: Placed,
    motion: Motion,
    rig: RigDescription,
    bone_map: BoneMap,
    alignment: RestAlignment,
    ratio: float,
    R_place: FloatArray,
) -> Placed:
    A = rig.R_world_armature
    D = {rig.index(name): turned(A.T, placed.D[part_key(part, i)], A) for part, i, name in bone_map}
    heads, _ = place_bones(rig, D, len(placed.time_s))
    hips = hips_middle(rig, bone_map, heads)
    shoulders = {
        side: (heads[rig.index(bone_map.bones[f"{side}_upper_arm"][0])] - hips) @ (rig.scale * A).T for side in SIDES
    }
    return solve_arms(placed, motion, rig, bone_map, alignment, shoulders=shoulders, ratio=ratio, R_place=R_place)


def _sole_slips(
    placed: Placed, contacts: FootContacts, rig: RigDescription, bone_map: BoneMap, soles: dict[str, FloatArray]
) -> FloatArray:
    """Slip of planted soles in a pose, metres; see `slips`."""
    points = []
    for side in SIDES:
        leg = rig_limb(rig, bone_map, side, ("thigh", "shin", "foot"))
        if leg is None:
            return np.zeros(0)
        D = placed.D
        ankle = placed.hips_m + D["pelvis"] @ leg.root + D[f"{side}_thigh"] @ leg.upper + D[f"{side}_shin"] @ leg.lower
        points.append(ankle[:, None] + np.einsum("tij,cj->tci", D[f"{side}_foot"], soles[side]))
    return slips(np.stack(points, axis=1), contacts.planted, placed.follows)


def _largest_and_mean(slips_m: FloatArray) -> tuple[float, float]:
    """Largest and mean, millimetres; zeros where nothing is planted in two frames in a row."""
    if len(slips_m) == 0:
        return 0.0, 0.0
    return round(1e3 * float(np.max(slips_m)), 3), round(1e3 * float(np.mean(slips_m)), 3)


def part_key(part: str, i: int) -> str:
    """Name of a mapped bone's rotation: chains are counted."""
    return f"{part}.{i}" if part in CHAINS else part


def _joint_index(source: Skeleton, joint: str) -> int:
    """Index of a joint; collar bones of a motion that has none follow its chest."""
    return source.index(joint if joint in source.names else "chest")


def _rest_vector(motion: Motion, part: str) -> FloatArray:
    """Offset over a limb part in the motion's rest pose."""
    return np.asarray(motion.rest_offsets_m[motion.joint_names.index(LIMB_JOINTS[part][1])])


def _share_twist(R_forearm: FloatArray, R_hand: FloatArray, axis: FloatArray, share: float) -> FloatArray:
    """Let the forearm take over part of the hand's turn about it; its direction stays."""
    twist = np.unwrap(twist_about(np.swapaxes(R_forearm, -1, -2) @ R_hand, axis))
    twist = twist - 2 * np.pi * np.round(np.median(twist) / (2 * np.pi))
    return np.asarray(R_forearm @ rotation_vector_to_matrix(axis * (share * twist)[:, None]))


def _placement(alignment: RestAlignment, config: TransferConfig) -> FloatArray:
    """Heading that the motion is turned by before it meets the rig."""
    if config.place == "world":
        return np.eye(3)
    heading = alignment.S["pelvis"].T @ np.array([0.0, -1.0, 0.0])
    yaw = np.arctan2(heading[0], -heading[1])
    return rotation_vector_to_matrix(np.array([0.0, 0.0, yaw]))


def hips_middle(rig: RigDescription, bone_map: BoneMap, heads: dict[int, FloatArray]) -> FloatArray:
    """(T, 3) middle of the heads of both thighs."""
    return np.asarray(0.5 * sum(heads[rig.index(bone_map.bones[f"{side}_thigh"][0])] for side in SIDES))


def _hips_path(
    motion: Motion,
    rig: RigDescription,
    bone_map: BoneMap,
    alignment: RestAlignment,
    R_place: FloatArray,
    config: TransferConfig,
    contacts: FootContacts,
) -> tuple[FloatArray, float, float]:
    """Where the middle of the rig's hips goes: where the motion's goes, scaled by the legs, feet on the ground.

    Returns:
        (T, 3) in the world, the scale, and the height of the rig's ankles over the sole, metres.
    """
    heads = {part: rig.heads[rig.index(names[0])] for part, names in bone_map.bones.items()}
    legs_rig = rig.scale * float(np.mean([_leg_length(heads, side) for side in SIDES]))
    lengths = dict(zip(motion.joint_names, motion.bone_lengths_m, strict=True))
    legs_motion = 0.5 * sum(lengths[f"{s}_{joint}"] for s in SIDES for joint in ("knee", "ankle"))
    if not (legs_motion > 0 and legs_rig > 0):
        raise RigError(f"The legs of '{rig.name}' or of the motion have no length.")
    ratio = float(legs_rig / legs_motion) if config.scale_by_legs else 1.0
    ankle_height = _skin_height(motion, rig, bone_map, alignment)
    if ankle_height is None:
        ankle_height = _ankle_height(rig, heads, alignment)
    path = ratio * motion.root_translation_m[motion.valid]
    if config.scale_by_legs:
        of_motion = contacts.ankle_level_m if config.plant_feet else contacts.rest_ankle_m
        path = path + np.array([0.0, 0.0, ankle_height - ratio * of_motion])
    if config.place == "object":
        path = path @ R_place.T + np.array([*rig.matrix_world[:2, 3], 0.0])
    return path, ratio, ankle_height


def _leg_length(heads: dict[str, FloatArray], side: str) -> float:
    thigh, shin, foot = (heads[f"{side}_{part}"] for part in ("thigh", "shin", "foot"))
    return float(np.linalg.norm(shin - thigh) + np.linalg.norm(foot - shin))


def _skin_height(motion: Motion, rig: RigDescription, bone_map: BoneMap, alignment: RestAlignment) -> float | None:
    """Height of the ankles over the soles of the mesh, the rig in canonical rest pose; None where that is unknown."""
    if any(foot_skin(rig, bone_map, side) is None for side in SIDES):
        return None
    soles = sole_points(motion, rig, bone_map, alignment, 0.0)
    return float(np.mean([ankle_over(soles[side] @ alignment.S[f"{side}_foot"].T) for side in SIDES]))


def _ankle_height(rig: RigDescription, heads: dict[str, FloatArray], alignment: RestAlignment) -> float:
    """Height of the ankles over the floor with the rig in the canonical rest pose, metres.

    The floor is the ground that a standing rig was built on; else it lies a little under the ball of the foot.
    """
    leg = rig.scale * float(np.mean([_leg_length(heads, side) for side in SIDES]))
    ankles = np.stack([rig.to_world(heads[f"{s}_foot"]) for s in SIDES])
    over_origin = float(np.mean(ankles[:, 2]) - rig.matrix_world[2, 3])
    if alignment.standing and 0.0 <= over_origin < 0.35 * leg:
        return over_origin
    drops = [
        -float((alignment.S[f"{s}_foot"] @ (rig.to_world(heads[f"{s}_toe"]) - rig.to_world(heads[f"{s}_foot"])))[2])
        for s in SIDES
        if f"{s}_toe" in heads
    ]
    below_ankle = float(np.mean(drops)) if drops else 0.12 * leg
    return max(below_ankle, 0.0) + 0.02 * leg
