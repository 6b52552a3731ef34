"""Joints outside of the picture: no pixel shows them, so they are guesses, whatever the networks say of them."""

from __future__ import annotations

import numpy as np

from pose_core.maths.cameras import project_points
from pose_core.skeletons import Skeleton
from pose_core.types import BoolArray, FloatArray

MARGIN = 0.02
"""Share of the picture's longer side by which a joint must be outside: estimates are off by as much."""
REACH_SHARE = 0.5
"""Standard deviation of a joint that may be anywhere within reach, as a share of that reach."""

LIMBS = {
    "legs": ("left_knee", "right_knee", "left_ankle", "right_ankle"),
    "left leg": ("left_knee", "left_ankle"),
    "right leg": ("right_knee", "right_ankle"),
    "left arm": ("left_elbow", "left_wrist"),
    "right arm": ("right_elbow", "right_wrist"),
}
"""What a user calls the joints that leave the picture; the first that fits is told."""
MOSTLY = 0.5
"""Share of the frames from which a limb counts as out of the picture."""


def inside_picture(joints_camera_m: FloatArray, K: FloatArray, image_size: tuple[int, int]) -> BoolArray:
    """Whether each joint can be seen by the camera at all.

    Args:
        joints_camera_m: (T, J, 3) camera axes; NaN without a pose, which counts as inside.
        K: (3, 3) intrinsics, pixels.
        image_size: (width, height).
    Returns:
        (T, J).
    """
    xy = project_points(joints_camera_m, K)
    margin = MARGIN * max(image_size)
    low, high = -margin, np.array(image_size, dtype=np.float64) + margin
    outside = np.any((xy < low) | (xy > high), axis=-1) | (joints_camera_m[..., 2] <= 0)
    return np.asarray(~outside)


def sigma_outside(sigma_m: FloatArray, inside: BoolArray, bone_lengths_m: FloatArray, tree: Skeleton) -> FloatArray:
    """Sigmas with what is not known of joints outside of the picture: they may be anywhere within reach.

    Args:
        sigma_m: (T, J).
        inside: (T, J).
        bone_lengths_m: (J,) distance of each joint from its parent.
        tree: the joints.
    Returns:
        (T, J), the same where a joint is inside.
    """
    reach = np.zeros_like(sigma_m)
    for joint, parent in enumerate(tree.parents):
        if parent >= 0:
            reach[:, joint] = np.where(inside[:, joint], 0.0, reach[:, parent] + bone_lengths_m[joint])
    return np.asarray(np.hypot(sigma_m, REACH_SHARE * reach))


def limbs_outside(inside: BoolArray, names: tuple[str, ...], share: float = MOSTLY) -> dict[str, int]:
    """Limbs of which nothing is seen in more than a share of the frames.

    Args:
        inside: (T, J) of frames with a pose.
        names: (J,) joints.
        share: of the frames.
    Returns:
        Limb to number of frames; both legs count as one where both are outside.
    """
    found: dict[str, int] = {}
    for limb, joints in LIMBS.items():
        at = [names.index(name) for name in joints]
        count = int(np.sum(~np.any(inside[:, at], axis=1)))
        if count > share * len(inside) and not (limb.endswith("leg") and "legs" in found):
            found[limb] = count
    return found
