"""How tall a figure is, by its joints: bone tails are guesses in many files, and props and hair are no height."""

from __future__ import annotations

import numpy as np

from pose_core.retarget.rig.bone_map import SIDES, BoneMap
from pose_core.retarget.rig.description import RigDescription
from pose_core.types import FloatArray

# Shares of body height from hip to ankle, and from the hips to where chin and neck meet.
# Source: Drillis & Contini 1966: hip 0.530, ankle 0.039, chin-neck intersection 0.870 of the height.
_LEG, _TRUNK = 0.491, 0.340


def figure_height_m(rig: RigDescription, bone_map: BoneMap) -> float:
    """Height of an adult with a rig's legs and trunk, in world metres, whatever its rest pose.

    Args:
        rig: the rig.
        bone_map: its thighs, shins, feet and head.
    """

    def head(part: str) -> FloatArray:
        return np.asarray(rig.heads[rig.index(bone_map.bones[part][0])])

    legs = [
        float(np.linalg.norm(head(f"{s}_shin") - head(f"{s}_thigh")))
        + float(np.linalg.norm(head(f"{s}_foot") - head(f"{s}_shin")))
        for s in SIDES
    ]
    hips = 0.5 * (head("left_thigh") + head("right_thigh"))
    trunk = float(np.linalg.norm(head("head") - hips))
    return rig.scale * (0.5 * sum(legs) + trunk) / (_LEG + _TRUNK)
