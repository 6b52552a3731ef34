"""What the feet of a motion do: where their soles are, and when these stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pose_core.maths.frame_times import runs
from pose_core.motion_file import Motion
from pose_core.retarget.rig.bone_map import SIDES
from pose_core.types import BoolArray, FloatArray

# Planted heels and balls of the feet within this of the ground tell how high these joints lie over the sole.
_NEAR_GROUND_M = 0.12
# A point of a foot that moves faster than this is not planted, whatever its contact says.
_PLANTED_M_S = 0.2
# A planted point lies within this of the lowest places of its contact; a heel that sinks slowly stands at the end only.
_STANDING_M = 0.02
_LOWEST_SHARE = 0.1
# Heel and ball of a foot that both stand are no further apart in height than this.
_ONE_FLOOR_M = 0.05
# A flat foot that is pitched further from its rest pose than this is no flat foot.
_MOST_PITCH_RAD = np.radians(30.0)


@dataclass(frozen=True, eq=False)
class FootContacts:
    """Heels and balls of the feet of a motion, at the T frames with a pose."""

    points_m: FloatArray
    """(T, 2, 2, 3) left and right, heel and ball of the foot; world."""
    ankles_m: FloatArray
    """(T, 2, 3)"""
    planted: BoolArray
    """(T, 2, 2) which of the points stand: marked as contacts, and not moving all the same."""
    rest_m: FloatArray
    """(2, 2, 3) the points from the ankle in the motion's rest pose."""

    @cached_property
    def flat(self) -> BoolArray:
        """(T, 2) whether a foot stands on the ground with heel and ball."""
        return np.asarray(np.all(self.planted & (np.abs(self.points_m[..., 2]) < _NEAR_GROUND_M), axis=2))

    @cached_property
    def levels_m(self) -> FloatArray:
        """(2, 2) how high each of the points lies while it stands on the ground: as far as joints lie over the sole."""
        height = self.points_m[..., 2]
        near = self.planted & (np.abs(height) < _NEAR_GROUND_M)
        usual = float(np.median(height[near])) if np.any(near) else 0.0
        out = np.full((2, 2), usual)
        for s, k in zip(*np.nonzero(np.any(near, axis=0)), strict=True):
            out[s, k] = np.median(height[near[:, s, k], s, k])
        return out

    @cached_property
    def ankle_level_m(self) -> float:
        """Height of the ankles over the ground on flat feet."""
        if np.any(self.flat):
            return float(np.median(self.ankles_m[..., 2][self.flat]))
        return self.rest_ankle_m + float(np.mean(self.levels_m))

    @cached_property
    def rest_ankle_m(self) -> float:
        """Height of the ankles over the lower of heel and ball in the rest pose."""
        return float(np.mean(np.max(-self.rest_m[..., 2], axis=1)))

    @cached_property
    def pitch_rad(self) -> FloatArray:
        """(2,) how far the toes of a flat foot point up, against the rest pose.

        Where heel and ball are measured at other places of the foot than in the rest pose, this is not 0.
        """
        out = np.zeros(2)
        for s in np.flatnonzero(np.any(self.flat, axis=0)):
            standing = self.points_m[self.flat[:, s], s]
            usual = np.median(_pitch(standing[:, 1] - standing[:, 0]))
            pitch = float(usual - _pitch(self.rest_m[s, 1] - self.rest_m[s, 0]))
            out[s] = pitch if abs(pitch) < _MOST_PITCH_RAD else 0.0
        return out


def foot_contacts(motion: Motion) -> FootContacts:
    """Read the contacts of a motion.

    Contacts are found with tolerance: at their ends the foot is under way already, and a heel that sinks slowly is said
    to stand. So a point that moves, or lies higher than the lowest places of its contact, does not count as planted.
    """
    valid = motion.valid
    points, ankles = (
        [motion.joint_names.index(f"{side}_{point}") for side in SIDES for point in named]
        for named in (("heel", "toe"), ("ankle",))
    )
    soles = motion.joints_world_m[:, points][valid].reshape(-1, 2, 2, 3)
    time_s = motion.timestamps_s[valid]
    planted = motion.contacts[valid].reshape(-1, 2, 2) > 0.5
    if len(time_s) > 1:
        step = np.diff(soles, axis=0)
        slow = np.einsum("tsci,tsci->tsc", step, step) < (_PLANTED_M_S * np.diff(time_s)[:, None, None]) ** 2
        planted &= np.concatenate([slow[:1], slow]) | np.concatenate([slow, slow[-1:]])
    for s, k in np.ndindex(2, 2):
        for first, last in runs(planted[:, s, k]):
            height = soles[first:last, s, k, 2]
            low = int(_LOWEST_SHARE * len(height))
            planted[first:last, s, k] = height < np.partition(height, low)[low] + _STANDING_M
    rest = motion.rest_offsets_m[points].reshape(2, 2, 3)
    found = FootContacts(soles, motion.joints_world_m[:, ankles][valid], planted, rest)
    # on a foot that stands on its ball a heel held high stands on nothing, and the other way round
    ground = np.where(planted, soles[..., 2] - found.levels_m, np.inf)
    return replace(found, planted=planted & (ground < np.min(ground, axis=2, keepdims=True) + _ONE_FLOOR_M))


def _pitch(along: FloatArray) -> FloatArray:
    """Angle over the horizontal, radians: (..., 3) to (...)."""
    return np.asarray(np.arctan2(along[..., 2], np.hypot(along[..., 0], along[..., 1])))
