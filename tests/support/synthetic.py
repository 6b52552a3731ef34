"""Known motion seen by a known camera: truth for tests of lifting, solving and retargeting."""

from dataclasses import dataclass

import numpy as np

from pose_core.maths.axes import camera_rotation
from pose_core.maths.cameras import (
    camera_matrix,
    default_focal_px,
    invert_rigid,
    project_points,
    rigid_transform,
    transform_points,
)
from pose_core.maths.rotations import rotation_vector_to_matrix
from pose_core.skeletons import CANONICAL, joint_mapping, keypoint_set, rest_offsets_from_lengths
from pose_core.skeletons.canonical import stature_lengths
from pose_core.types import FloatArray, KeypointTrack

IMAGE_SIZE = (1280, 720)


@dataclass(frozen=True, eq=False)
class Scene:
    """A track as a 2D model would report it, and the truth behind it."""

    track: KeypointTrack
    joints_camera_m: FloatArray
    K: FloatArray
    R_world_camera: FloatArray


def walking_rotations(frames: int, fps: float = 30.0) -> FloatArray:
    """(T, J, 3, 3) local rotations of a plain walk on the spot: legs swing and bend, arms counter, trunk sways."""
    phase = 2 * np.pi * 0.9 * np.arange(frames) / fps
    vectors = np.zeros((frames, len(CANONICAL), 3))
    vectors[:, CANONICAL.index("pelvis"), 2] = 0.1 * np.sin(phase)
    vectors[:, CANONICAL.index("chest"), 2] = -0.2 * np.sin(phase)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = sign * np.sin(phase)
        vectors[:, CANONICAL.index(f"{side}_hip"), 0] = -0.45 * swing
        vectors[:, CANONICAL.index(f"{side}_knee"), 0] = 0.35 - 0.3 * sign * np.cos(phase)
        vectors[:, CANONICAL.index(f"{side}_shoulder"), 1] = sign * (1.25 + 0.05 * swing)
        vectors[:, CANONICAL.index(f"{side}_shoulder"), 2] = -0.3 * swing
        vectors[:, CANONICAL.index(f"{side}_elbow"), 2] = -sign * (0.5 - 0.2 * swing)
    return rotation_vector_to_matrix(vectors)


def walking_joints(frames: int, height_m: float = 1.75, heading_rad: float = 0.6, fps: float = 30.0) -> FloatArray:
    """(T, J, 3) a walk in the world, Z up, metres, turned by a heading and drifting forward."""
    root = np.zeros((frames, 3))
    root[:, 2] = 0.54 * height_m
    root[:, 1] = -0.2 * np.arange(frames) / fps
    rotations = walking_rotations(frames, fps)
    turn = rotation_vector_to_matrix(np.array([0.0, 0.0, heading_rad]))
    rotations[:, 0] = turn @ rotations[:, 0]
    lengths = stature_lengths(height_m)
    joints, _ = CANONICAL.forward_kinematics(rotations, rest_offsets_from_lengths(lengths), root @ turn.T)
    return joints


def observe(
    joints_world_m: FloatArray,
    *,
    set_name: str = "blazepose33",
    pitch_deg: float = -8.0,
    roll_deg: float = 0.0,
    distance_m: float = 5.0,
    noise_px: float = 0.0,
    noise_m: float = 0.0,
    seed: int = 0,
    fps: float = 30.0,
) -> Scene:
    """Film joints with a static camera and report them as keypoints of a model, with its own 3D if it has one."""
    rng = np.random.default_rng(seed)
    R = camera_rotation(np.radians(pitch_deg), np.radians(roll_deg))
    centre = joints_world_m[:, 0].mean(axis=0)
    T_world_camera = rigid_transform(R, centre - R[:, 2] * distance_m)
    camera = transform_points(invert_rigid(T_world_camera), joints_world_m)
    K = camera_matrix(default_focal_px(IMAGE_SIZE), IMAGE_SIZE)
    points_3d = keypoints_from_joints(camera - camera[:, :1], set_name)
    xy = project_points(keypoints_from_joints(camera, set_name), K)
    xy = xy + rng.normal(0, noise_px, xy.shape)
    model_joints = points_3d + rng.normal(0, noise_m, points_3d.shape) if set_name == "blazepose33" else None
    confidence = np.where(np.isfinite(xy[..., 0]), 0.9, 0.0)
    frames = len(xy)
    boxes = np.concatenate([np.nanmin(xy, axis=1), np.nanmax(xy, axis=1)], axis=1)
    track = KeypointTrack(
        1, set_name, np.arange(frames) / fps, np.arange(frames), xy, confidence, IMAGE_SIZE, boxes, model_joints
    )
    return Scene(track, camera, K, R)


def keypoints_from_joints(joints: FloatArray, set_name: str) -> FloatArray:
    """Keypoints whose canonical joints are the given ones; NaN for keypoints no joint depends on."""
    mapping = joint_mapping(set_name)
    names = keypoint_set(set_name).keypoints
    out = np.full((*joints.shape[:-2], len(names), 3), np.nan)
    for k, name in enumerate(names):
        side, _, part = name.rpartition("_")
        if name in CANONICAL.names:
            out[..., k, :] = joints[..., CANONICAL.index(name), :]
        elif part == "ear":
            out[..., k, :] = joints[..., CANONICAL.index("head"), :]
        elif part in {"index", "pinky"} and side in {"left", "right"}:
            out[..., k, :] = joints[..., CANONICAL.index(f"{side}_hand"), :]
        elif name.endswith("_foot_index"):
            heel = joints[..., CANONICAL.index(f"{name[: name.index('_')]}_heel"), :]
            toe = joints[..., CANONICAL.index(f"{name[: name.index('_')]}_toe"), :]
            share = mapping.weights[CANONICAL.index(f"{name[: name.index('_')]}_toe"), k]
            out[..., k, :] = heel + (toe - heel) / share
    return out
