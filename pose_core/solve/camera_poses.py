"""Cameras whose place in the world is given, standing or moving."""

from __future__ import annotations

import numpy as np

from pose_core.errors import ConfigError
from pose_core.types import FloatArray, IntArray
from pose_core.untrusted.arrays import is_npy, read_npy, read_npz, require_kinds
from pose_core.untrusted.text import shortened

_HINT = "Give a .npy file, or a .npz with `T_world_camera`: (4, 4), or (T, 4, 4) with one for every frame of the video."
_RIGID_TOLERANCE = 1e-3
_WHAT, _KEY = "the camera file", "T_world_camera"


def read_camera_poses(path: str) -> FloatArray:
    """Read `T_world_camera` from a NumPy file: (4, 4), or (T, 4, 4) with one for every frame of the video.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    try:
        bare = is_npy(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"The camera file '{path}' cannot be read ({shortened(error)}).", _HINT) from error
    content = {_KEY: read_npy(path, _WHAT, ConfigError, _HINT)} if bare else read_npz(path, _WHAT, ConfigError, _HINT)
    if _KEY not in content:
        raise ConfigError(f"The camera file '{path}' has no '{_KEY}'.", _HINT)
    require_kinds(content, {_KEY: "fiu"}, f"the camera file '{path}'", ConfigError, _HINT)
    return np.asarray(content[_KEY], dtype=np.float64)


def check_camera_file(path: str) -> None:
    """Refuse a file that can serve no video, before anything of the video is looked at.

    Raises:
        ConfigError: it cannot be read, or holds something else than poses.
    """
    T_world_camera = read_camera_poses(path)
    alone = T_world_camera.ndim == 2
    poses_of_frames(T_world_camera, np.zeros(1 if alone else 0, dtype=np.int64))


def poses_of_frames(T_world_camera: FloatArray, frame_indices: IntArray) -> FloatArray:
    """The camera of each frame.

    Args:
        T_world_camera: (4, 4), or (V, 4, 4) with one for every frame of the video.
        frame_indices: (T,) which frames of the video are meant.
    Returns:
        (T, 4, 4).
    Raises:
        ConfigError: another shape, not enough of them, or no rigid transform.
    """
    T = np.asarray(T_world_camera, dtype=np.float64)
    if T.ndim not in (2, 3) or T.shape[-2:] != (4, 4):
        raise ConfigError(f"Camera poses must have shape (4, 4) or (frames, 4, 4), but have {T.shape}.", _HINT)
    if T.ndim == 2:
        T = np.broadcast_to(T, (len(frame_indices), 4, 4))
    elif len(frame_indices) and int(np.max(frame_indices)) >= len(T):
        raise ConfigError(f"Camera poses of {int(np.max(frame_indices)) + 1} frames are needed, but {len(T)} came.",
                          _HINT)  # fmt: skip
    else:
        T = T[frame_indices]
    R = T[:, :3, :3]
    off = np.abs(np.swapaxes(R, -1, -2) @ R - np.eye(3))
    rigid = np.all(np.isfinite(T)) and np.max(off, initial=0.0) < _RIGID_TOLERANCE and np.all(np.linalg.det(R) > 0)
    if not rigid or not np.allclose(T[:, 3], [0.0, 0.0, 0.0, 1.0]):
        raise ConfigError("Camera poses must be rigid transforms: rotation and position, no scale, no mirror.", _HINT)
    return np.asarray(T)
