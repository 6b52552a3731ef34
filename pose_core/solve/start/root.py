"""Where the body is: the root's path through space from the 2D evidence, smoothness and planted feet.

All residuals are linear in the root's position once depth is known roughly, so the whole clip is one banded
least-squares problem, solved a few times while depth and robust weights settle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, solveh_banded

from pose_core.errors import InsufficientDataError
from pose_core.maths.frame_times import second_difference
from pose_core.types import FloatArray

_BLOCK = 3  # unknowns a frame
_LOWER = 3 * _BLOCK - 1  # sub-diagonals that a second difference couples


@dataclass(frozen=True)
class RootWeights:
    """How much each kind of evidence counts, as one standard deviation."""

    pixel_share: float = 0.02
    """Reprojection error, as a share of the person's height in the image."""
    acceleration_m_s2: float = 2.5
    """Acceleration of the body across the line of sight and, in x and y, along the image."""
    depth_acceleration_m_s2: float = 1.0
    """Acceleration along the line of sight, which the image shows worst."""
    contact_m: float = 0.004
    """Slip of a planted foot from one frame to the next, at 30 frames a second."""


def solve_root(
    offsets_m: FloatArray,
    xy_px: FloatArray,
    confidence: FloatArray,
    K: FloatArray,
    time_s: FloatArray,
    person_px: FloatArray,
    feet_m: FloatArray | None = None,
    contacts: FloatArray | None = None,
    smoothness: float = 1.0,
    weights: RootWeights | None = None,
    iterations: int = 6,
) -> FloatArray:
    """Position of the root in camera axes.

    Args:
        offsets_m: (T, J, 3) joints relative to the root, camera axes; NaN where unknown.
        xy_px: (T, J, 2) observed joints, pixels; NaN where unseen.
        confidence: (T, J) in [0, 1].
        K: (3, 3) intrinsics.
        time_s: (T,) strictly increasing.
        person_px: (T,) height of the person in the image, pixels; NaN where unseen.
        feet_m: (T, C, 3) contact points relative to the root, camera axes.
        contacts: (T, C) in [0, 1] how surely each point is planted.
        smoothness: multiplies the penalty on acceleration.
        weights: standard deviations of the terms.
        iterations: rounds of re-weighting.
    Returns:
        (T, 3) metres; z > 0.
    Raises:
        InsufficientDataError: no frame shows two joints.
    Source: linear projection equations f t_x - u t_z = u Z - f X (u from the principal point), Geman-McClure weights.
    """
    w = weights or RootWeights()
    seen = np.isfinite(xy_px[..., 0]) & np.isfinite(offsets_m[..., 0]) & (confidence > 0)
    if not np.any(np.sum(seen, axis=1) >= 2):
        raise InsufficientDataError(
            "No frame shows enough of the body to place it.", "Use a clip in which the person is visible."
        )
    focal = np.array([K[0, 0], K[1, 1]])
    uv = np.where(seen[..., None], xy_px - K[:2, 2], 0.0)
    X = np.where(seen[..., None], offsets_m, 0.0)
    sigma_px = w.pixel_share * np.where(np.isfinite(person_px), person_px, np.nanmedian(person_px))
    base = np.where(seen, confidence, 0.0) / sigma_px[:, None] ** 2
    depth = _rough_depth(X, uv, seen, focal, time_s)
    position = np.stack([np.zeros_like(depth), np.zeros_like(depth), depth], axis=1)
    anneal = np.geomspace(9.0, 2.0, iterations)  # robust scale in sigmas, shrinking
    robust = np.ones(seen.shape)
    for step in range(iterations):
        system = _BandedSystem(len(time_s))
        joint_depth = np.maximum(position[:, None, 2] + X[..., 2], 0.1)
        _add_reprojection(system, uv, X, focal, base * robust / joint_depth**2)
        if len(time_s) >= 3:
            _add_smoothness(system, time_s, w, smoothness)
        if feet_m is not None and contacts is not None and len(time_s) >= 2:
            _add_contacts(system, feet_m, contacts, time_s, w.contact_m)
        position = system.solve(position)
        position[:, 2] = np.maximum(position[:, 2], 0.2)
        projected = focal * (position[:, None, :2] + X[..., :2]) / np.maximum(position[:, None, 2:] + X[..., 2:], 0.1)
        residual = np.linalg.norm(projected - uv, axis=-1) / sigma_px[:, None]
        robust = 1.0 / (1.0 + (residual / anneal[step]) ** 2) ** 2
    return position


def _rough_depth(X: FloatArray, uv: FloatArray, seen: np.ndarray, focal: FloatArray, time_s: FloatArray) -> FloatArray:
    """Depth from the ratio of the body's size in space to its size in the image, seen joints only."""
    count = np.maximum(np.sum(seen, axis=1), 1)[:, None]
    s = seen[..., None]
    centred_X = np.where(s, X[..., :2] - (np.sum(X[..., :2] * s, axis=1) / count)[:, None], 0.0)
    centred_uv = np.where(s, uv - (np.sum(uv * s, axis=1) / count)[:, None], 0.0)
    size_m = np.linalg.norm(centred_X, axis=(1, 2))
    size_px = np.linalg.norm(centred_uv, axis=(1, 2))
    known = (np.sum(seen, axis=1) >= 2) & (size_px > 1.0) & (size_m > 1e-3)
    if not np.any(known):
        return np.full(len(time_s), 4.0)
    depth = float(np.mean(focal)) * size_m[known] / size_px[known]
    return np.asarray(np.interp(time_s, time_s[known], depth))


class _BandedSystem:
    """Normal equations of a sequence of 3-vectors, in scipy's lower banded form."""

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.band = np.zeros((_LOWER + 1, frames * _BLOCK))
        self.rhs = np.zeros(frames * _BLOCK)

    def add(self, later: np.ndarray, earlier: np.ndarray, blocks: FloatArray) -> None:
        """Add (N, 3, 3) blocks at (later, earlier) frames, later >= earlier; the upper half is implied."""
        for r in range(_BLOCK):
            for c in range(_BLOCK):
                rows, columns = later * _BLOCK + r, earlier * _BLOCK + c
                inside = rows >= columns
                np.add.at(self.band, ((rows - columns)[inside], columns[inside]), blocks[inside, r, c])

    def solve(self, around: FloatArray) -> FloatArray:
        """Solve; a faint pull towards `around` decides what no evidence does."""
        pull = 1e-6 * max(float(np.median(self.band[0])), 1e-9)
        self.band[0] += pull
        try:
            solution = solveh_banded(self.band, self.rhs + pull * around.ravel(), lower=True)
        except LinAlgError as error:
            raise InsufficientDataError(
                "The evidence is too contradictory to place the body.", "Check the focal length and the frame range."
            ) from error
        return np.asarray(solution.reshape(-1, _BLOCK))


def _add_reprojection(
    system: _BandedSystem, uv: FloatArray, X: FloatArray, focal: FloatArray, weight: FloatArray
) -> None:
    frames = np.arange(system.frames)
    normal = np.zeros((system.frames, 3, 3))
    rhs = np.zeros((system.frames, 3))
    for axis in range(2):
        row = np.zeros((*weight.shape, 3))
        row[..., axis] = focal[axis]
        row[..., 2] = -uv[..., axis]
        target = uv[..., axis] * X[..., 2] - focal[axis] * X[..., axis]
        normal += np.einsum("tj,tja,tjb->tab", weight, row, row)
        rhs += np.einsum("tj,tja,tj->ta", weight, row, target)
    system.add(frames, frames, normal)
    system.rhs += rhs.ravel()


def _add_smoothness(system: _BandedSystem, time_s: FloatArray, w: RootWeights, smoothness: float) -> None:
    coefficients, spans = second_difference(time_s)
    stiffness = np.array([w.acceleration_m_s2, w.acceleration_m_s2, w.depth_acceleration_m_s2]) ** -2.0
    # every frame of a 30 fps clip counts as one measurement, so the penalty is per 1/30 s as well
    per_frame = smoothness**2 * spans * 30.0
    for a in range(3):
        for b in range(a + 1):
            value = per_frame * coefficients[:, a] * coefficients[:, b]
            blocks = value[:, None, None] * np.diag(stiffness)
            first = np.arange(len(spans))
            system.add(first + a, first + b, blocks)


def _add_contacts(
    system: _BandedSystem, feet_m: FloatArray, contacts: FloatArray, time_s: FloatArray, sigma_m: float
) -> None:
    """Between two frames in which a point is planted, root plus foot offset stays where it was."""
    step = feet_m[1:] - feet_m[:-1]
    both = np.minimum(contacts[1:], contacts[:-1])
    both = np.where(np.all(np.isfinite(step), axis=-1), both, 0.0)
    step = np.where(both[..., None] > 0, step, 0.0)
    sigma = sigma_m * np.diff(time_s)[:, None] * 30.0
    weight = both / sigma**2
    total = np.sum(weight, axis=1)
    pull = np.einsum("tc,tci->ti", weight, step)
    blocks = total[:, None, None] * np.eye(3)
    first = np.arange(len(total))
    system.add(first, first, blocks)
    system.add(first + 1, first + 1, blocks)
    system.add(first + 1, first, -blocks)
    # || t1 - t0 + step ||^2: the gradient moves t1 by -step and t0 by +step
    rhs = system.rhs.reshape(-1, _BLOCK)
    rhs[1:] -= pull
    rhs[:-1] += pull
