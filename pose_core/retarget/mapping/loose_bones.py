"""Bones of a limb that hang elsewhere than on the limb: feet below the root bone, as low-poly rigs with IK have them.

Such a bone is placed by location and rotation. To find the body, and to say where the bone is to be, it is thought of
as hanging where it would on a body; what is keyed is reckoned from where it hangs in truth.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pose_core.retarget.mapping.words import read_name
from pose_core.retarget.rig.bone_map import PARENT_PART, SIDES, BoneMap
from pose_core.retarget.rig.description import Follow, RigDescription

MAY_BE_LOOSE = tuple(f"{side}_{part}" for side in SIDES for part in ("hand", "thigh", "foot"))
"""Parts whose bones may hang elsewhere than on the part above them."""

# The part above a loose one, and how clearly the names must say what both are.
_ABOVE = {"foot": "shin", "hand": "forearm", "thigh": "pelvis"}
_CLEAR = 0.8
# Ends this near, as a share of the figure, are one joint; a parent's end this far away is none.
_SAME_PLACE, _ELSEWHERE = 1e-3, 0.05
# Thighs begin within this share of the figure of the head of their pelvis.
_NEAR_PELVIS = 0.2

_PER_BONE = ("rest_matrices", "lengths", "inherit_rotation", "local_location", "inherit_full_scale", "connected",
             "deform", "constrained")  # fmt: skip


def loose_bones(rig: RigDescription, bone_map: BoneMap) -> dict[str, str]:
    """Mapped bones that hang elsewhere than on a body.

    Args:
        rig: the rig.
        bone_map: its bones; those named must be there.
    Returns:
        Part to the bone that it would hang on, for the parts of MAY_BE_LOOSE that do not. Bones that hang on a limb, or
        are connected to what they hang on, are not loose, but wrong.
    """
    out = {}
    limbs = {name for part, names in bone_map.bones.items() if part.startswith(SIDES) for name in names}
    for part in MAY_BE_LOOSE:
        name, above = bone_map.bone(part), bone_map.bone(PARENT_PART[part])
        if name is None or above is None:
            continue
        b = rig.index(name)
        ancestors = rig.ancestors(b)
        if rig.index(above) in ancestors or (rig.connected[b] and ancestors):
            continue
        if b not in rig.ancestors(rig.index(above)) and limbs.isdisjoint(rig.bone_names[a] for a in ancestors):
            out[part] = above
    return out


def path_carrier(rig: RigDescription, pelvis: str) -> str:
    """The bone that can carry the path of a pelvis: itself, or where it is connected the next one above that is not."""
    bone = rig.index(pelvis)
    while rig.connected[bone] and rig.parents[bone] >= 0:
        bone = rig.parents[bone]
    return rig.bone_names[bone]


def as_body(rig: RigDescription, bone_map: BoneMap) -> RigDescription:
    """The rig as if its loose bones hung where they would on a body: says where they are to be."""
    loose = loose_bones(rig, bone_map)
    if not loose:
        return rig
    follows = dict(rig.follows)
    for part, name in loose.items():
        b, above = rig.index(bone_map.bones[part][0]), rig.index(name)
        follows[b] = Follow(above, np.eye(3), above, rig.heads[b])
    return replace(rig, follows=follows)


def rejoined(rig: RigDescription) -> RigDescription:
    """The rig with loose bones below the bones whose ends they are, to find the body by; else the rig itself.

    A foot or hand is joined to a shin or forearm that ends without one, if it begins where that ends, or if their names
    say so; thighs to the pelvis beside which they hang.
    """
    parents = list(rig.parents)
    for bone, above in {**_ends_that_meet(rig), **_ends_by_name(rig), **_thighs_by_name(rig)}.items():
        parents[bone] = above
    if tuple(parents) == rig.parents:
        return rig
    order: list[int] = []
    children: dict[int, list[int]] = {}
    for b, p in enumerate(parents):
        children.setdefault(p, []).append(b)
    level = children.get(-1, [])
    while level:
        order += level
        level = [c for b in level for c in children.get(b, [])]
    if len(order) < len(rig):
        return rig  # joined in a circle: nothing is certain here
    where = {old: new for new, old in enumerate([*order])}
    return replace(
        rig,
        bone_names=tuple(rig.bone_names[b] for b in order),
        parents=tuple(where.get(parents[b], -1) for b in order),
        rotation_modes=tuple(rig.rotation_modes[b] for b in order),
        **{name: getattr(rig, name)[order] for name in _PER_BONE},
    )


def _may_be_joined(rig: RigDescription, bone: int, above: int) -> bool:
    """Whether a bone hangs on the trunk or on nothing, and not on what it is to be joined to."""
    if rig.connected[bone] and rig.parents[bone] >= 0:
        return False
    ancestors = rig.ancestors(bone)
    related = above == bone or above in ancestors or bone in rig.ancestors(above)
    return not related and not any(read_name(rig.bone_names[a]).side for a in ancestors)


def _open_ends(rig: RigDescription) -> list[int]:
    """Bones below another that end without a further bone of the body."""
    names = [read_name(name) for name in rig.bone_names]
    return [
        b
        for b, below in enumerate(rig.children)
        if rig.parents[b] >= 0 and not names[b].helper and all(names[c].helper for c in below)
    ]


def _ends_that_meet(rig: RigDescription) -> dict[int, int]:
    """Bones that begin where another ends, far from where their own parent ends; bone to that other."""
    extent = float(np.max(np.ptp(rig.heads, axis=0)))
    out: dict[int, int] = {}
    ends = _open_ends(rig)
    for b, name in enumerate(rig.bone_names):
        said = read_name(name)
        parent = rig.parents[b]
        if said.helper or said.finger or (said.parts and not {"foot", "hand"} & set(said.parts)):
            continue
        if parent >= 0 and float(np.linalg.norm(rig.heads[b] - rig.tails[parent])) < _ELSEWHERE * extent:
            continue
        near = [
            e
            for e in ends
            if float(np.linalg.norm(rig.heads[b] - rig.tails[e])) < _SAME_PLACE * extent and _may_be_joined(rig, b, e)
        ]
        if len(near) == 1 and near[0] not in out.values():
            out[b] = near[0]
    return out


def _ends_by_name(rig: RigDescription) -> dict[int, int]:
    """Feet and hands to the shins and forearms of their side that end without one; bone ends may be guesses."""
    out: dict[int, int] = {}
    ends = _open_ends(rig)
    for b, name in enumerate(rig.bone_names):
        said = read_name(name)
        if said.helper or said.finger or not said.side:
            continue
        for part in ("foot", "hand"):
            if said.parts.get(part, 0.0) < _CLEAR:
                continue
            of_side = [e for e in ends if _says(rig, e, _ABOVE[part], said.side, 0.6) and _may_be_joined(rig, b, e)]
            if len(of_side) == 1 and of_side[0] not in out.values():
                out[b] = of_side[0]
    return out


def _thighs_by_name(rig: RigDescription) -> dict[int, int]:
    """Thighs that hang beside their pelvis, to it."""
    extent = float(np.max(np.ptp(rig.heads, axis=0)))
    pelvises = [b for b in range(len(rig)) if _says(rig, b, "pelvis", "", 0.9)]
    out: dict[int, int] = {}
    for b, name in enumerate(rig.bone_names):
        said = read_name(name)
        if said.helper or not said.side or said.parts.get("thigh", 0.0) < _CLEAR:
            continue
        if any(_says(rig, a, "pelvis", "", 0.9) or read_name(rig.bone_names[a]).parts.get("spine")
               for a in rig.ancestors(b)):  # fmt: skip
            continue
        near = [
            p
            for p in pelvises
            if float(np.linalg.norm(rig.heads[p] - rig.heads[b])) < _NEAR_PELVIS * extent and _may_be_joined(rig, b, p)
        ]
        if len(near) == 1:
            out[b] = near[0]
    return out


def _says(rig: RigDescription, bone: int, part: str, side: str, least: float) -> bool:
    """Whether a bone's name says that it is a part of the body on a side (empty: in the middle)."""
    said = read_name(rig.bone_names[bone])
    return not said.helper and said.side == side and said.parts.get(part, 0.0) >= least
