"""Poses out of motion capture for the pose prior."""

from __future__ import annotations

import numpy as np

from pose_core.lab.datasets.mocap import MocapSet
from pose_core.lab.nets.tome2017 import normalise_poses
from pose_core.lab.train.lifter.bodies import stature_of
from pose_core.types import FloatArray


def draw_poses(mocap: MocapSet, count: int, rng: np.random.Generator) -> FloatArray:
    """(N, J, 3) normalised poses of clips that know all joints, a frame as likely as in the lifter's training."""
    whole = np.flatnonzero(np.all(mocap.joint_weight[:, 1:] > 0, axis=1))
    chance = mocap.clip_weight[whole] * mocap.clip_length[whole]
    clips = np.sort(rng.choice(whole, size=count, p=chance / chance.sum()))
    frames = mocap.clip_start[clips] + (rng.uniform(size=count) * mocap.clip_length[clips]).astype(np.int64)
    height = {}
    for clip in np.unique(clips):
        first = int(mocap.clip_start[clip])
        height[int(clip)] = float(stature_of(mocap.joints_m[None, first : first + int(mocap.clip_length[clip]) : 5])[0])
    heights = np.array([height[int(clip)] for clip in clips])
    return normalise_poses(mocap.joints_m[frames].astype(np.float64), heights)
