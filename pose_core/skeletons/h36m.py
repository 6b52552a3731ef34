"""The 17 joints of Human3.6M as a tree, and how they follow from the canonical joints."""

from __future__ import annotations

import numpy as np

from pose_core.skeletons.canonical import CANONICAL
from pose_core.skeletons.keypoint_sets import KEYPOINT_SETS
from pose_core.skeletons.tree import Skeleton
from pose_core.types import FloatArray

H36M = Skeleton(
    KEYPOINT_SETS["h36m17"].keypoints,
    (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
)
"""The joints of keypoint set `h36m17`, every joint after its parent."""

# Where the joint between throat and chin lies on the line from the root of the neck (0) to the middle of the ears (1).
# The top of the head follows from it, as the middle of the two is the middle of the ears.
_CHIN = 0.4


def _from_canonical() -> FloatArray:
    weights = np.zeros((len(H36M), len(CANONICAL)))
    for j, name in enumerate(H36M.names):
        if name not in ("thorax", "neck", "head_top"):
            weights[j, CANONICAL.index(name)] = 1.0
    neck, head = CANONICAL.indices("neck", "head")
    weights[H36M.index("thorax"), neck] = 1.0
    weights[H36M.index("neck"), [neck, head]] = 1 - _CHIN, _CHIN
    weights[H36M.index("head_top"), [neck, head]] = _CHIN - 1, 2 - _CHIN
    return weights


H36M_FROM_CANONICAL: FloatArray = _from_canonical()
"""(17, 24) mixture of canonical joints that each joint is; the inverse of `joint_mapping("h36m17")` where that says
something."""


def h36m_joints(canonical_joints: FloatArray) -> FloatArray:
    """Joints in the order of `H36M` from canonical ones: (..., 24, D) to (..., 17, D)."""
    return np.asarray(H36M_FROM_CANONICAL @ canonical_joints)
