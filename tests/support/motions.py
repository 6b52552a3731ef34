"""Motions for tests: smooth random ones, and real motion capture as a `Motion`."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_core.motion_file import Motion
from pose_core.rotations import matrix_to_quaternion, quaternion_to_matrix, rotation_vector_to_matrix, unit
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS, rest_offsets_from_lengths
from pose_core.skeletons.canonical import stature_lengths
from pose_core.solve.contacts import detect_contacts
from pose_core.solve.orientation import local_rotations, rotations_from_joints
from pose_core.types import BoolArray, FloatArray
from scripts._bench.sample import sample_motion

__all__ = ["make_motion", "mocap_motion", "random_motion", "rest_motion", "sample_motion"]

# Largest turn of each joint about each axis in a random motion, radians: lively, but no joint turns over itself.
_REACH = {"pelvis": (0.6, 0.6, 3.0), "spine": 0.3, "chest": 0.4, "neck": 0.4, "head": 0.4, "shoulder": 1.3,
          "elbow": 1.2, "wrist": 0.7, "hip": 1.0, "knee": 1.0, "ankle": 0.5}  # fmt: skip


def make_motion(
    R_local: FloatArray,
    root_translation_m: FloatArray,
    timestamps_s: FloatArray,
    rest_offsets_m: FloatArray | None = None,
    valid: BoolArray | None = None,
    source: str = "clip.mp4",
) -> Motion:
    """A consistent motion from local rotations (T, J, 3, 3) of the canonical skeleton; no evidence in it."""
    T, J = R_local.shape[:2]
    offsets = rest_offsets_from_lengths(stature_lengths(1.7)) if rest_offsets_m is None else rest_offsets_m
    q = matrix_to_quaternion(R_local)
    joints, _ = CANONICAL.forward_kinematics(quaternion_to_matrix(q), offsets, root_translation_m)
    root = np.array(root_translation_m, dtype=np.float64)
    if valid is not None:
        q[~valid], joints[~valid], root[~valid] = np.nan, np.nan, np.nan
    return Motion(
        joint_names=CANONICAL.names,
        parents=CANONICAL.parents,
        timestamps_s=np.asarray(timestamps_s, dtype=np.float64),
        rest_offsets_m=offsets,
        rotations_wxyz=q,
        root_translation_m=root,
        joints_world_m=joints,
        joints_camera_m=joints.copy(),
        keypoint_names=("nose",),
        keypoints_px=np.full((T, 1, 2), np.nan),
        keypoint_confidence=np.zeros((T, 1)),
        reprojection_error_px=np.full((T, 1), np.nan),
        joint_sigma_m=np.full((T, J), 0.01),
        contacts=np.zeros((T, 4)),
        camera_matrix=np.array([[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]]),
        T_world_camera=np.eye(4),
        image_size=(1000, 1000),
        person_id=1,
        source=source,
    )


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


def with_contacts(motion: Motion) -> Motion:
    """A motion with the contacts that the product would find in it."""
    points = motion.joints_world_m[:, [CANONICAL.index(name) for name in CONTACT_JOINTS]]
    return replace(motion, contacts=detect_contacts(points, np.array([0.0, 0.0, 1.0]), motion.timestamps_s))


def motion_of_joints(joints: FloatArray, times: FloatArray, source: str) -> Motion:
    """A motion from canonical joints (T, 24, 3), with their median bone lengths."""
    parents = np.array(CANONICAL.parents)
    lengths = np.median(np.linalg.norm(joints - joints[:, np.maximum(parents, 0)], axis=-1), axis=0)
    R = local_rotations(rotations_from_joints(joints, times))
    return make_motion(R, joints[:, 0], times, rest_offsets_from_lengths(lengths), source=source)


def mocap_motion(path: Path, clip: str, start: int = 0, frames: int | None = None) -> Motion:
    """A clip of a motion-capture file as a motion: its rotations, with the clip's median bone lengths.

    Args:
        path: an `.npz` of the training motion capture.
        clip: name of the clip.
        start: first frame.
        frames: how many; None = to the end.
    """
    with np.load(path, allow_pickle=False) as data:
        k = [str(name) for name in data["clip_name"]].index(clip)
        first, length = int(data["clip_start"][k]), int(data["clip_length"][k])
        part = slice(first + start, first + min(length, length if frames is None else start + frames))
        offsets = data["offsets"][part]
        joints = np.where(offsets == -32768, np.nan, offsets * 1e-4) + data["root"][part][:, None]
        joints[..., 2] -= data["floor_z"][k]
        names = [str(name) for name in data["joint_names"]]
    joints = joints[:, [names.index(name) for name in CANONICAL.names]]
    index = CANONICAL.index
    for side in ("left", "right"):
        ankle, toe, knee = (joints[:, index(f"{side}_{part}")] for part in ("ankle", "toe", "knee"))
        foot = np.linalg.norm(toe - ankle, axis=-1, keepdims=True)
        heel = ankle - 0.37 * (toe - ankle) - 0.21 * foot * unit(knee - ankle)
        joints[:, index(f"{side}_heel")] = heel
    return motion_of_joints(joints, np.arange(len(joints)) / 30.0, f"{clip}.mp4")
