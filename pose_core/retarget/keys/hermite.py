"""Least-squares fit of smooth piecewise cubics to many sampled curves at once.

A curve is given by values and slopes at its knots; between two knots it is the cubic with these ends (Hermite form),
which is what an animation program draws between two keys whose handles reach a third of the way to each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.maths.frame_system import solve_block_tridiagonal
from pose_core.types import BoolArray, FloatArray, IntArray

# How firmly slopes are held to those of the samples, against one sample of a whole stretch: only what the samples
# leave open is decided by it.
_SLOPE_HOLD = 1e-3
# And regardless of the length, so that short stretches do not swing between their samples.
_SLOPE_HOLD_SHORT = 0.01
# How much firmer than by their samples knots are held that must not change.
_FIXED = 1e10


@dataclass(frozen=True, eq=False)
class Samples:
    """Sampled curves one behind the other: N samples in all, of curves that never reach into each other."""

    at: FloatArray
    """(N,) place of each sample, increasing within a curve."""
    values: FloatArray
    """(N, C) values."""
    starts: IntArray
    """First sample of each curve, increasing, beginning with 0."""

    @property
    def ends(self) -> IntArray:
        """Last sample of each curve."""
        return np.append(self.starts[1:], len(self.at)) - 1

    def ends_mask(self) -> BoolArray:
        """(N,) first and last samples."""
        mask = np.zeros(len(self.at), dtype=np.bool_)
        mask[self.starts] = mask[self.ends] = True
        return mask

    def slopes(self, index: IntArray | None = None) -> FloatArray:
        """Slopes by central differences, over five even steps where there are; 0 for a single sample.

        Args:
            index: (K,) samples to look at; None = all.
        Returns:
            (K, C).
        """
        k = np.arange(len(self.at)) if index is None else index
        curve = np.searchsorted(self.starts, k, side="right") - 1
        first, last = self.starts[curve], self.ends[curve]
        before, after = np.maximum(k - 1, first), np.minimum(k + 1, last)
        width = self.at[after] - self.at[before]
        out = (self.values[after] - self.values[before]) / np.where(width > 0, width, 1.0)[:, None]
        wide = np.flatnonzero((k - 2 >= first) & (k + 2 <= last))
        around = self.at[k[wide, None] + np.arange(-2, 3)]
        steps = np.diff(around, axis=1)
        even = np.all(np.abs(steps - steps[:, :1]) <= 1e-6 * np.abs(steps[:, :1]), axis=1)
        wide, step = wide[even], steps[even, 0]
        near, far = (self.values[k[wide] + d] - self.values[k[wide] - d] for d in (1, 2))
        out[wide] = (8 * near - far) / (12 * step)[:, None]
        return np.asarray(out)


@dataclass(frozen=True, eq=False)
class Fit:
    """Knots with values and slopes, and what lies between."""

    knots: IntArray
    """(K,) samples at which the knots are."""
    values: FloatArray
    """(K, C)"""
    slopes: FloatArray
    """(K, C)"""
    fitted: FloatArray
    """(N, C) the curves at all samples."""
    fitted_slopes: FloatArray
    """(N, C) their slopes; 0 where the curves are straight lines."""


@dataclass(frozen=True, eq=False)
class Held:
    """Knots that stay as they are in a fit."""

    mask: BoolArray
    """(N,) where they are."""
    values: FloatArray
    """(N, C)"""
    slopes: FloatArray
    """(N, C)"""


def stretches(samples: Samples, knots: BoolArray) -> tuple[IntArray, IntArray]:
    """The stretch between two knots that each sample lies in.

    Args:
        samples: N samples.
        knots: (N,) with the ends of all curves among them.
    Returns:
        (N,) index among all knots of the one that the stretch begins with, and (N,) of the one that it ends with; a
        knot belongs to the stretch behind it, the end of a curve to the one before it. For a curve of a single sample
        both are the same.
    """
    left = np.cumsum(knots) - 1
    ends, alone = samples.ends, samples.ends == samples.starts
    left[ends[~alone]] -= 1
    right = left + 1
    right[ends[alone]] -= 1
    return left, right


def fit_curves(samples: Samples, knots: BoolArray, curved: bool = True, held: Held | None = None) -> Fit:
    """Fit curves with given knots: smooth cubics (C1), or straight lines.

    Args:
        samples: N samples of C channels.
        knots: (N,) where the knots are; the ends of all curves must be among them.
        curved: cubics; else straight lines from knot to knot.
        held: knots that are known already.
    Returns:
        The best values and slopes. With a knot at every sample the curves pass through all of them.
    """
    index = np.flatnonzero(knots)
    left, right = stretches(samples, knots)
    width = samples.at[index[right]] - samples.at[index[left]]
    u = (samples.at - samples.at[index[left]]) / np.where(width > 0, width, 1.0)
    basis = _basis(u, width, curved)
    firsts = np.flatnonzero(np.concatenate([[True], np.diff(left) != 0]))
    # sums over the samples of each stretch
    both = np.concatenate([basis, samples.values], axis=1)
    sums = np.add.reduceat(basis[:, :, None] * both[:, None, :], firsts, axis=0)
    gram, pull = sums[..., :4], sums[..., 4:]
    a, b = left[firsts], right[firsts]
    K, C = len(index), samples.values.shape[1]
    D, U, rhs = np.zeros((K, 2, 2)), np.zeros((K, 2, 2)), np.zeros((K, 2, C))
    # a knot begins at most one stretch and ends at most one, so plain indexing adds up
    D[a] += gram[:, :2, :2]
    rhs[a] += pull[:, :2]
    apart = a != b
    D[b[apart]] += gram[apart, 2:, 2:]
    rhs[b[apart]] += pull[apart, 2:]
    U[a[apart]] = gram[apart, :2, 2:]
    reach = np.full(K, 1e-9)
    np.maximum.at(reach, a, width[firsts])
    np.maximum.at(reach, b, width[firsts])
    hold = _SLOPE_HOLD * reach**2 + _SLOPE_HOLD_SHORT
    D[:, 1, 1] += hold
    rhs[:, 1] += hold[:, None] * samples.slopes(index)
    if held is not None:
        fixed = held.mask[index]
        known = np.stack([held.values[index[fixed]], held.slopes[index[fixed]]], axis=1)
        weight = _FIXED * np.maximum(np.max(D, axis=(1, 2))[fixed], 1.0)[:, None, None]
        D[fixed] += weight * np.eye(2)
        rhs[fixed] += weight * known
    solution = solve_block_tridiagonal(D, U[:-1], rhs)
    if held is not None:
        solution[fixed] = known
    ends = np.concatenate([solution[left], solution[right]], axis=1)
    shares = np.stack([basis, _basis_slopes(u, width, curved)], axis=1)
    fitted = shares @ ends
    return Fit(index, solution[:, 0], solution[:, 1], fitted[:, 0], fitted[:, 1])


def long_stretches(samples: Samples, tolerance: FloatArray, curved: bool = True) -> BoolArray:
    """Knots for stretches as long as each alone allows, from the start of a curve to its end.

    A stretch is good if the cubic through the samples at its ends, with their slopes, stays within the tolerance at
    all samples. All curves go ahead side by side.

    Args:
        samples: N samples.
        tolerance: (N,) largest distance from the samples.
        curved: cubics; else straight lines.
    Returns:
        (N,) where knots should be.
    """
    slopes = samples.slopes()
    knots = samples.ends_mask()
    at, ends = samples.starts.copy(), samples.ends
    length = np.full(len(at), 4)
    while True:
        open_ = np.flatnonzero(at < ends)
        if len(open_) == 0:
            return knots
        a, most = at[open_], ends[open_] - at[open_]
        good = np.ones(len(a), dtype=np.int64)  # a stretch between neighbours is always good
        bad = most + 1
        trial = np.minimum(length[open_], most)
        while True:
            running = bad - good > 1
            if not np.any(running):
                break
            rows = np.flatnonzero(running)
            fits = _stretch_fits(samples, slopes, tolerance, a[rows], trial[rows], curved)
            good[rows[fits]] = trial[rows[fits]]
            bad[rows[~fits]] = trial[rows[~fits]]
            # grow by halves until one fails, then halve the gap
            known = bad <= most
            trial = np.where(known, (good + bad) // 2, np.minimum(good + np.maximum(good // 2, 1), most))
        at[open_] = a + good
        length[open_] = good
        knots[at[open_]] = True


def _stretch_fits(
    samples: Samples, slopes: FloatArray, tolerance: FloatArray, a: IntArray, length: IntArray, curved: bool
) -> BoolArray:
    """For each stretch from sample `a` over `length` steps whether it stays within the tolerance."""
    inner = np.arange(1, int(np.max(length)))
    if len(inner) == 0:
        return np.ones(len(a), dtype=np.bool_)
    b = a + length
    rows = np.minimum(a[:, None] + inner, b[:, None])
    width = (samples.at[b] - samples.at[a])[:, None]
    u = (samples.at[rows] - samples.at[a][:, None]) / width
    basis = _basis(u, np.broadcast_to(width, u.shape), curved)
    ends = np.stack([samples.values[a], slopes[a], samples.values[b], slopes[b]], axis=1)
    error = basis @ ends - samples.values[rows]
    size = np.sqrt(np.einsum("slc,slc->sl", error, error))
    return np.asarray(np.all(size <= tolerance[rows], axis=1))


def _basis_slopes(u: FloatArray, width: FloatArray, curved: bool) -> FloatArray:
    """(N, 4) derivatives of `_basis` along the samples' places."""
    if not curved:
        return np.zeros((len(u), 4))
    u2, rise = u * u, 6 * (u * u - u) / np.where(width > 0, width, 1.0)
    return np.stack([rise, 3 * u2 - 4 * u + 1, -rise, 3 * u2 - 2 * u], axis=-1)


def _basis(u: FloatArray, width: FloatArray, curved: bool) -> FloatArray:
    """(N, 4) share of value and slope at the left, value and slope at the right knot."""
    if not curved:
        zero = np.zeros_like(u)
        return np.stack([1 - u, zero, u, zero], axis=-1)
    u2, u3 = u * u, u * u * u
    return np.stack([2 * u3 - 3 * u2 + 1, (u3 - 2 * u2 + u) * width, 3 * u2 - 2 * u3, (u3 - u2) * width], axis=-1)
