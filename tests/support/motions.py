"""Motions for tests: smooth random ones, the sample clip, and real motion capture."""

from pathlib import Path

import numpy as np

from pose_core.lab.bench.mocap import make_motion, mocap_motion, motion_of_joints, with_contacts
from pose_core.lab.bench.sample import sample_motion
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.motion_file import Motion
from pose_core.skeletons import CANONICAL, rest_offsets_from_lengths
from pose_core.skeletons.canonical import stature_lengths
from pose_core.types import BoolArray

__all__ = [
    "make_motion",
    "mocap_motion",
    "motion_of_joints",
    "random_motion",
    "rest_motion",
    "sample_motion",
    "with_contacts",
]

# Largest turn of each joint about each axis in a random motion, radians: lively, but no joint turns over itself.
_REACH = {"pelvis": (0.6, 0.6, 3.0), "spine": 0.3, "chest": 0.4, "neck": 0.4, "head": 0.4, "shoulder": 1.3,
          "elbow": 1.2, "wrist": 0.7, "hip": 1.0, "knee": 1.0, "ankle": 0.5}  # fmt: skip


def random_motion(frames: int = 40, rate: float = 30.0, seed: int = 0, valid: BoolArray | None = None) -> Motion:
    """A smooth motion in which every joint turns."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / rate
    vectors = np.zeros((frames, len(CANONICAL), 3))
    for j, name in enumerate(CANONICAL.names):
        reach = _REACH.get(name.removeprefix("left_").removeprefix("right_"))
        if reach is not None:
            phase, speed = rng.uniform(0, 2 * np.pi, 3), rng.uniform(0.3, 1.2, 3)
            vectors[:, j] = np.broadcast_to(reach, 3) * np.sin(2 * np.pi * speed * t[:, None] + phase)
    root = np.stack([0.5 * np.sin(t), 0.4 * t, 0.95 + 0.05 * np.cos(3 * t)], axis=1)
    return make_motion(rotation_vector_to_matrix(vectors), root, t, valid=valid)


def rest_motion(frames: int = 3, rate: float = 30.0) -> Motion:
    """The T pose, standing on the floor."""
    R = np.broadcast_to(np.eye(3), (frames, len(CANONICAL), 3, 3))
    offsets = rest_offsets_from_lengths(stature_lengths(1.7))
    z = dict(zip(CANONICAL.names, offsets[:, 2], strict=True))
    height = -(z["left_knee"] + z["left_ankle"] + min(z["left_heel"], z["left_toe"]))
    return make_motion(R, np.tile([0.0, 0.0, height], (frames, 1)), np.arange(frames) / rate)


def sample_walk() -> Motion:
    """The true motion of the sample clip: a walk, a turn, a stop, a wave; with its contacts."""
    with np.load(Path(__file__).resolve().parents[2] / "samples" / "mannequin_walk_truth.npz") as data:
        joints, times = data["joints_world_m"].astype(np.float64), data["timestamps_s"]
    return with_contacts(motion_of_joints(joints, times, "mannequin_walk.mp4"))
