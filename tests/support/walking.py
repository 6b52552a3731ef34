"""A person who walks, as a motion."""

import numpy as np

from pose_core.maths.axes import camera_rotation
from pose_core.maths.cameras import camera_matrix, invert_rigid, rigid_transform, transform_points
from pose_core.maths.rotations import continuous_quaternions, matrix_to_quaternion, rotation_vector_to_matrix
from pose_core.motion_file import Motion
from pose_core.skeletons import CANONICAL, keypoint_set, rest_offsets_from_lengths
from pose_core.skeletons.canonical import stature_lengths
from tests.support.synthetic import IMAGE_SIZE, walking_rotations


def walking_motion(
    frames: int = 60, fps: float = 30.0, height_m: float = 1.75, missing: tuple[int, int] | None = None
) -> Motion:
    """A walk on a slow turn; frames in the half-open range `missing` carry no pose."""
    R = walking_rotations(frames, fps)
    heading = rotation_vector_to_matrix(np.outer(np.arange(frames) / fps * 0.4, [0.0, 0.0, 1.0]))
    R[:, 0] = heading @ R[:, 0]
    root = np.zeros((frames, 3))
    root[:, 1] = -0.8 * np.arange(frames) / fps
    root[:, 2] = 0.55 * height_m
    return motion_from_rotations(R, root, np.arange(frames) / fps, height_m, missing)


def motion_from_rotations(
    R_local: np.ndarray,
    root_m: np.ndarray,
    time_s: np.ndarray,
    height_m: float = 1.75,
    missing: tuple[int, int] | None = None,
) -> Motion:
    """A motion from local rotations (T, J, 3, 3) and root positions (T, 3), filmed by a level camera."""
    rest = rest_offsets_from_lengths(stature_lengths(height_m))
    frames = len(time_s)
    joints, _ = CANONICAL.forward_kinematics(R_local, rest, root_m)
    q = continuous_quaternions(matrix_to_quaternion(R_local))
    T_world_camera = rigid_transform(camera_rotation(0.0, 0.0), np.array([0.0, -6.0, 1.0]))
    camera = transform_points(invert_rigid(T_world_camera), joints)
    root = np.array(root_m, dtype=np.float64)
    if missing is not None:
        for values in (joints, camera, q, root):
            values[missing[0] : missing[1]] = np.nan
    names = keypoint_set("blazepose33").keypoints
    return Motion(
        joint_names=CANONICAL.names,
        parents=CANONICAL.parents,
        timestamps_s=np.asarray(time_s, dtype=np.float64),
        rest_offsets_m=rest,
        rotations_wxyz=q,
        root_translation_m=root,
        joints_world_m=joints,
        joints_camera_m=camera,
        keypoint_names=names,
        keypoints_px=np.full((frames, len(names), 2), np.nan),
        keypoint_confidence=np.zeros((frames, len(names))),
        reprojection_error_px=np.full((frames, len(names)), np.nan),
        joint_sigma_m=np.full(joints.shape[:2], 0.02),
        contacts=np.zeros((frames, 4)),
        camera_matrix=camera_matrix(1400.0, IMAGE_SIZE),
        T_world_camera=T_world_camera,
        image_size=IMAGE_SIZE,
        person_id=1,
        source="synthetic.mp4",
        diagnostics={"made_by": "tests"},
    )
