"""How sure the solver is of each joint, from the curvature of its energy.

The inverse of the normal matrix is the covariance of the unknowns. Only its blocks on the diagonal are wanted; they
follow from one sweep forwards and one backwards over the band, without the rest of the inverse.
"""

from __future__ import annotations

import numpy as np

from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import Pose, point_jacobian
from pose_core.solve.sequence.arrow import NormalEquations
from pose_core.types import FloatArray


def marginal_covariances(equations: NormalEquations) -> FloatArray:
    """Covariance of each frame's unknowns, clip-wide unknowns held.

    Args:
        equations: normal equations at a minimum, positive definite.
    Returns:
        (T, D, D) diagonal blocks of the inverse of the band.
    Source: block-tridiagonal selected inversion (the Rauch-Tung-Striebel smoother's covariances); pairs of frames
        make the band of half-width two tridiagonal.
    """
    frames, unknowns = equations.gradient.shape
    pairs = (frames + 1) // 2
    diagonal, coupling = _pair_up(equations, pairs)
    inverses = np.empty_like(diagonal)
    reduced = diagonal[0]
    for k in range(pairs):
        inverses[k] = np.linalg.inv(reduced)
        if k + 1 < pairs:
            reduced = diagonal[k + 1] - coupling[k] @ inverses[k] @ coupling[k].T
            reduced = 0.5 * (reduced + reduced.T)
    covariances = np.empty_like(diagonal)
    covariances[-1] = inverses[-1]
    for k in range(pairs - 2, -1, -1):
        gain = inverses[k] @ coupling[k].T
        covariances[k] = inverses[k] + gain @ covariances[k + 1] @ gain.T
    out = np.empty((2 * pairs, unknowns, unknowns))
    out[::2] = covariances[:, :unknowns, :unknowns]
    out[1::2] = covariances[:, unknowns:, unknowns:]
    return out[:frames]


def joint_sigmas(pose: Pose, covariances: FloatArray) -> FloatArray:
    """One standard deviation of each joint's position, as the root of its mean variance over the three axes.

    Args:
        pose: T frames.
        covariances: (T, D, D) of the degrees of freedom.
    Returns:
        (T, joints) metres; the root's is that of its place in the world, all others' are relative to the root.
    """
    joints = list(range(BODY.joint_count))
    J = point_jacobian(pose, joints)
    J[:, 1:, :, :3] = 0.0
    variance = np.einsum("tpid,tde,tpie->tp", J, covariances, J, optimize=True) / 3.0
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _pair_up(e: NormalEquations, pairs: int) -> tuple[FloatArray, FloatArray]:
    """Diagonal (pairs, 2D, 2D) and lower (pairs - 1, 2D, 2D) blocks of frames taken two by two."""
    frames, D = e.gradient.shape
    odd = 2 * pairs - frames
    diagonal = np.concatenate([e.diagonal, np.broadcast_to(np.eye(D), (odd, D, D))])
    index = np.arange(D)
    diagonal = diagonal.copy()
    diagonal[:, index, index] += 1e-9
    near, far = (np.concatenate([blocks, np.zeros((odd, D, D))]) for blocks in (e.next, e.after_next))
    near[frames - 1 :], far[max(frames - 2, 0) :] = 0.0, 0.0
    on = np.zeros((pairs, 2 * D, 2 * D))
    on[:, :D, :D], on[:, D:, D:] = diagonal[::2], diagonal[1::2]
    on[:, D:, :D] = near[::2]
    on[:, :D, D:] = np.swapaxes(near[::2], 1, 2)
    off = np.zeros((max(pairs - 1, 0), 2 * D, 2 * D))
    off[:, :D, :D] = far[:-2:2]
    off[:, :D, D:] = near[1:-2:2]
    off[:, D:, D:] = far[1:-2:2]
    return on, off
