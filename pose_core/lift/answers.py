"""What the lifter's further answers mean: classes of flexion, and what else of a body rests on something."""

from __future__ import annotations

import numpy as np

from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray

HINGES = ("left_knee", "right_knee", "left_elbow", "right_elbow")
"""Joints that bend one way only."""

BEND_EDGES_DEG = (10.0, 20.0, 30.0, 42.0, 56.0, 72.0, 90.0, 110.0, 130.0)
"""Flexion at which one class ends and the next begins; the first begins at 0, the last ends at 180."""

BEND_CENTRES_DEG = (5.0, 15.0, 25.0, 36.0, 49.0, 64.0, 81.0, 100.0, 120.0, 142.0)
"""A flexion that stands for each class."""

SUPPORTS = ("left_hand", "right_hand", "left_knee", "right_knee", "seat", "back")
"""What may rest on something beside the feet."""

CONTACT_MIRROR = np.array([2, 3, 0, 1])
SUPPORT_MIRROR = np.array([1, 0, 3, 2, 4, 5])
HINGE_MIRROR = np.array([1, 0, 3, 2])
"""Each on the other side, for `CONTACT_JOINTS`, `SUPPORTS` and `HINGES`."""

_TRIPLES = np.array(
    [CANONICAL.indices(f"{s}_hip", f"{s}_knee", f"{s}_ankle") for s in ("left", "right")]
    + [CANONICAL.indices(f"{s}_shoulder", f"{s}_elbow", f"{s}_wrist") for s in ("left", "right")]
)


def covariances(precision_factor: FloatArray) -> FloatArray:
    """(..., 3, 3) covariances of which the network's answers (..., 6) are factors.

    With A the lower triangular matrix of logs of its diagonal (x, y, z) and its entries yx, zx, zy, A times an error
    has unit covariance.
    """
    a, (yx, zx, zy) = np.exp(-precision_factor[..., :3]), np.moveaxis(precision_factor[..., 3:], -1, 0)
    x, y, z = np.moveaxis(a, -1, 0)
    inverse = np.zeros((*x.shape, 3, 3))
    inverse[..., 0, 0], inverse[..., 1, 1], inverse[..., 2, 2] = x, y, z
    inverse[..., 1, 0] = -yx * x * y
    inverse[..., 2, 1] = -zy * y * z
    inverse[..., 2, 0] = (yx * zy * y - zx) * x * z
    return np.asarray(inverse @ np.swapaxes(inverse, -1, -2))


def flexions(joints_m: FloatArray) -> FloatArray:
    """(..., 4) flexion of the `HINGES`, radians, 0 = straight; joints (..., J, 3)."""
    upper = joints_m[..., _TRIPLES[:, 1], :] - joints_m[..., _TRIPLES[:, 0], :]
    lower = joints_m[..., _TRIPLES[:, 2], :] - joints_m[..., _TRIPLES[:, 1], :]
    across = np.linalg.norm(np.cross(upper, lower), axis=-1)
    return np.asarray(np.arctan2(across, np.sum(upper * lower, axis=-1)))
