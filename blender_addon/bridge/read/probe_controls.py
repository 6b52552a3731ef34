"""Find out what controls hang on, by trying: constraints and drivers often stand between a control and its parent.

A few random poses are set and evaluated. For each control the bone whose movement explains what the control inherits
is what it follows; rotation and place may come from different bones. Controls that nothing explains are overruled.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix

from pose_core.errors import RigError
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.retarget import Follow, KeyedBones, RigDescription
from pose_core.retarget.rig.kinematics import location_axes

from .. import compat
from ..write.switches import set_switches

_POSES = 3
_TURN_RAD = 0.35
_MOVE_SHARE = 0.1
# What follows exactly is met within single precision; Blender's IK leaves a little more on what hangs below it.
_SAME_RAD = 1e-3
_SAME_SHARE = 1e-4
_CHANNELS = ("location", "scale", "rotation_quaternion", "rotation_euler", "rotation_axis_angle")


def needs_probing(rig: RigDescription, keyed: KeyedBones) -> bool:
    """Whether a live constraint or driver stands at or above a bone that is to be keyed."""
    bones = {rig.index(name) for name in (*keyed.turning, *keyed.moving)}
    return any(rig.constrained[a] for b in bones for a in (b, *rig.ancestors(b)))


def probe(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    rig: RigDescription,
    keyed: KeyedBones,
    switches: Mapping[tuple[str, str], float],
) -> RigDescription:
    """The rig's description with what its controls follow; the pose and the action are as before afterwards.

    Args:
        context: with the view layer that shows the object.
        obj: the armature object.
        rig: its description.
        keyed: the bones that are to be keyed.
        switches: custom properties to set while trying; they stay set.
    """
    driven = {rig.index(name) for name in keyed.driven}
    turning = [rig.index(name) for name in (*keyed.turning, *keyed.driven)]
    moving = [rig.index(name) for name in keyed.moving]
    bones = sorted({*turning, *moving})
    names = [rig.bone_names[b] for b in bones]
    extent = float(np.max(np.ptp(rig.heads, axis=0)))
    rng = np.random.default_rng(0)
    set_switches(obj, switches)
    with _free_pose(obj, [*names, *(rig.bone_names[a] for b in bones for a in rig.ancestors(b))]):
        turns = np.tile(np.eye(3), (_POSES + 1, len(rig), 1, 1))
        moves = np.zeros((_POSES + 1, len(rig), 3))
        for b in turning:
            turns[1:, b] = rotation_vector_to_matrix(rng.uniform(-_TURN_RAD, _TURN_RAD, (_POSES, 3)))
        for b in moving:
            moves[1:, b] = rng.uniform(-_MOVE_SHARE * extent, _MOVE_SHARE * extent, (_POSES, 3))
        seen = np.empty((_POSES + 1, len(bones), 4, 4))
        for k in range(_POSES + 1):
            for b, name in zip(bones, names, strict=True):
                basis = np.eye(4)
                basis[:3, :3], basis[:3, 3] = turns[k, b], moves[k, b]
                obj.pose.bones[name].matrix_basis = Matrix(basis.tolist())
            obj.update_tag()
            context.view_layer.update()
            pose = obj.evaluated_get(context.evaluated_depsgraph_get()).pose.bones
            seen[k] = [pose[name].matrix for name in names]
    return _understood(rig, bones, set(moving), driven, turns, moves, seen, extent)


def _understood(
    rig: RigDescription,
    bones: list[int],
    moving: set[int],
    driven: set[int],
    turns: np.ndarray,
    moves: np.ndarray,
    seen: np.ndarray,
    extent: float,
) -> RigDescription:
    """What each bone follows, from poses of which the first has all channels at rest."""
    heads = {b: seen[:, i, :3, 3] for i, b in enumerate(bones)}
    D = {}
    for i, b in enumerate(bones):
        R = seen[:, i, :3, :3]
        D[b] = R / np.linalg.norm(R, axis=-2, keepdims=True) @ rig.rest_rotations[b].T
    D[-1], heads[-1] = np.tile(np.eye(3), (len(seen), 1, 1)), np.zeros((len(seen), 3))
    rest_heads = {**{b: rig.heads[b] for b in bones}, -1: np.zeros(3)}
    follows, overruled = {}, []
    for b in bones:
        R = rig.rest_rotations[b]
        above = D[b] @ R @ np.swapaxes(turns[:, b], -1, -2) @ R.T
        start = heads[b] - np.einsum("tij,tj->ti", location_axes(rig, b, above), moves[:, b])
        others = [c for c in _nearest_first(rig, b, bones) if c != b]
        by_rotation = {c: _rotation_misfit(D[c], above) for c in others}
        by_place = {c: _place_misfit(D[c], heads[c], start) for c in others}
        rotation_of = next((c for c in others if by_rotation[c] < _SAME_RAD), None)
        location_of = next((c for c in others if by_place[c] < _SAME_SHARE * extent), None)
        if rotation_of is None or location_of is None:
            if b in driven or any(a in driven for a in rig.ancestors(b)):
                continue  # the rig's IK poses this limb: it goes where it should once its controls have keys
            # a bone that only turns need not be where its channels say: toes go where IK brings the foot
            if rotation_of is None or b in moving:
                overruled.append(rig.bone_names[b])
        rotation_of = min(others, key=lambda c: by_rotation[c]) if rotation_of is None else rotation_of
        location_of = min(others, key=lambda c: by_place[c]) if location_of is None else location_of
        follows[b] = Follow(
            rotation_of,
            D[rotation_of][0].T @ above[0],
            location_of,
            rest_heads[location_of] + D[location_of][0].T @ (start[0] - heads[location_of][0]),
        )
    try:
        described = replace(rig, follows=follows, overruled=tuple(overruled))
        _ = described.order
    except RigError:
        return replace(rig, overruled=tuple(rig.bone_names[b] for b in bones))
    return described


def _nearest_first(rig: RigDescription, bone: int, bones: list[int]) -> list[int]:
    """Bones that another may follow: its ancestors from below, the armature, then all others."""
    above = [a for a in rig.ancestors(bone) if a in bones]
    return [*above, -1, *(c for c in bones if c not in above)]


def _rotation_misfit(D: np.ndarray, above: np.ndarray) -> float:
    """Largest angle, radians (of a chord), by which a bone's turn with a constant offset misses what is inherited."""
    offset = D[0].T @ above[0]
    return float(np.max(np.linalg.norm(D @ offset - above, axis=(-2, -1)) / np.sqrt(2)))


def _place_misfit(D: np.ndarray, heads: np.ndarray, start: np.ndarray) -> float:
    """Largest distance by which a point carried by a bone misses a head, armature units."""
    point = D[0].T @ (start[0] - heads[0])
    return float(np.max(np.linalg.norm(heads + D @ point - start, axis=-1)))


@contextmanager
def _free_pose(obj: bpy.types.Object, names: Sequence[str]) -> Generator[None, None, None]:
    """Put bones to rest without any animation, and everything back afterwards."""
    bones = [obj.pose.bones[name] for name in dict.fromkeys(names)]
    kept = [{c: tuple(getattr(bone, c)) for c in _CHANNELS} for bone in bones]
    action, slot = compat.active_action(obj)
    data = obj.animation_data
    use_nla = data.use_nla if data is not None else False
    if data is not None:
        data.use_nla = False
    if action is not None:
        compat.assign_action(obj, None)
    try:
        for bone in bones:
            bone.matrix_basis = Matrix.Identity(4)
        yield
    finally:
        for bone, channels in zip(bones, kept, strict=True):
            for channel, value in channels.items():
                setattr(bone, channel, value)
        if action is not None:
            compat.assign_action(obj, action, slot)
        if data is not None:
            data.use_nla = use_nla
        obj.update_tag()
