"""How usual a pose is, by a mixture of probabilistic principal component analysers over recorded poses.

Off the planes of usual poses the density falls like an isotropic Gaussian. Pulling every joint towards the nearest
usual pose, with the strength of that Gaussian, has the exact gradient and a matrix that is never too weak; it needs no
coupling between joints. (It is one step of expectation maximisation with the coefficients on the plane held.)
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from pose_core.lab.pose_prior.prior import PosePrior, flatten, log_sum_exp, read_pose_prior
from pose_core.types import FloatArray

_WEIGHTS = Path(__file__).resolve().parents[1] / "weights" / "pose_prior.npz"

# Other models mean other places by a joint's name, and bodies differ from the 1.70 m of the model: metres.
_SPREAD_M = 0.04


@cache
def default_prior() -> PosePrior:
    """The model in the package, its noise widened for other bodies and other ideas of a joint."""
    prior = read_pose_prior(_WEIGHTS)
    return replace(prior, noise_m=np.hypot(prior.noise_m, _SPREAD_M))


def unlikeliness(poses_m: FloatArray, prior: PosePrior) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Negative log density of poses above that of the most usual one.

    Args:
        poses_m: (T, J, 3) in the form of the model: see `normalise_poses`.
        prior: M components.
    Returns:
        cost (T,) >= 0; gradient (T, J, 3) by the poses; weight (T,) of the isotropic matrix that bounds the curvature.
    """
    likelihoods = prior.component_log_likelihoods(poses_m)
    total = log_sum_exp(likelihoods)
    share = np.exp(likelihoods - total[:, None])
    gradient, weight = np.zeros_like(poses_m), np.zeros(len(poses_m))
    for m in range(len(prior)):
        variance = prior.noise_m[m] ** 2
        W = flatten(prior.basis_m[m]).T
        off = flatten(poses_m) - flatten(prior.mean_m[m][None])
        small = W.T @ W + variance * np.eye(W.shape[1])
        beside = off - np.linalg.solve(small, (off @ W).T).T @ W.T
        gradient[:, 1:] += (share[:, m, None] * beside / variance).reshape(len(poses_m), -1, 3)
        weight += share[:, m] / variance
    peaks = prior.component_log_likelihoods(prior.mean_m)
    return np.asarray(float(np.max(log_sum_exp(peaks))) - total), gradient, weight
