"""The joint tree every motion is expressed in, and its rest pose.

Rest pose: a T pose that looks along -Y with Z up; the character's left arm points along +X, palms face down, thumbs
forward.
`toe` is the ball of the foot, `hand` the knuckles, `head` the middle between the ears, `pelvis` the middle of the hips.
"""

from __future__ import annotations

import numpy as np

from pose_core.skeletons.tree import Skeleton
from pose_core.types import FloatArray

_TREE: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    # joint, parent, direction from the parent at rest (any length)
    ("pelvis", "", (0.0, 0.0, 0.0)),
    ("spine", "pelvis", (0.0, 0.02, 1.0)),
    ("chest", "spine", (0.0, 0.02, 1.0)),
    ("neck", "chest", (0.0, 0.05, 1.0)),
    ("head", "neck", (0.0, -0.25, 1.0)),
    ("nose", "head", (0.0, -1.0, -0.17)),
    ("left_hip", "pelvis", (1.0, 0.0, 0.0)),
    ("left_knee", "left_hip", (0.0, 0.0, -1.0)),
    ("left_ankle", "left_knee", (0.0, 0.0, -1.0)),
    ("left_heel", "left_ankle", (0.0, 0.62, -0.79)),
    ("left_toe", "left_ankle", (0.0, -0.9, -0.44)),
    ("left_shoulder", "chest", (0.7, 0.03, 0.71)),
    ("left_elbow", "left_shoulder", (1.0, 0.0, 0.0)),
    ("left_wrist", "left_elbow", (1.0, 0.0, 0.0)),
    ("left_hand", "left_wrist", (1.0, 0.0, 0.0)),
    ("right_hip", "pelvis", (-1.0, 0.0, 0.0)),
    ("right_knee", "right_hip", (0.0, 0.0, -1.0)),
    ("right_ankle", "right_knee", (0.0, 0.0, -1.0)),
    ("right_heel", "right_ankle", (0.0, 0.62, -0.79)),
    ("right_toe", "right_ankle", (0.0, -0.9, -0.44)),
    ("right_shoulder", "chest", (-0.7, 0.03, 0.71)),
    ("right_elbow", "right_shoulder", (-1.0, 0.0, 0.0)),
    ("right_wrist", "right_elbow", (-1.0, 0.0, 0.0)),
    ("right_hand", "right_wrist", (-1.0, 0.0, 0.0)),
)

_NAMES = tuple(name for name, _, _ in _TREE)

CANONICAL = Skeleton(_NAMES, tuple(_NAMES.index(parent) if parent else -1 for _, parent, _ in _TREE))
"""The canonical skeleton, 24 joints."""

REST_DIRECTIONS: FloatArray = np.array([np.array(d) / max(float(np.linalg.norm(d)), 1e-12) for _, _, d in _TREE])
"""(J, 3) unit direction of each joint from its parent in the rest pose; zero for the pelvis."""

CONTACT_JOINTS = ("left_heel", "left_toe", "right_heel", "right_toe")
"""The joints that can touch the ground, in the order of every `contacts` array."""

SIZE_JOINTS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("knee", "ankle", "elbow", "wrist"))
"""Joints whose bones together are the measure of a body's size: long, seen by every keypoint set, and meaning the same
to all models and recordings, which joints of the trunk do not."""

STATURE_FRACTIONS: dict[str, float] = {
    "spine": 0.132, "chest": 0.068, "neck": 0.130, "head": 0.101, "nose": 0.068,
    "hip": 0.052, "knee": 0.245, "ankle": 0.246, "heel": 0.048, "toe": 0.080,
    "shoulder": 0.157, "elbow": 0.172, "wrist": 0.148, "hand": 0.050,
}  # fmt: skip
"""Length of the bone that ends in a joint as a share of body height.

Source: Drillis & Contini 1966 (limbs), the rest measured on public motion capture.
"""


def stature_lengths(height_m: float) -> FloatArray:
    """(J,) bone lengths of an average adult of the given height, metres; 0 for the pelvis."""
    short = [name.removeprefix("left_").removeprefix("right_") for name in _NAMES]
    return np.array([height_m * STATURE_FRACTIONS.get(name, 0.0) for name in short])


def rest_offsets_from_lengths(length_m: FloatArray) -> FloatArray:
    """Rest offsets of the canonical skeleton.

    Args:
        length_m: (J,) bone lengths, metres; the pelvis entry is ignored.
    Returns:
        (J, 3) offsets from the parents.
    """
    return np.asarray(REST_DIRECTIONS * np.asarray(length_m)[:, None])
