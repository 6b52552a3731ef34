"""Normal equations of a sequence with a few clip-wide unknowns, and their solution.

The matrix has the form of an arrow: a block band of half-width two from second differences in time, bordered by the
columns of the clip-wide unknowns. The band is factorised once, the border is folded in by its Schur complement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from scipy.linalg import LinAlgError, cho_solve_banded, cholesky_banded

from pose_core.types import FloatArray


@dataclass(eq=False)
class NormalEquations:
    """Gauss-Newton normal equations, to be added to in place.

    D unknowns a frame, G clip-wide.
    """

    diagonal: FloatArray
    """(T, D, D) blocks at (t, t)."""
    next: FloatArray
    """(T, D, D) blocks at (t + 1, t); the last is unused."""
    after_next: FloatArray
    """(T, D, D) blocks at (t + 2, t); the last two are unused."""
    gradient: FloatArray
    """(T, D)."""
    border: FloatArray
    """(T, D, G) coupling to the clip-wide unknowns."""
    corner: FloatArray
    """(G, G)."""
    corner_gradient: FloatArray
    """(G,)."""

    @classmethod
    def zeros(cls, frames: int, unknowns: int, clip_wide: int) -> NormalEquations:
        """Empty equations."""
        block = (frames, unknowns, unknowns)
        return cls(
            np.zeros(block), np.zeros(block), np.zeros(block), np.zeros((frames, unknowns)),
            np.zeros((frames, unknowns, clip_wide)), np.zeros((clip_wide, clip_wide)), np.zeros(clip_wide),
        )  # fmt: skip

    def solve(self, damping: float) -> tuple[FloatArray, FloatArray] | None:
        """The step that minimises the damped quadratic model.

        Args:
            damping: share of its own diagonal that is added to each unknown (Marquardt's scaling).
        Returns:
            (T, D) and (G,) steps, or None if the matrix is not positive definite.
        """
        frames, unknowns = self.gradient.shape
        try:
            factor = cholesky_banded(self._band(damping), overwrite_ab=True, lower=True, check_finite=False)
            right = np.concatenate([-self.gradient[..., None], self.border], axis=2).reshape(frames * unknowns, -1)
            solved = cho_solve_banded((factor, True), right, check_finite=False).reshape(frames, unknowns, -1)
            corner = self.corner + np.diag(damping * np.diagonal(self.corner) + 1e-12)
            schur = corner - np.einsum("tdg,tdh->gh", self.border, solved[..., 1:])
            pull = -self.corner_gradient - np.einsum("tdg,td->g", self.border, solved[..., 0])
            clip_step = np.linalg.solve(schur, pull) if len(pull) else np.zeros(0)
        except (LinAlgError, np.linalg.LinAlgError):
            return None
        step = solved[..., 0] - solved[..., 1:] @ clip_step
        if not (np.all(np.isfinite(step)) and np.all(np.isfinite(clip_step))):
            return None
        return step, clip_step

    def _band(self, damping: float) -> FloatArray:
        """Lower banded form (3 D, T D) for LAPACK, column-major as LAPACK wants it."""
        frames, unknowns = self.gradient.shape
        width = 3 * unknowns
        # each row of `columns` is one column of the matrix, from its frame's first row on, with room to shift
        columns = np.zeros((frames, unknowns, width + unknowns))
        columns[..., :unknowns] = np.swapaxes(self.diagonal, 1, 2)
        columns[:-1, :, unknowns : 2 * unknowns] = np.swapaxes(self.next[:-1], 1, 2)
        columns[:-2, :, 2 * unknowns : width] = np.swapaxes(self.after_next[:-2], 1, 2)
        index = np.arange(unknowns)
        columns[:, index, index] *= 1.0 + damping
        columns[:, index, index] += 1e-9
        size = columns.itemsize
        row = width + unknowns
        shifted = as_strided(
            columns, (frames, unknowns, width), (unknowns * row * size, (row + 1) * size, size), writeable=False
        )
        return np.ascontiguousarray(shifted).reshape(frames * unknowns, width).T


def dense_matrix(equations: NormalEquations) -> FloatArray:
    """The whole matrix, for tests and tiny clips: (T D + G, T D + G)."""
    frames, unknowns = equations.gradient.shape
    size = frames * unknowns
    out = np.zeros((size + len(equations.corner), size + len(equations.corner)))
    for offset, blocks in enumerate((equations.diagonal, equations.next, equations.after_next)):
        for t in range(frames - offset):
            rows = slice((t + offset) * unknowns, (t + offset + 1) * unknowns)
            columns = slice(t * unknowns, (t + 1) * unknowns)
            out[rows, columns] = blocks[t]
            out[columns, rows] = blocks[t].T
    out[:size, size:] = equations.border.reshape(size, -1)
    out[size:, :size] = out[:size, size:].T
    out[size:, size:] = equations.corner
    return out
