"""Legs in the rig's own bone lengths: planted feet stay planted, hips are as high as the legs want them.

Copied rotations put the feet of a rig with other proportions somewhere else, and a foot that should stand slides.
Here every leg first gets the motion's leg in the rig's size, from hip to ankle. Soles are then held where the motion
plants them, the pelvis moves up and down just enough for the knees to stay as bent as they were, and the legs reach for
the feet in their own planes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pose_core.maths.axes import LEFT_REST
from pose_core.maths.frame_system import FrameSystem
from pose_core.maths.frame_times import frame_spans, runs
from pose_core.maths.rotations import rotation_vector_to_matrix, swing_between, unit
from pose_core.motion_file import Motion
from pose_core.retarget.feet.contacts import FootContacts
from pose_core.retarget.feet.mesh_soles import foot_skin, rise_m, sole_of_skin, upright
from pose_core.retarget.feet.planted import FootPath, contact_floor, hold_planted, hold_rigid
from pose_core.retarget.feet.two_bone import bend_for_distance, reach, steady_bend
from pose_core.retarget.rig.bone_map import SIDES, BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.retarget.rig.rest_alignment import HINGE_AXES, RestAlignment
from pose_core.types import BoolArray, FloatArray

# Legs and hips of a rig within this (relative) of the motion's need no other solution.
_SAME_SIZE = 1e-3
# The pelvis moves about this much, along x, y and z, as readily as a knee on the ground turns by the angle below.
_PELVIS_M, _KNEE_RAD = (0.01, 0.01, 0.03), 0.05
_SWING_SHARE = 0.05
_PELVIS_CUTOFF_HZ = 2.5
_KNEE_CUTOFF_HZ = 1.0
_PELVIS_ROUNDS = 8
_SETTLED_M = 1e-5
# Reach, as a share of the leg, over which the pelvis gives way more and more for a planted foot, to about this.
_LONG, _TOO_LONG_M = (0.997, 0.998), 0.001
# Knees that the motion stretches fully keep about this bend, so that there is room for both feet to stay.
_LEAST_BEND_RAD = 0.12
# Knees straighter than this count as if they bent on at the same rate.
_STRAIGHT_RAD = 0.15
# Which of the sole's points carries the foot changes over this time; toes bend and straighten as fast.
_HANDOVER_S = 0.12
_TOE_BEND_LIMIT_RAD = np.radians(60.0)
# A foot pitched less than this is flat enough for its toes, where no mesh says how its sole lies.
_TOE_FLAT_RAD = np.radians(5.0)


@dataclass(frozen=True, eq=False)
class Limb:
    """A limb of the rig at rest, world axes, metres."""

    root: FloatArray
    """(3,) from the middle of the hips to thigh or upper arm."""
    upper: FloatArray
    """(3,) to knee or elbow."""
    lower: FloatArray
    """(3,) from there to ankle or wrist."""

    @property
    def sizes(self) -> tuple[float, float]:
        """Lengths of both bones."""
        return float(np.linalg.norm(self.upper)), float(np.linalg.norm(self.lower))

    @property
    def length(self) -> float:
        """Length when stretched."""
        return sum(self.sizes)


@dataclass(frozen=True, eq=False)
class Placed:
    """What the legs are solved for, all in the world; frames with a pose only."""

    time_s: FloatArray
    """(T,)"""
    follows: BoolArray
    """(T-1,) whether a frame directly follows the one before."""
    hips_m: FloatArray
    """(T, 3) path of the middle of the hips."""
    D: dict[str, FloatArray]
    """Part to (T, 3, 3) rotation relative to rest."""


def rig_limb(rig: RigDescription, bone_map: BoneMap, side: str, parts: tuple[str, str, str]) -> Limb | None:
    """Sizes of a limb; None where the rig lacks its end."""
    names = [bone_map.bone(f"{side}_{part}") for part in parts]
    if None in names:
        return None
    head = {name: rig.heads[rig.index(name)] for name in names if name is not None}
    hips = 0.5 * sum(rig.heads[rig.index(bone_map.bones[f"{s}_thigh"][0])] for s in SIDES)
    to_world = rig.scale * rig.R_world_armature
    a, b, c = (head[name] for name in names if name is not None)
    return Limb(*(to_world @ v for v in (a - hips, b - a, c - b)))


def sole_points(motion: Motion, rig: RigDescription, bone_map: BoneMap, alignment: RestAlignment, ankle_height_m: float
                ) -> dict[str, FloatArray]:  # fmt: skip
    """Heel and ball of each foot at the sole.

    Args:
        motion: gives the shape of a foot where the rig does not say.
        rig: the rig.
        bone_map: its bones.
        alignment: its rest pose.
        ankle_height_m: height of its ankles over the sole.
    Returns:
        Side to (2, 3) offsets from the ankle at rest, world axes, metres.
    """
    rest = dict(zip(motion.joint_names, motion.rest_offsets_m, strict=True))
    lengths = dict(zip(motion.joint_names, motion.bone_lengths_m, strict=True))
    out = {}
    for side in SIDES:
        S = alignment.S[f"{side}_foot"]
        toe, heel = rest[f"{side}_toe"], rest[f"{side}_heel"]
        toe_bone = bone_map.bone(f"{side}_toe")
        if toe_bone is None:
            leg = rig_limb(rig, bone_map, side, ("thigh", "shin", "foot"))
            size = 1.0 if leg is None else leg.length / (lengths[f"{side}_knee"] + lengths[f"{side}_ankle"])
            ball = toe * size
        else:
            foot_bone = rig.index(bone_map.bones[f"{side}_foot"][0])
            ball = S @ (rig.scale * rig.R_world_armature @ (rig.heads[rig.index(toe_bone)] - rig.heads[foot_bone]))
            size = float(np.hypot(ball[0], ball[1]) / max(np.hypot(toe[0], toe[1]), 1e-9))
        behind = -unit(np.array([ball[0], ball[1], 0.0])) * float(np.hypot(heel[0], heel[1])) * size
        soles = np.stack([behind, ball])
        soles[:, 2] = -ankle_height_m
        skin = foot_skin(rig, bone_map, side)
        out[side] = (soles if skin is None else sole_of_skin(skin, S, ball)) @ S
    return out


def has_own_proportions(motion: Motion, rig: RigDescription, bone_map: BoneMap) -> bool:
    """Whether the rig's legs and hips have the motion's sizes, so that copied rotations plant the feet already."""
    rest = dict(zip(motion.joint_names, motion.rest_offsets_m, strict=True))
    for side in SIDES:
        leg = rig_limb(rig, bone_map, side, ("thigh", "shin", "foot"))
        if leg is None:
            return False
        sizes = [(leg.root, rest[f"{side}_hip"]), (leg.upper, rest[f"{side}_knee"]), (leg.lower, rest[f"{side}_ankle"])]
        if any(abs(np.linalg.norm(a) - np.linalg.norm(b)) > _SAME_SIZE * leg.length for a, b in sizes):
            return False
    return True


def solve_legs(
    placed: Placed,
    motion: Motion,
    rig: RigDescription,
    bone_map: BoneMap,
    alignment: RestAlignment,
    *,
    contacts: FootContacts,
    soles: dict[str, FloatArray],
    ratio: float,
    R_place: FloatArray,
) -> tuple[Placed, float | None]:
    """Put the feet down where the motion does, in the rig's size.

    Args:
        placed: the pose that copied rotations give.
        motion: its source.
        rig: the rig.
        bone_map: its bones.
        alignment: its rest pose.
        contacts: what the motion's feet do.
        soles: from `sole_points`.
        ratio: size of the rig's legs over the motion's.
        R_place: (3, 3) turn about the vertical between motion and world.
    Returns:
        The pose with thighs, shins, feet, toes and the path of the hips changed, and how far the hips moved at most,
        metres; the pose as it was and None if the rig lacks a part of a leg.
    """
    planted = contacts.planted
    index = {name: j for j, name in enumerate(motion.joint_names)}
    joints = motion.joints_world_m[motion.valid]
    ground = contacts.points_m[..., 2] - contacts.levels_m
    lengths = dict(zip(motion.joint_names, motion.bone_lengths_m, strict=True))
    legs: dict[str, Limb] = {}
    for side in SIDES:
        found = rig_limb(rig, bone_map, side, ("thigh", "shin", "foot"))
        if found is None:
            return placed, None
        legs[side] = found
    # each leg by its own size, so that it is as straight as the motion's, whose legs may differ
    sizes = np.array([legs[s].length / (lengths[f"{s}_knee"] + lengths[f"{s}_ankle"]) for s in SIDES])
    sizes *= ratio / np.mean(sizes)
    D, ankles = dict(placed.D), {}
    bends = np.zeros((len(joints), 2))
    for s, side in enumerate(SIDES):
        leg, own = legs[side], sizes[s]
        source_leg = joints[:, index[f"{side}_ankle"]] - joints[:, index[f"{side}_hip"]]
        hip = placed.hips_m + D["pelvis"] @ leg.root
        foot = D[f"{side}_foot"] @ _levelled(alignment.S[f"{side}_foot"], contacts.pitch_rad[s])
        points = (hip + own * source_leg @ R_place.T)[:, None] + np.einsum("tij,cj->tci", foot, soles[side])
        floor = ratio * contact_floor(ground[:, s], planted[:, s])
        path = FootPath(points, planted[:, s], floor, ratio * np.minimum(ground[:, s], 0.0))
        moved = points + hold_planted(path, placed.time_s, placed.follows)
        D[f"{side}_foot"] = swing_between(unit(points[:, 1] - points[:, 0]), unit(moved[:, 1] - moved[:, 0])) @ foot
        carrying = _faded(planted[:, s], placed.time_s) + 1e-3
        skin = foot_skin(rig, bone_map, side)
        if skin is not None:
            stands = np.max(carrying - 1e-3, axis=1)
            D[f"{side}_foot"] = upright(D[f"{side}_foot"], alignment.S[f"{side}_foot"], soles[side], stands)
        share = carrying / np.sum(carrying, axis=1, keepdims=True)
        levers = np.einsum("tij,cj->tci", D[f"{side}_foot"], soles[side])
        ankle = np.sum(share[..., None] * (moved - levers), axis=1)
        ankles[side] = hold_rigid(ankle, levers, path, placed.time_s, placed.follows)
        bends[:, s] = bend_for_distance(own * np.linalg.norm(source_leg, axis=1), *leg.sizes)
        if f"{side}_toe" in D:
            flat = np.maximum(carrying[:, 1] - 1e-3, 0.0)
            D[f"{side}_toe"] = (
                _flat_toe(D[f"{side}_foot"], alignment.S[f"{side}_foot"], flat, _TOE_FLAT_RAD if skin is None else 0.0)
                @ D[f"{side}_foot"]
            )
        if skin is not None:
            turn = D[f"{side}_foot"]
            ground_m = np.minimum(np.min(floor, axis=1), np.min(path.least_m, axis=1))
            toe_turn = D.get(f"{side}_toe", turn)
            stands = np.any(planted[:, s], axis=1)
            ankles[side][:, 2] += rise_m(skin, ankles[side], turn, toe_turn, ground_m, placed.time_s, stands)
    bears = np.stack([np.max(_faded(planted[:, s], placed.time_s), axis=1) for s in range(2)], axis=1)
    shift = _pelvis_shift(placed, D["pelvis"], legs, ankles, bears, bends, ratio)
    hips = placed.hips_m + shift
    for s, side in enumerate(SIDES):
        upper, lower = f"{side}_thigh", f"{side}_shin"
        hinge = D[upper] @ (alignment.S[upper].T @ LEFT_REST)
        target = ankles[side] - hips - D["pelvis"] @ legs[side].root
        D[upper], D[lower] = reach(D[upper], D[lower], legs[side].upper, legs[side].lower, hinge, target, bears[:, s])
    return replace(placed, hips_m=hips, D=D), float(np.max(np.linalg.norm(shift, axis=1)))


def solve_arms(
    placed: Placed,
    motion: Motion,
    rig: RigDescription,
    bone_map: BoneMap,
    alignment: RestAlignment,
    *,
    shoulders: dict[str, FloatArray],
    ratio: float,
    R_place: FloatArray,
) -> Placed:
    """Bring the hands where the motion has them relative to the hips, in the rig's size; they keep their rotation.

    Args:
        shoulders: side to (T, 3) place of the upper arm's head relative to the middle of the hips.
        placed, motion, rig, bone_map, alignment, ratio, R_place: see `solve_legs`.
    """
    index = {name: j for j, name in enumerate(motion.joint_names)}
    joints = motion.joints_world_m[motion.valid]
    D = dict(placed.D)
    for side in SIDES:
        arm = rig_limb(rig, bone_map, side, ("upper_arm", "forearm", "hand"))
        if arm is None:
            continue
        upper, lower = f"{side}_upper_arm", f"{side}_forearm"
        wrist = ratio * (joints[:, index[f"{side}_wrist"]] - joints[:, index["pelvis"]]) @ R_place.T
        hinge = D[upper] @ (alignment.S[upper].T @ HINGE_AXES[upper])
        D[upper], D[lower] = reach(
            D[upper], D[lower], arm.upper, arm.lower, hinge, wrist - shoulders[side], np.zeros(len(wrist))
        )
    return replace(placed, D=D)


def slips(points_m: FloatArray, planted: BoolArray, follows: BoolArray) -> FloatArray:
    """How far planted points slide from one frame to the next.

    Args:
        points_m: (T, ..., 3).
        planted: (T, ...).
        follows: (T-1,) whether a frame directly follows the one before.
    Returns:
        (N,) metres, one number for each point that is planted in two frames in a row; horizontal and vertical.
    """
    both = planted[1:] & planted[:-1] & follows.reshape(-1, *([1] * (planted.ndim - 1)))
    return np.asarray(np.linalg.norm(np.diff(points_m, axis=0), axis=-1)[both])


def _faded(planted: BoolArray, time_s: FloatArray) -> FloatArray:
    """(T, C) 1 while planted, fading smoothly to 0 before and after."""
    out = np.zeros(planted.shape)
    for column in range(planted.shape[1]):
        away = np.full(len(time_s), np.inf)
        for first, last in runs(planted[:, column]):
            away = np.minimum(away, np.maximum(time_s[first] - time_s, time_s - time_s[last - 1]))
        x = np.clip(1.0 - np.maximum(away, 0.0) / _HANDOVER_S, 0.0, 1.0)
        out[:, column] = x * x * (3 - 2 * x)
    return out


def _levelled(S_foot: FloatArray, pitch_rad: float) -> FloatArray:
    """(3, 3) turn of a foot in its own rest pose that makes it flat where the motion's is, by its pitch there."""
    return S_foot.T @ rotation_vector_to_matrix(LEFT_REST * pitch_rad) @ S_foot


def _flat_toe(D_foot: FloatArray, S_foot: FloatArray, share: FloatArray, flat_rad: float) -> FloatArray:
    """(T, 3, 3) turn from the foot to its toes that lays them on the ground while the heel lifts."""
    forward = D_foot @ (S_foot.T @ np.array([0.0, -1.0, 0.0]))
    left = D_foot @ (S_foot.T @ LEFT_REST)
    pitch = np.arctan2(-forward[:, 2], np.hypot(forward[:, 0], forward[:, 1]))
    bend = np.clip(pitch - flat_rad, 0.0, _TOE_BEND_LIMIT_RAD) * share
    return rotation_vector_to_matrix(-left * bend[:, None])


def _pelvis_shift(
    placed: Placed,
    D_pelvis: FloatArray,
    legs: dict[str, Limb],
    ankles: dict[str, FloatArray],
    bears: FloatArray,
    bends_rad: FloatArray,
    ratio: float,
) -> FloatArray:
    """(T, 3) how far the pelvis moves so that knees bend as they are wanted to, and no planted leg is too short.

    Near straight a knee turns by a degree for half a millimetre, so what counts is not where the knees are alone but
    that they speed up no more than in the motion.

    Args:
        bears: (T, 2) how much each leg stands.
        bends_rad: (T, 2) of the knees, as the motion has them.
        ratio: size of the rig's legs over the motion's.
    """
    time_s = placed.time_s
    spans = frame_spans(time_s)
    shift = np.zeros((len(spans), 3))
    wanted = np.hypot(bends_rad, _LEAST_BEND_RAD)
    steadiness = (2 * np.pi * _KNEE_CUTOFF_HZ) ** -4 / _KNEE_RAD**2
    for _ in range(_PELVIS_ROUNDS):
        system = FrameSystem(len(spans), 3, 1)
        for axis, readiness in enumerate(_PELVIS_M):
            held = 1.0 / (ratio * readiness) ** 2
            system.add_value(axis, spans * held)
            system.add_smoothness(axis, time_s, held * (2 * np.pi * _PELVIS_CUTOFF_HZ) ** -4)
        before = shift
        for s, side in enumerate(SIDES):
            leg = legs[side]
            to_ankle = ankles[side] - placed.hips_m - D_pelvis @ leg.root - shift
            distance = np.linalg.norm(to_ankle, axis=-1)
            nearer = -to_ankle / np.maximum(distance, 1e-9)[:, None]
            bend, slope = steady_bend(distance, *leg.sizes, _STRAIGHT_RAD)
            by_shift = slope[:, None] * nearer
            off = wanted[:, s] - bend + np.sum(by_shift * shift, axis=1)
            share = (_SWING_SHARE + (1 - _SWING_SHARE) * bears[:, s]) / _KNEE_RAD**2
            system.add_combination(share * spans, by_shift, off)
            system.add_smooth_combination(time_s, steadiness, by_shift, off)
            full, over = _LONG
            too_long = np.clip((distance / leg.length - full) / (over - full), 0.0, 1.0) * bears[:, s]
            short = full * leg.length - distance + np.sum(nearer * shift, axis=1)
            system.add_combination(too_long * spans / (ratio * _TOO_LONG_M) ** 2, nearer, short)
        shift = system.solve()[..., 0]
        if np.max(np.abs(shift - before)) < ratio * _SETTLED_M:
            break
    return shift
