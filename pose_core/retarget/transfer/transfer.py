"""Carry a motion onto a rig: pose channels of all mapped bones for all frames at once.

With R the rest rotation of a bone in armature space and D its wanted rotation relative to rest along armature axes,
the rotation channel is `R^T D_above^T D R`, where D_above is what the bone inherits. D comes from the motion's world
rotation of the matching joint times the alignment of the rest poses; bones that are not mapped keep their rest channel
and so pass their parent's D on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pose_core.errors import InsufficientDataError
from pose_core.maths.rotations import matrix_to_quaternion, quaternion_conjugate, quaternion_multiply, turned
from pose_core.motion_file import Motion
from pose_core.retarget.mapping.loose_bones import as_body, path_carrier
from pose_core.retarget.rig.bone_map import LIMBS, SIDES, BoneMap
from pose_core.retarget.rig.channels import same_side
from pose_core.retarget.rig.description import RigDescription
from pose_core.retarget.rig.kinematics import place_bones
from pose_core.retarget.rig.motion import RigMotion
from pose_core.retarget.transfer.body_pose import BodyPose, hips_middle, part_key, pose_body
from pose_core.retarget.transfer.config import TransferConfig
from pose_core.retarget.transfer.control_keys import KeyedBones, control_goals, hinged, keyed_bones, location_channel
from pose_core.types import BoolArray, FloatArray


def transfer(motion: Motion, rig: RigDescription, bone_map: BoneMap, config: TransferConfig | None = None) -> RigMotion:
    """Compute the pose channels that make a rig do a motion.

    Args:
        motion: T frames.
        rig: B bones in any rest pose.
        bone_map: a map that `check_bone_map` accepts.
        config: options.
    Returns:
        Channels of the mapped bones, or of the controls that move them.
    Raises:
        RigError: limbs are degenerate.
        InsufficientDataError: no frame of the motion carries a pose.
    """
    config = config or TransferConfig()
    valid = motion.valid
    if not np.any(valid):
        raise InsufficientDataError(
            "The motion has no frame with a pose.", "Estimate it again with more of the person."
        )
    body = as_body(rig, bone_map)
    posed = pose_body(motion, body, bone_map, config)
    placed = posed.placed
    A = rig.R_world_armature
    D = {rig.index(name): turned(A.T, placed.D[part_key(part, i)], A) for part, i, name in bone_map}
    limbs = ik_limbs(bone_map, config.controls)
    thighs = [rig.index(bone_map.bones[f"{side}_thigh"][0]) for side in SIDES]
    base, _ = place_bones(body, D, len(placed.time_s), thighs if body is rig and not limbs else D)
    offset = rig.to_armature(placed.hips_m) - hips_middle(rig, bone_map, base)
    moved = _channels(motion, rig, bone_map, limbs, D, base, offset, posed)
    feet = {bone_map.bones[f"{side}_foot"][0]: points @ A / rig.scale for side, points in posed.soles.items()}
    return replace(moved, soles=feet)


def ik_limbs(bone_map: BoneMap, controls: str) -> list[str]:
    """Limbs whose IK controls get the keys; see `TransferConfig.controls`."""
    switched = {switch.limb for switch in bone_map.switches if switch.fk is not None}

    def wanted(limb: str) -> bool:
        return controls == "ik" or (controls == "auto" and limb not in switched and bone_map.ik[limb].active)

    return [limb for limb in LIMBS if limb in bone_map.ik and wanted(limb)]


def _channels(
    motion: Motion,
    rig: RigDescription,
    bone_map: BoneMap,
    limbs: list[str],
    D: dict[int, FloatArray],
    heads: dict[int, FloatArray],
    offset: FloatArray,
    posed: BodyPose,
) -> RigMotion:
    """Turn wanted rotations and places into channels.

    Args:
        limbs: limbs that are posed through IK.
        D: bone index to (T, 3, 3) wanted rotation of the mapped bones, relative to rest, armature axes.
        heads: bone index to (T, 3) where they are before the whole figure moves; all of them where there is IK.
        offset: (T, 3) how the figure moves, armature space.
        posed: what was done to get there.
    """
    valid = motion.valid
    keyed = keyed_bones(rig, bone_map, limbs)
    D = {**D, **hinged(rig, bone_map, keyed, D)}
    turns, places = control_goals(rig, bone_map, keyed, D, {b: head + offset for b, head in heads.items()})
    everything = {**D, **turns}
    for b in places:
        everything.setdefault(b, np.broadcast_to(np.eye(3), (len(offset), 3, 3)))
    pelvis = bone_map.bones["pelvis"][0]
    carrier = path_carrier(rig, pelvis)
    root = rig.index(carrier)
    everything.setdefault(root, np.broadcast_to(np.eye(3), (len(offset), 3, 3)))
    base, above = place_bones(rig, everything, len(offset), [root, *places])
    names = list(dict.fromkeys([*(name for _, _, name in bone_map), *keyed.copies, carrier]))
    quaternions = _rotation_channels(rig, [rig.index(name) for name in names], everything, above)
    carried = _carried_by(rig, root)
    locations = {}
    for b, wanted in places.items():
        start = base[b] + offset if b in carried else base[b]
        locations[rig.bone_names[b]] = _on_valid(location_channel(rig, b, above[b], start, wanted), valid)
    return RigMotion(
        bone_names=tuple(names),
        quaternions=_on_valid(same_side(quaternions), valid),
        root_bone=carrier,
        pelvis=pelvis,
        root_location=_on_valid(location_channel(rig, root, above[root], base[root], base[root] + offset), valid),
        times_s=motion.timestamps_s,
        valid=valid,
        locations=locations,
        driven=keyed.driven,
        switches=switches_of(bone_map, limbs),
        leg_ratio=posed.leg_ratio,
        ik_limbs=tuple(limbs),
        solved_again=posed.solved_again,
        corrected=posed.corrected,
        planting=posed.planting,
        notes=(*bone_map.notes, *_motion_notes(motion), *_ik_notes(keyed), *_path_notes(pelvis, carrier)),
    )


def _carried_by(rig: RigDescription, root: int) -> set[int]:
    """Bones whose place moves along with a bone."""
    out = {root}
    for b in rig.order:
        follow = rig.follows.get(b)
        if (rig.parents[b] if follow is None else follow.location_of) in out:
            out.add(b)
    return out


def _rotation_channels(
    rig: RigDescription, bones: list[int], D: Mapping[int, FloatArray], above: Mapping[int, FloatArray]
) -> FloatArray:
    """(T, M, 4) rotation channels of M bones.

    Args:
        rig: the rig.
        bones: index of each.
        D: bone index to (T, 3, 3) rotation relative to rest.
        above: bone index to (T, 3, 3) what it inherits, often the very array that is another's rotation.
    """
    matrices = {id(R): R for b in bones for R in (D[b], above[b])}
    row = {key: i for i, key in enumerate(matrices)}
    every = matrix_to_quaternion(np.stack(list(matrices.values())))
    inherits = quaternion_conjugate(every[[row[id(above[b])] for b in bones]])
    turns = quaternion_multiply(inherits, every[[row[id(D[b])] for b in bones]])
    out = np.empty((turns.shape[1], len(bones), 4))
    out[..., 0] = turns[..., 0].T
    out[..., 1:] = np.swapaxes(turns[..., 1:] @ rig.rest_rotations[bones], 0, 1)  # R^T turns the axis of a rotation
    return out


def _on_valid(values: FloatArray, valid: BoolArray) -> FloatArray:
    """(T, ...) values at the frames with a pose, NaN elsewhere."""
    if np.all(valid):
        return values
    out = np.full((len(valid), *values.shape[1:]), np.nan)
    out[valid] = values
    return out


def switches_of(bone_map: BoneMap, limbs: list[str]) -> dict[tuple[str, str], float]:
    """Custom properties that make the rig follow the keyed controls."""
    out = {}
    for switch in bone_map.switches:
        value = switch.ik if switch.limb in limbs else switch.fk
        if value is not None:
            out[switch.bone, switch.property] = value
    return out


def _motion_notes(motion: Motion) -> list[str]:
    missing = int(np.sum(~motion.valid))
    if missing == 0:
        return []
    return [f"{missing} of {len(motion.valid)} frames of the motion carry no pose; they get no keys."]


def _path_notes(pelvis: str, carrier: str) -> list[str]:
    """That another bone than the pelvis carries the path."""
    if carrier == pelvis:
        return []
    return [f"'{pelvis}' is connected to its parent and cannot move, so '{carrier}' carries the path, heights too."]


def _ik_notes(keyed: KeyedBones) -> list[str]:
    """Limbs that cannot be told where to bend."""
    free = [limb.replace("_", " ") for limb in keyed.targets if limb not in keyed.poles]
    if not free:
        return []
    return [f"The IK of {', '.join(free)} has no pole: elbows and knees point where the rig lets them."]
