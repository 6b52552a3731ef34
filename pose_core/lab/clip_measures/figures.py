"""Figures of a solved motion against the truth of a clip: joints, knees, trunk, way through the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.metrics import acceleration_error, mpjpe, pa_mpjpe
from pose_core.maths.rotations import unit
from pose_core.motion_file import Motion
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray, IntArray

LIMBS = CANONICAL.indices(
    *(f"{s}_{n}" for s in ("left", "right") for n in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"))
)
STANDING_KNEE_DEG = 20.0
"""A knee that is bent less counts as standing."""
_LEAST_PATH_M = 0.5


@dataclass(frozen=True, eq=False)
class Solved:
    """A solved motion on the frames of a clip in which it has a pose, and the truth of the same frames."""

    time_s: FloatArray
    camera_m: FloatArray
    """(T, 24, 3) in camera axes."""
    world_m: FloatArray
    up_camera: FloatArray
    """(T, 3) up, as the solve has it."""
    true_camera_m: FloatArray
    true_world_m: FloatArray
    true_up_camera: FloatArray


def pair_up(
    motion: Motion, frames: IntArray, true_camera_m: FloatArray, true_world_m: FloatArray, T_world_camera: FloatArray
) -> Solved:
    """Bring a motion and the truth onto the same frames.

    Args:
        motion: solved.
        frames: (T,) frame of the clip of each of its frames.
        true_camera_m, true_world_m: (V, 24, 3) of all frames of the clip.
        T_world_camera: (V, 4, 4) the true camera.
    """
    order = [motion.joint_names.index(name) for name in CANONICAL.names]
    use = motion.valid & (frames < len(true_camera_m))
    at = frames[use]
    T = np.broadcast_to(motion.T_world_camera, (len(use), 4, 4))[use]
    return Solved(
        motion.timestamps_s[use],
        motion.joints_camera_m[use][:, order],
        motion.joints_world_m[use][:, order],
        T[:, 2, :3],
        true_camera_m[at],
        true_world_m[at],
        T_world_camera[at][:, 2, :3],
    )


def knee_flexion_deg(joints_m: FloatArray) -> FloatArray:
    """(T, 2) bend of the left and the right knee, 0 = straight."""
    out = []
    for side in ("left", "right"):
        hip, knee, ankle = (joints_m[:, CANONICAL.index(f"{side}_{n}")] for n in ("hip", "knee", "ankle"))
        cosine = np.sum(unit(knee - hip) * unit(ankle - knee), axis=-1)
        out.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return np.stack(out, axis=-1)


def trunk_lean_deg(camera_m: FloatArray, up_camera: FloatArray) -> FloatArray:
    """(T,) how far the trunk leans along the view, away from the camera positive.

    Args:
        camera_m: (T, 24, 3) in camera axes.
        up_camera: (T, 3) or (3,) up in camera axes; the same for what is compared.
    """
    hips = camera_m[:, CANONICAL.indices("left_hip", "right_hip")].mean(axis=1)
    trunk = camera_m[:, CANONICAL.indices("left_shoulder", "right_shoulder")].mean(axis=1) - hips
    view = unit(hips)
    up = np.broadcast_to(up_camera, view.shape)
    square = unit(up - view * np.sum(up * view, axis=-1, keepdims=True))
    return np.asarray(np.degrees(np.arctan2(np.sum(trunk * view, axis=-1), np.sum(trunk * square, axis=-1))))


def path_error(world_m: FloatArray, true_world_m: FloatArray) -> tuple[float, float]:
    """How far the pelvis is from its true way, after a turn about the vertical and a shift.

    Returns:
        Mean distance in metres, and in shares of the way's length; NaN for people who stay where they are.
    """
    ours, truth = world_m[:, 0] - world_m[:, 0].mean(axis=0), true_world_m[:, 0] - true_world_m[:, 0].mean(axis=0)
    cross = np.sum(ours[:, 0] * truth[:, 1] - ours[:, 1] * truth[:, 0])
    angle = np.arctan2(cross, np.sum(ours[:, :2] * truth[:, :2]))
    c, s = np.cos(angle), np.sin(angle)
    ours = ours @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    error = float(np.linalg.norm(ours - truth, axis=-1).mean())
    length = float(np.linalg.norm(np.diff(truth[:, :2], axis=0), axis=-1).sum())
    return error, error / length if length >= _LEAST_PATH_M else float("nan")


def figures_of(solved: Solved) -> dict[str, float]:
    """All figures; NaN where there is nothing to tell."""
    ours, truth = (j - j[:, :1] for j in (solved.camera_m, solved.true_camera_m))
    ours, truth = ours[:, LIMBS], truth[:, LIMBS]
    bend, true_bend = knee_flexion_deg(solved.camera_m), knee_flexion_deg(solved.true_camera_m)
    standing = true_bend < STANDING_KNEE_DEG
    lean = trunk_lean_deg(solved.camera_m, solved.true_up_camera)
    lean_error = (lean - trunk_lean_deg(solved.true_camera_m, solved.true_up_camera) + 180) % 360 - 180
    tilt = np.sum(unit(solved.up_camera) * unit(solved.true_up_camera), axis=-1)
    far, share = path_error(solved.world_m, solved.true_world_m)
    depth = np.abs(ours - truth).mean(axis=(0, 1))
    return {
        "mpjpe_mm": 1000 * mpjpe(ours, truth, None),
        "pa_mpjpe_mm": 1000 * pa_mpjpe(ours, truth),
        "acceleration": acceleration_error(ours, truth, solved.time_s, None),
        "across_mm": 1000 * float(depth[0]),
        "up_mm": 1000 * float(depth[1]),
        "view_mm": 1000 * float(depth[2]),
        "knee_bias_deg": float(np.mean(bend - true_bend)),
        "standing_bias_deg": float(np.mean((bend - true_bend)[standing])) if standing.any() else float("nan"),
        "standing_share": float(np.mean(bend[standing] < STANDING_KNEE_DEG)) if standing.any() else float("nan"),
        "standing_knees": float(standing.sum()),
        "lean_deg": float(np.mean(lean_error)),
        "lean_abs_deg": float(np.mean(np.abs(lean_error))),
        "up_error_deg": float(np.median(np.degrees(np.arccos(np.clip(tilt, -1.0, 1.0))))),
        "path_cm": 100 * far,
        "path_share": share,
    }
