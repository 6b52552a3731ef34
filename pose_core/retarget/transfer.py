"""Carry a motion onto a rig: pose channels of all mapped bones for all frames at once.

With R the rest rotation of a bone in armature space and D its wanted rotation relative to rest along armature axes,
the rotation channel is `R^T D_parent^T D R`. D comes from the motion's world rotation of the matching joint times the
alignment of the rest poses; bones that are not mapped keep their rest channel and so pass their parent's D on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pose_core.errors import ConfigError, InsufficientDataError, RigError
from pose_core.motion_file import Motion
from pose_core.retarget.bone_map import CHAINS, SIDES, BoneMap
from pose_core.retarget.channels import same_side
from pose_core.retarget.kinematics import location_axes
from pose_core.retarget.rest_alignment import RestAlignment, align_rest_pose
from pose_core.retarget.rig import RigDescription
from pose_core.retarget.rig_motion import RigMotion
from pose_core.rotations import (
    matrix_to_quaternion,
    matrix_to_rotation_vector,
    rotation_vector_to_matrix,
    twist_about,
    unit,
)
from pose_core.skeletons import Skeleton
from pose_core.types import BoolArray, FloatArray

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


@dataclass(frozen=True)
class TransferConfig:
    """How a motion is carried onto a rig."""

    forearm_twist_share: float = 0.5
    """Share of the hand's turn about the forearm that the forearm takes over, 0 to 1; spreads the twist of the skin."""
    scale_by_legs: bool = True
    """Scale the path of the hips by the rig's leg length over the motion's; off keeps metres as they are."""
    place: str = "world"
    """`world`: the figure stands where the motion says; `object`: relative to where the armature object stands and
    faces."""

    def __post_init__(self) -> None:
        if not 0 <= self.forearm_twist_share <= 1:
            raise ConfigError(f"forearm_twist_share must be 0 to 1, but is {self.forearm_twist_share}.")
        if self.place not in ("world", "object"):
            raise ConfigError(f"place must be 'world' or 'object', but is '{self.place}'.")


def transfer(motion: Motion, rig: RigDescription, bone_map: BoneMap, config: TransferConfig | None = None) -> RigMotion:
    """Compute the pose channels that make a rig do a motion.

    Args:
        motion: T frames.
        rig: B bones in any rest pose.
        bone_map: a map that `check_bone_map` accepts.
        config: options.
    Returns:
        Channels of the mapped bones.
    Raises:
        RigError: the pelvis bone cannot move, or limbs are degenerate.
        InsufficientDataError: no frame of the motion carries a pose.
    """
    config = config or TransferConfig()
    valid = motion.valid
    if not np.any(valid):
        raise InsufficientDataError(
            "The motion has no frame with a pose.", "Estimate it again with more of the person."
        )
    source = motion.skeleton
    R_joint = motion.world_rotations[valid]
    rest = {part: unit(_rest_vector(motion, part)) for part in LIMB_JOINTS}
    alignment = align_rest_pose(rig, bone_map, rest)
    R_part = {part: R_joint[:, _joint_index(source, joint)] for part, joint in _JOINT_OF_PART.items()}
    if config.forearm_twist_share > 0:
        for side in SIDES:
            if f"{side}_hand" in bone_map:
                R_part[f"{side}_forearm"] = _share_twist(
                    R_part[f"{side}_forearm"], R_part[f"{side}_hand"], rest[f"{side}_forearm"],
                    config.forearm_twist_share,
                )  # fmt: skip
    R_place = _placement(alignment, config)
    D_world = {(part, 0): R_place @ R_part[part] @ alignment.S[part] for part in R_part if part in bone_map}
    for chain in CHAINS:
        for i, R in enumerate(_chain_rotations(chain, motion, R_joint, rig, bone_map)):
            D_world[chain, i] = R_place @ R @ alignment.S[chain]
    A = rig.R_world_armature
    D = {rig.index(name): A.T @ D_world[part, i] @ A for part, i, name in bone_map}
    inherited = _inherited(rig, D, int(np.sum(valid)))
    names = tuple(name for _, _, name in bone_map)
    quaternions = np.full((len(valid), len(names), 4), np.nan)
    for m, name in enumerate(names):
        b = rig.index(name)
        R = rig.rest_rotations[b]
        basis = R.T @ np.swapaxes(inherited[b], -1, -2) @ D[b] @ R
        quaternions[valid, m] = matrix_to_quaternion(basis)
    quaternions[valid] = same_side(quaternions[valid])
    location, ratio = _root_location(motion, rig, bone_map, alignment, D, inherited, R_place, config)
    root_location = np.full((len(valid), 3), np.nan)
    root_location[valid] = location
    diagnostics: dict[str, Any] = {
        "family": bone_map.family,
        "leg_ratio": ratio,
        "rest_pose_standing": alignment.standing,
        "frames_without_pose": int(np.sum(~valid)),
        "notes": list(bone_map.notes) + _rig_notes(rig, bone_map),
    }
    pelvis = bone_map.bones["pelvis"][0]
    return RigMotion(names, quaternions, pelvis, root_location, motion.timestamps_s, valid, diagnostics)


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


def _chain_rotations(
    chain: str, motion: Motion, R_joint: FloatArray, rig: RigDescription, bone_map: BoneMap
) -> list[FloatArray]:
    """Spread the bend of spine or neck over the bones that the rig has for it."""
    names = bone_map.bones.get(chain, ())
    if not names:
        return []
    if chain == "spine":
        joints, knots = ("pelvis", "spine", "chest"), _spine_knots(motion)
        at = _positions_along(rig, (bone_map.bones["pelvis"][0], *names))[1:]
    else:
        joints, knots = ("chest", "neck", "head"), np.array([0.0, 0.5, 1.0])
        at = np.arange(1, len(names) + 1) / (len(names) + 1)
    R = [R_joint[:, motion.joint_names.index(joint)] for joint in joints]
    return [_interpolated(R, knots, float(x)) for x in at]


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


def _placement(alignment: RestAlignment, config: TransferConfig) -> FloatArray:
    """Heading that the motion is turned by before it meets the rig."""
    if config.place == "world":
        return np.eye(3)
    heading = alignment.S["pelvis"].T @ np.array([0.0, -1.0, 0.0])
    yaw = np.arctan2(heading[0], -heading[1])
    return rotation_vector_to_matrix(np.array([0.0, 0.0, yaw]))


def _inherited(rig: RigDescription, D: dict[int, FloatArray], frames: int) -> dict[int, FloatArray]:
    """For each mapped bone the rotation, relative to rest, that it gets from above.

    Bones that are not mapped pass on what they get.
    """
    identity = np.broadcast_to(np.eye(3), (frames, 3, 3))
    passed: dict[int, FloatArray] = {-1: identity}
    above: dict[int, FloatArray] = {}
    for b, p in enumerate(rig.parents):
        got = passed[p] if rig.inherit_rotation[b] else identity
        passed[b] = D.get(b, got)
        if b in D:
            above[b] = got
    return above


def _root_location(
    motion: Motion,
    rig: RigDescription,
    bone_map: BoneMap,
    alignment: RestAlignment,
    D: dict[int, FloatArray],
    inherited: dict[int, FloatArray],
    R_place: FloatArray,
    config: TransferConfig,
) -> tuple[FloatArray, float]:
    """Location channel of the pelvis bone that brings the middle of the rig's hips where the motion's is, scaled."""
    name = bone_map.bones["pelvis"][0]
    root = rig.index(name)
    if rig.connected[root] and rig.parents[root] >= 0:
        raise RigError(
            f"The pelvis bone '{name}' of '{rig.name}' is connected to its parent, so it cannot move.",
            "Disconnect it in edit mode, or map another bone as pelvis.",
        )
    heads = {part: rig.heads[rig.index(names[0])] for part, names in bone_map.bones.items()}
    hips = 0.5 * (heads["left_thigh"] + heads["right_thigh"])
    legs_rig = rig.scale * float(np.mean([_leg_length(heads, side) for side in SIDES]))
    lengths = dict(zip(motion.joint_names, motion.bone_lengths_m, strict=True))
    legs_motion = 0.5 * sum(lengths[f"{s}_{joint}"] for s in SIDES for joint in ("knee", "ankle"))
    if not (legs_motion > 0 and legs_rig > 0):
        raise RigError(f"The legs of '{rig.name}' or of the motion have no length.")
    ratio = float(legs_rig / legs_motion) if config.scale_by_legs else 1.0
    path = motion.root_translation_m[motion.valid]
    lift = _ankle_height(rig, heads, alignment) - ratio * _motion_ankle_height(motion) if config.scale_by_legs else 0.0
    wanted_world = ratio * path + np.array([0.0, 0.0, lift])
    if config.place == "object":
        wanted_world = wanted_world @ R_place.T + np.array([*rig.matrix_world[:2, 3], 0.0])
    offset = rig.to_armature(wanted_world) - D[root] @ (hips - rig.heads[root]) - rig.heads[root]
    axes = location_axes(rig, root, inherited[root])
    return np.einsum("tji,tj->ti", axes, offset), ratio


def _motion_ankle_height(motion: Motion) -> float:
    """Height of the ankles over the floor in the motion's rest pose, from heels and toes."""
    z = dict(zip(motion.joint_names, motion.rest_offsets_m[:, 2], strict=True))
    return float(np.mean([max(-z[f"{s}_heel"], -z[f"{s}_toe"]) for s in SIDES]))


def _leg_length(heads: dict[str, FloatArray], side: str) -> float:
    thigh, shin, foot = (heads[f"{side}_{part}"] for part in ("thigh", "shin", "foot"))
    return float(np.linalg.norm(shin - thigh) + np.linalg.norm(foot - shin))


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


def _rig_notes(rig: RigDescription, bone_map: BoneMap) -> list[str]:
    """What may keep the rig from following its channels."""
    mapped = [rig.index(name) for _, _, name in bone_map]
    chain = sorted({*mapped, *(a for b in mapped for a in rig.ancestors(b))})

    def named(mask: BoolArray) -> str:
        return ", ".join(f"'{rig.bone_names[b]}'" for b in chain if mask[b])

    notes = []
    if text := named(rig.constrained):
        notes.append(f"Constraints or drivers may overrule the keys of {text}.")
    if text := named(~rig.inherit_full_scale):
        notes.append(f"Scale is inherited in a special way by {text}; it stays 1.")
    return notes
