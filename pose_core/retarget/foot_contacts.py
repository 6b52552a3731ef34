"""What the feet of a motion do: where their soles are, and when these stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pose_core.motion_file import Motion
from pose_core.retarget.bone_map import SIDES
from pose_core.types import BoolArray, FloatArray

# Planted heels and balls of the foot within this of the ground tell how high these joints lie over the sole.
_NEAR_GROUND_M = 0.12
# A point of a foot that moves faster than this is not planted, whatever its contact says.
_PLANTED_M_S = 0.2


@dataclass(frozen=True, eq=False)
class FootContacts:
    """Heels and balls of the feet of a motion, at the T frames with a pose."""

    points_m: FloatArray
    """(T, 2, 2, 3) left and right, heel and ball of the foot; world."""
    planted: BoolArray
    """(T, 2, 2) which of them stand: marked as contacts, and not moving all the same."""

    @cached_property
    def over_sole_m(self) -> float:
        """How high these joints lie while they are planted on the ground; 0 without contacts."""
        height = self.points_m[..., 2]
        near = height[self.planted & (np.abs(height) < _NEAR_GROUND_M)]
        return float(np.median(near)) if len(near) else 0.0


def foot_contacts(motion: Motion) -> FootContacts:
    """Read the contacts of a motion.

    Contacts are found with tolerance; at their ends the foot is under way already, so a point that moves does not
    count as planted.
    """
    valid = motion.valid
    index = [motion.joint_names.index(f"{side}_{point}") for side in SIDES for point in ("heel", "toe")]
    points = motion.joints_world_m[:, index][valid].reshape(-1, 2, 2, 3)
    time_s = motion.timestamps_s[valid]
    planted = motion.contacts[valid].reshape(-1, 2, 2) > 0.5
    if len(time_s) > 1:
        step = np.diff(points, axis=0)
        slow = np.einsum("tsci,tsci->tsc", step, step) < (_PLANTED_M_S * np.diff(time_s)[:, None, None]) ** 2
        planted &= np.concatenate([slow[:1], slow]) | np.concatenate([slow, slow[-1:]])
    return FootContacts(points, planted)
