"""The walk of the sample clip as a motion, as long as one likes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pose_core.maths.rotations import matrix_to_quaternion, quaternion_to_matrix
from pose_core.motion_file import Motion
from pose_core.skeletons import CANONICAL, rest_offsets_from_lengths
from pose_core.solve.start.orientation import local_rotations, rotations_from_joints

TRUTH = Path(__file__).resolve().parents[2] / "samples" / "mannequin_walk_truth.npz"
_CONTACTS = ("left_heel", "left_toe", "right_heel", "right_toe")
# A foot slower and lower than this stands.
_STILL_M_S, _LOW_M = 0.3, 0.05


def sample_motion(frames: int | None = None) -> Motion:
    """The true joints of the clip, with contacts by height and speed.

    Args:
        frames: how many; beyond the clip's end it is played back and forth. None = the clip.
    """
    with np.load(TRUTH, allow_pickle=False) as data:
        joints, times = data["joints_world_m"], data["timestamps_s"]
        names = [str(name) for name in data["joint_names"]]
    T = len(times) if frames is None else frames
    there_and_back = np.concatenate([np.arange(len(joints)), np.arange(len(joints) - 2, 0, -1)])
    joints = joints[np.resize(there_and_back, T)][:, [names.index(name) for name in CANONICAL.names]]
    times = times[0] + np.arange(T) * (times[-1] - times[0]) / (len(times) - 1)
    parents = np.maximum(CANONICAL.parents, 0)
    offsets = rest_offsets_from_lengths(np.median(np.linalg.norm(joints - joints[:, parents], axis=-1), axis=0))
    q = matrix_to_quaternion(local_rotations(rotations_from_joints(joints, times)))
    joints, _ = CANONICAL.forward_kinematics(quaternion_to_matrix(q), offsets, joints[:, 0])
    feet = joints[:, [CANONICAL.index(name) for name in _CONTACTS]]
    speed = np.linalg.norm(np.gradient(feet, times, axis=0), axis=-1) if T > 1 else np.zeros((T, 4))
    low = feet[..., 2] < np.min(feet[..., 2], axis=0) + _LOW_M
    return Motion(
        joint_names=CANONICAL.names,
        parents=CANONICAL.parents,
        timestamps_s=times,
        rest_offsets_m=offsets,
        rotations_wxyz=q,
        root_translation_m=joints[:, 0],
        joints_world_m=joints,
        joints_camera_m=joints.copy(),
        keypoint_names=("nose",),
        keypoints_px=np.full((T, 1, 2), np.nan),
        keypoint_confidence=np.zeros((T, 1)),
        reprojection_error_px=np.full((T, 1), np.nan),
        joint_sigma_m=np.full((T, len(CANONICAL)), 0.01),
        contacts=((speed < _STILL_M_S) & low).astype(np.float64),
        camera_matrix=np.array([[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]]),
        T_world_camera=np.eye(4),
        image_size=(1000, 1000),
        person_id=1,
        source="sample.mp4",
    )
