"""Which limbs are posed through the rig's own IK, and what of the rig's IK is switched off in a take.

IK leads a limb only where it can bring it exactly where the motion wants it: the chain is the limb, and a pole says
where it bends. All other IK that would pull at keyed bones gets its influence keyed to 0, as does what else constrains
a limb whose IK is switched off; nothing of the rig is changed beyond these numbers.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np

from pose_core.maths.rotations import quaternion_to_matrix
from pose_core.retarget import BoneMap, RigDescription, RigMotion, pose_bones
from pose_core.retarget.rig.bone_map import LIMB_PARTS, LIMBS, IkControl
from pose_core.retarget.rig.figure_height import figure_height_m

from ..read.probe_controls import evaluated_with
from .driven_influence import property_that_switches_off
from .switches import influence_name, is_live, keyed_influences, set_switches, stiff_limbs

_IK_KINDS = ("IK", "SPLINE_IK")
_SAMPLES = 6
# A joint that IK puts further off than this share of the figure's height is not where the motion wants it.
STRAY_SHARE = 0.01


@dataclass(frozen=True)
class IkChoice:
    """What is done about the rig's IK."""

    bone_map: BoneMap
    """The map, with IK that is switched off marked as not active."""
    off: dict[tuple[str, str], float]
    """Switches that take the influence from constraints; see `switches`."""
    limbs: tuple[str, ...]
    """Limbs whose IK is switched off."""

    @property
    def notes(self) -> list[str]:
        """What a person should know of it."""
        if not self.off:
            return []
        limbs = f" of {', '.join(limb.replace('_', ' ') for limb in self.limbs)}" if self.limbs else ""
        bones = ", ".join(f"'{bone}'" for bone in dict.fromkeys(bone for bone, _ in self.off))
        return [
            f"IK{limbs} is switched off in this take by keys (influence 0, or its switch, on {bones}), as it would not"
            " leave the bones where the motion wants them; set them back to use it again."
        ]


def choose_ik(
    obj: bpy.types.Object, rig: RigDescription, bone_map: BoneMap, controls: str, strayed: Sequence[str] = ()
) -> IkChoice:
    """Decide what of a rig's IK is used.

    Args:
        obj: the armature object.
        rig: its description.
        bone_map: its bones. Rigs with switches of their own are left to these.
        controls: see `TransferConfig.controls`.
        strayed: limbs that IK has been seen to lead elsewhere.
    """
    if bone_map.switches:
        return IkChoice(bone_map, {}, ())
    pulling = [limb for limb, ik in bone_map.ik.items() if ik.active or controls == "ik"]
    kept = [
        limb
        for limb in pulling
        if controls == "ik"
        or (controls == "auto" and limb not in strayed and _is_exact(rig, bone_map, limb, bone_map.ik[limb]))
    ]
    led = {bone for limb in kept for bone in _solved(rig, bone_map, limb)}
    keyed = {name for _, _, name in bone_map} - led
    by_action = keyed_influences(obj)
    live = [(bone, one) for bone in obj.pose.bones for one in bone.constraints if is_live(one, by_action)]
    fighting = [(bone, one) for bone, one in live if not keyed.isdisjoint(_chain(bone, one))]
    pulled = {name for bone, one in fighting for name in _chain(bone, one)}
    limbs = tuple(  # a map made by hand need not name the IK of its limbs
        limb
        for limb in LIMBS
        if limb not in kept and (limb in pulling or pulled & {bone_map.bone(part) for part in LIMB_PARTS[limb][:2]})
    )
    free = {name for limb in limbs for name in _bones_of(bone_map, limb)}
    fighting += [(bone, one) for bone, one in live if bone.name in free]
    off = dict(_switch_off(obj, bone, one) for bone, one in fighting)
    ik = {limb: replace(one, active=one.active and limb not in limbs) for limb, one in bone_map.ik.items()}
    return IkChoice(replace(bone_map, ik=ik), off, limbs)


def _switch_off(
    obj: bpy.types.Object, bone: bpy.types.PoseBone, constraint: bpy.types.Constraint
) -> tuple[tuple[str, str], float]:
    """The switch that takes the influence from a constraint: the property that drives it, else the influence itself."""
    found = property_that_switches_off(obj, constraint)
    return ((bone.name, influence_name(constraint)), 0.0) if found is None else (found[:2], found[2])


def strayed_limbs(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    rig: RigDescription,
    bone_map: BoneMap,
    motion: RigMotion,
    limbs: Iterable[str],
) -> Generator[None, None, list[str]]:
    """Limbs that IK does not bring where the motion wants them, found by trying some frames.

    Args:
        context: with the view layer that shows the object.
        obj: the armature object, switches set.
        rig: its description, with what was found by trying.
        bone_map: its bones.
        motion: what is to be written.
        limbs: limbs that are posed through IK.
    """
    limbs = [limb for limb in limbs if not any(switch.limb == limb for switch in bone_map.switches)]
    if not limbs:
        return []
    usable = np.flatnonzero(motion.valid)
    picked = usable[np.unique(np.linspace(0, len(usable) - 1, min(_SAMPLES, len(usable))).astype(int))]
    heads, _ = pose_bones(rig, motion)
    R = quaternion_to_matrix(motion.quaternions[picked])
    written = [name for name in motion.bone_names if name not in motion.driven]
    basis = {name: np.tile(np.eye(4), (len(picked), 1, 1)) for name in (*written, *motion.all_locations)}
    for m, name in enumerate(motion.bone_names):
        if name in basis:
            basis[name][:, :3, :3] = R[:, m]
    for name, values in motion.all_locations.items():
        basis[name][:, :3, 3] = values[picked]
    parts = {limb: [bone_map.bones[part][0] for part in LIMB_PARTS[limb]] for limb in limbs}
    names = [name for own in parts.values() for name in own]
    stiff = stiff_limbs(obj, rig, bone_map, limbs)
    stretch = {key: obj.pose.bones[key[0]].ik_stretch for key in stiff}
    set_switches(obj, stiff)
    try:
        seen = yield from evaluated_with(context, obj, basis, names)
    finally:
        set_switches(obj, stretch)
    wanted = heads[picked][:, [rig.index(name) for name in names]]
    off = dict(zip(names, np.linalg.norm(seen[..., :3, 3] - wanted, axis=-1).max(axis=0), strict=True))
    most = STRAY_SHARE * figure_height_m(rig, bone_map) / rig.scale
    return [limb for limb, own in parts.items() if max(off[name] for name in own) > most]


def _is_exact(rig: RigDescription, bone_map: BoneMap, limb: str, control: IkControl) -> bool:
    """Whether IK can bring a limb to any pose: it turns the limb's bones alone, and has a pole."""
    upper, lower, end = (bone_map.bone(part) for part in LIMB_PARTS[limb])
    if control.pole is None or upper is None or lower is None or end is None:
        return False
    return not control.solved or (control.solved[0] == upper and control.solved[-1] == lower)


def _solved(rig: RigDescription, bone_map: BoneMap, limb: str) -> tuple[str, ...]:
    """Bones of a limb that IK poses."""
    own = bone_map.ik[limb].solved
    return own or tuple(name for part in LIMB_PARTS[limb][:2] if (name := bone_map.bone(part)) is not None)


def _bones_of(bone_map: BoneMap, limb: str) -> list[str]:
    """Mapped bones of a limb, toes too."""
    parts = (*LIMB_PARTS[limb], limb.replace("leg", "toe"))
    return [name for part in parts if (name := bone_map.bones.get(part, (None,))[0]) is not None]


def _chain(bone: bpy.types.PoseBone, constraint: bpy.types.Constraint) -> set[str]:
    """Bones that an IK constraint turns; empty for other constraints."""
    if constraint.type not in _IK_KINDS:
        return set()
    own = [bone, *bone.parent_recursive]
    if constraint.type == "IK" and not constraint.use_tail:
        own = own[1:]
    count = constraint.chain_count
    return {one.name for one in (own[:count] if count > 0 else own)}
