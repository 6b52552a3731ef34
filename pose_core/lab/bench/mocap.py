"""Real motion capture as motions, with the contacts that the product would find in it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from pose_core.maths.rotations import matrix_to_quaternion, quaternion_to_matrix, unit
from pose_core.motion_file import Motion
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS, rest_offsets_from_lengths
from pose_core.skeletons.canonical import stature_lengths
from pose_core.solve.ground.contacts import detect_contacts
from pose_core.solve.start.orientation import local_rotations, rotations_from_joints
from pose_core.types import BoolArray, FloatArray

MOCAP_RATE = 30.0
"""Frames a second of the files."""


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


def mocap_motion(path: Path, clip: str, start: int = 0, frames: int | None = None, rate: float = MOCAP_RATE) -> Motion:
    """A clip of a motion-capture file as a motion: its rotations, with the clip's median bone lengths.

    Args:
        path: an `.npz` of the training motion capture.
        clip: name of the clip.
        start: first frame.
        frames: how many; None = to the end.
        rate: frames a second that the motion gets, by cubic interpolation where the file has others.
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
    times = np.arange(len(joints)) / MOCAP_RATE
    if rate != MOCAP_RATE:
        wanted = np.arange(times[0], times[-1] + 1e-9, 1.0 / rate)
        joints, times = CubicSpline(times, joints)(wanted), wanted
    return motion_of_joints(joints, times, f"{clip}.mp4")
