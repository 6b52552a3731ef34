"""Learning the mixture of PPCA from poses by expectation maximisation."""

from __future__ import annotations

import numpy as np

from pose_core.errors import InsufficientDataError
from pose_core.lab.pose_prior.prior import PosePrior, flatten, log_sum_exp, unflatten
from pose_core.types import FloatArray, IntArray

# Noise below this would let a component shut itself in on a few equal poses.
_LEAST_NOISE_M = 0.003


def fit_pose_prior(
    poses_m: FloatArray,
    components: int,
    dimensions: int,
    seed: int,
    *,
    iterations: int = 60,
    tolerance: float = 1e-4,
) -> tuple[PosePrior, list[float]]:
    """Learn a mixture from poses.

    Args:
        poses_m: (N, J, 3) normalised poses.
        components: number of Gaussians M.
        dimensions: directions Q of each.
        seed: of the first guess; the same seed gives the same model.
        iterations: at most.
        tolerance: end once the mean log-likelihood rises by less.
    Returns:
        The model, and the mean log-likelihood of a pose before every step and after the last; it never falls.
    Raises:
        InsufficientDataError: fewer poses than a component has unknowns.
    Source: Tipping & Bishop 1999, sections 3.2 and 4.3: posterior of the components, then each component's maximum in
        closed form by the eigenvectors of its weighted covariance; the noise is held above a small floor.
    """
    x = flatten(poses_m)
    count, d = x.shape
    if count < components * (dimensions + 2) or not 1 <= dimensions < d:
        raise InsufficientDataError(
            f"{count} poses are too few for {components} components of {dimensions} directions.",
            "Give more motion, or ask for fewer components.",
        )
    labels = _first_labels(x, components, np.random.default_rng(seed))
    responsibility = np.eye(components)[labels]
    prior = _maximise(x, responsibility, dimensions, None)
    history: list[float] = []
    for _ in range(iterations):
        joint = prior.component_log_likelihoods(poses_m)
        total = log_sum_exp(joint)
        history.append(float(np.mean(total)))
        if len(history) > 1 and history[-1] - history[-2] < tolerance:
            return prior, history
        prior = _maximise(x, np.exp(joint - total[:, None]), dimensions, prior)
    history.append(float(np.mean(prior.log_likelihood(poses_m))))
    return prior, history


def _maximise(x: FloatArray, responsibility: FloatArray, dimensions: int, before: PosePrior | None) -> PosePrior:
    """The most likely parameters given whose each pose is; a component with next to no poses keeps its own."""
    d = x.shape[1]
    share, means, bases, noises = [], [], [], []
    for m in range(responsibility.shape[1]):
        r = responsibility[:, m]
        total = float(r.sum())
        share.append(max(total, 1e-12))
        if before is not None and total < 2 * (dimensions + 2):
            means.append(before.mean_m[m])
            bases.append(before.basis_m[m])
            noises.append(before.noise_m[m])
            continue
        mean = r @ x / max(total, 1e-12)
        off = x - mean
        values, vectors = np.linalg.eigh((off * r[:, None]).T @ off / max(total, 1e-12))
        order = np.argsort(values)[::-1]
        values, vectors = np.maximum(values[order], 0.0), vectors[:, order]
        variance = max(float(values[dimensions:].sum()) / (d - dimensions), _LEAST_NOISE_M**2)
        length = np.sqrt(np.maximum(values[:dimensions] - variance, 0.0))
        means.append(unflatten(mean))
        bases.append(unflatten((vectors[:, :dimensions] * length).T))
        noises.append(np.sqrt(variance))
    shares = np.array(share)
    return PosePrior(shares / shares.sum(), np.stack(means), np.stack(bases), np.array(noises))


def _first_labels(x: FloatArray, components: int, rng: np.random.Generator) -> IntArray:
    """(N,) a first division by k-means with spread-out seeds. Source: Arthur & Vassilvitskii 2007."""
    centres = x[rng.integers(len(x))][None]
    while len(centres) < components:
        nearest = _squared_distances(x, centres).min(axis=1)
        chance = nearest / max(float(nearest.sum()), 1e-12)
        pick = min(int(np.searchsorted(np.cumsum(chance), rng.uniform())), len(x) - 1)
        centres = np.concatenate([centres, x[pick][None]])
    labels = np.zeros(len(x), dtype=np.int64)
    for _ in range(12):
        labels = np.argmin(_squared_distances(x, centres), axis=1)
        centres = np.stack([x[labels == m].mean(axis=0) if np.any(labels == m) else centres[m]
                            for m in range(components)])  # fmt: skip
    return labels


def _squared_distances(x: FloatArray, centres: FloatArray) -> FloatArray:
    return np.asarray(np.sum(x**2, axis=1)[:, None] - 2 * x @ centres.T + np.sum(centres**2, axis=1))
