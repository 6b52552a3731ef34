"""Check a bone map against its rig: whatever names say, bones must hang and lie as in a body."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np

from pose_core.errors import RigError
from pose_core.maths.rotations import unit
from pose_core.retarget.mapping.loose_bones import loose_bones
from pose_core.retarget.rig.bone_map import ESSENTIAL, LIMB_PARTS, PARENT_PART, SIDES, BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.types import FloatArray
from pose_core.untrusted.text import shortened

MAP_HINT = "Map the bones by hand and save the map, then give it with the job."

# Ends of a limb's segment nearer than this share of the rig's extent are one place.
_NO_LENGTH_SHARE = 1e-4
# Hips nearer to each other than this share of a thigh, seen across the body, are not a left and a right one.
_LEAST_HIPS_SHARE = 0.02
_MOST_TOLD = 6


def check_bone_map(rig: RigDescription, bone_map: BoneMap) -> None:
    """Check that mapped bones exist, hang together like a body, have a length, and that left is left.

    Raises:
        RigError: naming the parts and bones at fault.
    """
    missing_parts = [part for part in ESSENTIAL if part not in bone_map]
    if missing_parts:
        raise RigError(f"The bone map of '{rig.name}' has no bone for {', '.join(missing_parts)}.", MAP_HINT)
    known = set(rig.bone_names)
    entries = [(part, name) for part, _, name in bone_map]
    entries += [(finger, name) for finger, names in bone_map.fingers.items() for name in names]
    also = [("root", bone_map.root)] if bone_map.root else []
    also += [(f"IK of {limb}", name) for limb, ik in bone_map.ik.items() for name in (ik.target, ik.pole) if name]
    also += [("switch", switch.bone) for switch in bone_map.switches]
    absent = [
        f"{part}: '{shortened(name, 80)}'" for part, name in dict.fromkeys([*entries, *also]) if name not in known
    ]
    if absent:
        more = f" and {len(absent) - _MOST_TOLD} more" if len(absent) > _MOST_TOLD else ""
        told = "; ".join(absent[:_MOST_TOLD]) + more
        raise RigError(f"'{rig.name}' lacks bones that its map names ({told}).", "Correct the bone map.")
    users: dict[str, list[str]] = defaultdict(list)
    for part, name in entries:
        users[name].append(part)
    twice = [f"'{name}' for {' and '.join(parts)}" for name, parts in users.items() if len(parts) > 1]
    if twice:
        raise RigError(f"The bone map of '{rig.name}' uses bones twice: {'; '.join(twice)}.", "Correct the bone map.")
    _check_hierarchy(rig, bone_map)
    _check_lengths(rig, bone_map)
    _check_sides(rig, bone_map)


def _check_hierarchy(rig: RigDescription, bone_map: BoneMap) -> None:
    wrong: list[str] = []
    loose = loose_bones(rig, bone_map)
    for part, i, name in bone_map:
        if part in loose:
            continue
        above = bone_map.bones[part][i - 1] if i else _bone_above(bone_map, part)
        trunk = i > 0 or PARENT_PART.get(part) in ("spine", "pelvis")
        if bone_map.switches and trunk and part != "pelvis":
            above = bone_map.bones["pelvis"][0]  # controls of a trunk hang in the order in which they pivot
        if above is not None and rig.index(above) not in rig.ancestors(rig.index(name)):
            wrong.append(f"'{name}' ({part}) does not hang below '{above}'")
    if wrong:
        raise RigError(f"The bones of '{rig.name}' do not hang together like a body: {'; '.join(wrong)}.", MAP_HINT)


def _bone_above(bone_map: BoneMap, part: str) -> str | None:
    if part == "pelvis":
        return None
    above = PARENT_PART[part]
    # arms and neck may branch off below the top of the spine, so its lowest bone is asked for
    return bone_map.bones[above][0]


def _check_lengths(rig: RigDescription, bone_map: BoneMap) -> None:
    extent = float(np.max(np.ptp(rig.heads, axis=0)))
    short: list[str] = []
    for parts in LIMB_PARTS.values():
        bones = [name for part in parts if (name := bone_map.bone(part)) is not None]
        for upper, lower in pairwise(bones):
            if np.linalg.norm(rig.heads[rig.index(upper)] - rig.heads[rig.index(lower)]) <= _NO_LENGTH_SHARE * extent:
                short.append(f"'{upper}' to '{lower}'")
    if short:
        raise RigError(
            f"Limbs of '{rig.name}' have no length: {', '.join(short)} lie in one place.", "Correct the bone map."
        )


def _check_sides(rig: RigDescription, bone_map: BoneMap) -> None:
    def head(part: str) -> FloatArray | None:
        name = bone_map.bone(part)
        return None if name is None else rig.heads[rig.index(name)]

    def named(*parts: str) -> str:
        return ", ".join(f"'{bone_map.bone(f'{s}_{part}')}'" for part in parts for s in SIDES)

    left, right = head("left_upper_arm"), head("right_upper_arm")
    hips = head("left_thigh"), head("right_thigh")
    knee = head("left_shin")
    if left is None or right is None or hips[0] is None or hips[1] is None or knee is None:
        return
    across = unit(left - right)
    if float(np.dot(across, hips[0] - hips[1])) < 0:
        raise RigError(
            f"In '{rig.name}' the left arm is on the side of the right leg.",
            f"Check the names of {named('upper_arm', 'thigh')}.",
        )
    thigh = float(np.linalg.norm(knee - hips[0]))
    if float(np.dot(across, hips[0] - hips[1])) < _LEAST_HIPS_SHARE * thigh:
        raise RigError(f"In '{rig.name}' both legs are on one side: {named('thigh')}.", "Correct the bone map.")
    up = (left + right) - (hips[0] + hips[1])
    forward = np.zeros(3)
    for side in SIDES:
        foot, toe = head(f"{side}_foot"), head(f"{side}_toe")
        if foot is not None and toe is not None:
            forward = forward + unit(toe - foot)
    expected_left = np.asarray(np.cross(up, forward), dtype=np.float64)
    if float(np.dot(unit(expected_left), across)) < -0.5:
        raise RigError(
            f"In '{rig.name}' left and right seem to be swapped: by the toes '{bone_map.bone('left_upper_arm')}' lies"
            " on the right.",
            "Rename the bones or give a bone map.",
        )
