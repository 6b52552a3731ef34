"""Joints of public data sets, in their own order, as joints of `H36M`."""

from __future__ import annotations

import numpy as np

from pose_core.skeletons.h36m import H36M
from pose_core.types import FloatArray

_ARMS_AND_LEGS = (
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip


def _places(limbs: tuple[int, ...], **trunk: int) -> tuple[int, ...]:
    """For each joint of `H36M` its place in a set's own order; -1 where the set lacks it."""
    known = dict(zip(_ARMS_AND_LEGS, limbs, strict=True)) | trunk
    return tuple(known.get(name, -1) for name in H36M.names)


H36M_32 = _places((1, 2, 3, 6, 7, 8, 17, 18, 19, 25, 26, 27), pelvis=0, spine=12, thorax=13, neck=14, head_top=15)
"""The 32 joints of the original Human3.6M files."""
MPI_INF_3DHP_28 = _places(
    (23, 24, 25, 18, 19, 20, 9, 10, 11, 14, 15, 16), pelvis=4, spine=3, thorax=5, neck=6, head_top=7
)
MPII_16 = _places((2, 1, 0, 3, 4, 5, 13, 14, 15, 12, 11, 10), pelvis=6, thorax=7, neck=8, head_top=9)
LSP_14 = _places((2, 1, 0, 3, 4, 5, 9, 10, 11, 8, 7, 6), thorax=12, head_top=13)


def to_h36m(values: FloatArray, places: tuple[int, ...]) -> FloatArray:
    """Joints (..., K, D) of a set as (..., 17, D); NaN where it lacks one.

    A set without a pelvis gets the middle of its hips.
    """
    index = np.array(places)
    out = np.where((index >= 0)[:, None], values[..., np.maximum(index, 0), :], np.nan)
    pelvis = H36M.index("pelvis")
    if places[pelvis] < 0:
        out[..., pelvis, :] = out[..., H36M.indices("left_hip", "right_hip"), :].mean(axis=-2)
    return np.asarray(out)
