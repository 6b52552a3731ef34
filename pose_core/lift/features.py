"""What the temporal lifter sees: 2D joints as a virtual camera that always looks at the person would see them.

Training and inference both come through here, so that the network meets in use what it was trained on.
Everything works on arrays with leading batch axes and in numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pose_core.skeletons import CANONICAL
from pose_core.types import BoolArray, FloatArray, IntArray

FRAMES_PER_S = 30.0
"""The rate the network works at."""

_LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
_ENDS = ("heel", "toe", "hand")

# Joints of the trunk are mixtures of hips and shoulders in nearly every keypoint set: they would tell nothing new.
INPUT_NAMES: tuple[str, ...] = (
    "head", "nose",
    *(f"{side}_{name}" for name in (*_LIMBS, *_ENDS) for side in ("left", "right")),
)  # fmt: skip
"""The canonical joints that the network sees, left and right alternating."""

INPUT_JOINTS: IntArray = np.array(CANONICAL.indices(*INPUT_NAMES))
"""(I,) their indices in the canonical skeleton."""

INPUT_MIRROR: IntArray = np.array(
    [INPUT_NAMES.index(CANONICAL.names[CANONICAL.mirror[CANONICAL.index(name)]]) for name in INPUT_NAMES]
)
"""(I,) index of the input on the other side."""

FEATURE_COUNT = 3 * len(INPUT_NAMES) + 3
"""x, y and confidence of every input joint; direction (2) and log size (1) of the person in the camera's view."""

# The person's extent is measured on joints that every keypoint set has.
_BOX_INPUTS = np.array([i for i, name in enumerate(INPUT_NAMES) if name.rpartition("_")[2] not in _ENDS])
_BOX_CONFIDENCE = 0.05
_BOX_JOINTS = 4

_SMOOTHING_FRAMES = 9.0
"""Standard deviation of the smoothing of direction and size, frames: the virtual camera follows the person calmly."""
_LEAST_SIZE = 1e-3


@dataclass(frozen=True, eq=False)
class LifterInput:
    """Network input, and the way back from its answer."""

    features: NDArray[np.float32]
    """(..., T, FEATURE_COUNT)."""
    R_virtual_camera: FloatArray
    """(..., T, 3, 3) turns camera axes into those of the virtual camera of each frame."""
    size: FloatArray
    """(..., T) extent of the person as the tangent of an angle."""


def make_features(rays: FloatArray, confidence: FloatArray) -> LifterInput | None:
    """Features of sequences of 2D joints, one sequence at a time step of 1 / FRAMES_PER_S.

    Args:
        rays: (..., T, I, 2) x / z and y / z of the input joints in camera axes; any value where confidence is 0.
        confidence: (..., T, I) in [0, 1].
    Returns:
        The features, or None if a sequence has not a single frame with enough joints to say where the person is.
    """
    seen = confidence > 0
    rays = np.where(seen[..., None], rays, 0.0)
    placed = _place_person(rays, confidence)
    if placed is None:
        return None
    centre, size = placed
    R = rotations_to_axis(centre)
    turned = rays @ np.swapaxes(R[..., :2], -1, -2) + R[..., None, :, 2]
    # joints more than 80 degrees off the person's middle are no use and would blow up the division
    flat = turned[..., :2] / np.maximum(turned[..., 2:], 0.17)
    xy = np.clip(2.0 * flat / size[..., None, None], -4.0, 4.0)
    joints = np.concatenate([np.where(seen[..., None], xy, 0.0), confidence[..., None]], axis=-1)
    whole = np.concatenate([centre, np.log(size)[..., None]], axis=-1)
    features = np.concatenate([joints.reshape(*joints.shape[:-2], -1), whole], axis=-1)
    return LifterInput(features.astype(np.float32), R, size)


def mirror_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features of the same scene seen in a mirror, left and right exchanged."""
    joints = features[..., :-3].reshape(*features.shape[:-1], len(INPUT_NAMES), 3)
    joints = joints[..., INPUT_MIRROR, :] * np.array([-1, 1, 1], dtype=np.float32)
    whole = features[..., -3:] * np.array([-1, 1, 1], dtype=np.float32)
    return np.concatenate([joints.reshape(*features.shape[:-1], -1), whole], axis=-1)


def rotations_to_axis(direction: FloatArray) -> FloatArray:
    """Smallest rotations that turn rays onto the optical axis.

    Args:
        direction: (..., 2) x / z and y / z.
    Returns:
        (..., 3, 3).
    Source: Rodrigues' formula with axis d x z, where d is the unit ray.
    """
    norm = np.sqrt(1.0 + np.sum(direction**2, axis=-1))
    x, y, z = direction[..., 0] / norm, direction[..., 1] / norm, 1.0 / norm
    k = 1.0 / (1.0 + z)
    rows = [[1 - k * x * x, -k * x * y, -x], [-k * x * y, 1 - k * y * y, -y], [x, y, z]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _place_person(rays: FloatArray, confidence: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Calm direction (..., T, 2) and size (..., T) of the person."""
    used = confidence[..., _BOX_INPUTS] >= _BOX_CONFIDENCE
    points = rays[..., _BOX_INPUTS, :]
    low = np.min(np.where(used[..., None], points, np.inf), axis=-2)
    high = np.max(np.where(used[..., None], points, -np.inf), axis=-2)
    known = np.sum(used, axis=-1) >= _BOX_JOINTS
    if not np.all(np.any(known, axis=-1)):
        return None
    with np.errstate(invalid="ignore"):
        extent = np.where(known[..., None], high - low, 1.0)
        centre = np.where(known[..., None], (high + low) / 2, 0.0)
    log_size = np.log(np.maximum(np.max(extent, axis=-1), _LEAST_SIZE))
    box = _fill(np.concatenate([centre, log_size[..., None]], axis=-1), known)
    box = _smooth(box)
    return box[..., :2], np.exp(box[..., 2])


def _fill(values: FloatArray, known: BoolArray) -> FloatArray:
    """Linear interpolation over time where unknown: values (..., T, C), known (..., T)."""
    if np.all(known):
        return values
    out = values.copy()
    frames = np.arange(values.shape[-2])
    for index in np.ndindex(*known.shape[:-1]):
        at = np.flatnonzero(known[index])
        if len(at) < len(frames):
            for c in range(values.shape[-1]):
                out[(*index, slice(None), c)] = np.interp(frames, at, values[(*index, at, c)])
    return out


def _smooth(values: FloatArray) -> FloatArray:
    """Gaussian smoothing over time with the ends held: (..., T, C)."""
    reach = round(3 * _SMOOTHING_FRAMES)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTHING_FRAMES) ** 2)
    kernel /= kernel.sum()
    frames = values.shape[-2]
    padding = [(0, 0)] * (values.ndim - 2) + [(reach, reach), (0, 0)]
    padded = np.pad(values, padding, mode="edge")
    out = np.zeros_like(values)
    for shift, weight in enumerate(kernel):
        out += weight * padded[..., shift : shift + frames, :]
    return out
