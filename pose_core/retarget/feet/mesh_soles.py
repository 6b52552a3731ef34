"""Soles by the mesh: where a foot touches the ground, and how far it must rise not to go into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.axes import LEFT_REST
from pose_core.maths.frame_system import FrameSystem
from pose_core.maths.frame_times import frame_spans
from pose_core.maths.rotations import rotation_vector_to_matrix, unit
from pose_core.retarget.rig.bone_map import BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.types import BoolArray, FloatArray

# Fewer points than this are no foot.
_LEAST_POINTS = 12
# Share of the foot from its end to the ball: what lies behind is the heel, what lies this near to the ball, the ball.
_HEEL_SHARE, _BALL_SHARE = 0.35, 0.25
# Heels come down on their edge: the point that stands lies this share of the foot before its end.
_HEEL_EDGE_SHARE = 0.08
# Points that any turned foot can stand on: the outermost in this many directions.
_DIRECTIONS = 320
# A foot that would go into the ground rises and sinks again about this fast (cut-off 4 Hz).
_SMOOTHNESS = (2 * np.pi * 4.0) ** -4
_STAYS = 1e4
_ROUNDS = 4
_NOT_WORTH_M = 2e-4


@dataclass(frozen=True, eq=False)
class FootSkin:
    """The mesh of one foot at rest, world axes, metres: outermost points only."""

    foot: FloatArray
    """(P, 3) what turns with the foot, from the ankle."""
    toes: FloatArray
    """(Q, 3) what turns with the toes, from their joint; none where the toes are no bone of their own."""
    toe_joint: FloatArray
    """(3,) from the ankle."""

    @property
    def all(self) -> FloatArray:
        """(P + Q, 3) from the ankle, at rest."""
        return np.concatenate([self.foot, self.toes + self.toe_joint])


def foot_skin(rig: RigDescription, bone_map: BoneMap, side: str) -> FootSkin | None:
    """The mesh of a foot, where the rig's reader found one."""
    foot, toe = bone_map.bone(f"{side}_foot"), bone_map.bone(f"{side}_toe")
    if foot is None or foot not in rig.skin:
        return None
    to_world = rig.scale * rig.R_world_armature
    ankle = rig.heads[rig.index(foot)]
    own = (rig.skin[foot] - ankle) @ to_world.T
    if toe is None or toe not in rig.skin:
        points = own if toe is None else np.concatenate([own, np.zeros((0, 3))])
        return FootSkin(outermost(points), np.zeros((0, 3)), np.zeros(3)) if len(points) >= _LEAST_POINTS else None
    joint = rig.heads[rig.index(toe)]
    toes = (rig.skin[toe] - joint) @ to_world.T
    if len(own) + len(toes) < _LEAST_POINTS:
        return None
    return FootSkin(outermost(own), outermost(toes), to_world @ (joint - ankle))


def outermost(points: FloatArray) -> FloatArray:
    """Those of (P, 3) points that lie farthest out in some direction."""
    if len(points) <= _LEAST_POINTS:
        return points
    k = np.arange(_DIRECTIONS) + 0.5
    z = 1 - 2 * k / _DIRECTIONS
    angle = k * np.pi * (1 + 5**0.5)
    flat = np.sqrt(1 - z * z)
    directions = np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)
    return np.asarray(points[np.unique(np.argmax(points @ directions.T, axis=0))])


def sole_of_skin(skin: FootSkin, S: FloatArray, ball: FloatArray) -> FloatArray:
    """Heel and ball at the sole, in the foot's canonical pose.

    Args:
        skin: of the foot.
        S: (3, 3) from the rest pose to the canonical one.
        ball: (3,) from the ankle to the joint of the toes, canonical.
    Returns:
        (2, 3) from the ankle.
    """
    points = skin.all @ S.T
    forward = unit(np.array([ball[0], ball[1], 0.0]))
    along = points @ forward
    reach, behind = float(ball @ forward), float(along.min())
    length = max(reach - behind, 1e-6)
    heel = along < behind + _HEEL_SHARE * length
    front = np.abs(along - reach) < _BALL_SHARE * length
    lowest_heel = float(points[heel, 2].min())
    lowest_ball = float(points[front, 2].min()) if np.any(front) else lowest_heel
    place = min(behind + _HEEL_EDGE_SHARE * length, -0.1 * length)
    return np.stack([forward * place + [0, 0, lowest_heel], np.array([ball[0], ball[1], lowest_ball])])


def ankle_over(sole: FloatArray) -> float:
    """Height of the ankle over the line from heel to ball, (2, 3) from the ankle."""
    heel, ball = sole
    forward = unit(np.array([ball[0], ball[1], 0.0]))
    a, b = float(heel @ forward), float(ball @ forward)
    share = float(np.clip(-a / max(b - a, 1e-9), 0.0, 1.0))
    return -float(heel[2] + share * (ball[2] - heel[2]))


def rise_m(skin: FootSkin, ankles_m: FloatArray, D_foot: FloatArray, D_toe: FloatArray, floor_m: FloatArray,
           time_s: FloatArray, planted: BoolArray) -> FloatArray:  # fmt: skip
    """How far a foot in the air must rise so that nothing of it is under the floor, smoothly.

    Args:
        skin: of the foot.
        ankles_m: (T, 3) world.
        D_foot: (T, 3, 3) turn of the foot from rest.
        D_toe: (T, 3, 3) of its toes.
        floor_m: (T,) height of the floor.
        time_s: (T,)
        planted: (T,) whether the foot stands: there it stays where it is.
    Returns:
        (T,)
    """
    lowest = np.min(D_foot[:, 2] @ skin.foot.T, axis=1) if len(skin.foot) else np.full(len(time_s), np.inf)
    if len(skin.toes):
        toes = np.min(D_toe[:, 2] @ skin.toes.T, axis=1) + D_foot[:, 2] @ skin.toe_joint
        lowest = np.minimum(lowest, toes)
    needed = np.asarray(np.maximum(floor_m - (ankles_m[:, 2] + lowest), 0.0))
    sunk = np.zeros(len(time_s), dtype=np.bool_)
    out = np.zeros(len(time_s))
    for _ in range(_ROUNDS):
        below = ~planted & (out < needed - _NOT_WORTH_M)
        if np.all(sunk | ~below):
            break
        sunk |= below
        spans = frame_spans(time_s)
        system = FrameSystem(len(time_s), 1, 1)
        system.add_value(0, spans)
        system.add_smoothness(0, time_s, _SMOOTHNESS)
        system.add_value(0, np.where(planted, _STAYS * spans, 0.0))
        system.add_value(0, np.where(sunk, _STAYS * spans, 0.0), needed[:, None])
        out = system.solve()[:, 0, 0]
    return out


def upright(D_foot: FloatArray, S_foot: FloatArray, sole: FloatArray, share: FloatArray) -> FloatArray:
    """Take the tilt to the side out of a foot that stands, about the line from heel to ball: its sole is not an edge.

    Args:
        D_foot: (T, 3, 3) turn of the foot from rest.
        S_foot: (3, 3) from the rest pose to the canonical one, where the sole is level from side to side.
        sole: (2, 3) heel and ball from the ankle, rest pose.
        share: (T,) how much it stands.
    """
    axis = unit(D_foot @ (sole[1] - sole[0]))
    left = D_foot @ (S_foot.T @ LEFT_REST)
    across = np.cross(axis, left)  # left turned by a right angle: up, for a foot on the ground
    tilt = np.arctan2(left[:, 2], across[:, 2])
    return np.asarray(rotation_vector_to_matrix(-axis * (tilt * share)[:, None]) @ D_foot)
