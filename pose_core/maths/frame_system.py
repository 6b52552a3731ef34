"""Least squares over a whole clip whose terms reach two frames far; numpy only, free of loops over frames.

Blender's Python has no banded Cholesky. Cyclic reduction needs inverses of many small matrices at once and takes
log2(T) rounds.
"""

from __future__ import annotations

import numpy as np

from pose_core.maths.frame_times import second_difference
from pose_core.types import FloatArray


class FrameSystem:
    """Normal equations of n unknowns a frame, coupled over at most two frames, for several right-hand sides."""

    def __init__(self, frames: int, unknowns: int, sides: int) -> None:
        """Start without any term.

        Args:
            frames: T >= 1.
            unknowns: n a frame.
            sides: m right-hand sides, such as coordinates that share all weights.
        """
        self.A = [np.zeros((max(frames - k, 0), unknowns, unknowns)) for k in range(3)]
        self.b = np.zeros((frames, unknowns, sides))

    def add_value(self, unknown: int, weight: FloatArray, wanted: FloatArray | float = 0.0) -> None:
        """Pull an unknown to a value.

        Args:
            unknown: which one.
            weight: (T,) >= 0.
            wanted: (T, m), or one number.
        """
        self.A[0][:, unknown, unknown] += weight
        self.b[:, unknown] += weight[:, None] * wanted

    def add_difference(self, one: int, other: int, weight: FloatArray) -> None:
        """Pull two unknowns of the same frame together; weight (T,)."""
        for a, b, sign in ((one, one, 1.0), (other, other, 1.0), (one, other, -1.0), (other, one, -1.0)):
            self.A[0][:, a, b] += sign * weight

    def add_step(self, unknown: int, weight: FloatArray, wanted: FloatArray) -> None:
        """Pull the change of an unknown from a frame to the next to a value.

        Args:
            unknown: which one.
            weight: (T-1,) >= 0.
            wanted: (T-1, m).
        """
        self.A[0][:-1, unknown, unknown] += weight
        self.A[0][1:, unknown, unknown] += weight
        self.A[1][:, unknown, unknown] -= weight
        self.b[1:, unknown] += weight[:, None] * wanted
        self.b[:-1, unknown] -= weight[:, None] * wanted

    def add_smoothness(self, unknown: int, time_s: FloatArray, weight: float) -> None:
        """Penalise the integral of the squared acceleration of an unknown."""
        if len(time_s) < 3:
            return
        coefficients, spans = second_difference(time_s)
        scaled = coefficients * (weight * spans)[:, None]
        for a in range(3):
            for b in range(a, 3):
                self.A[b - a][a : a + len(spans), unknown, unknown] += scaled[:, a] * coefficients[:, b]

    def add_combination(self, weight: FloatArray, scale: FloatArray, wanted: FloatArray) -> None:
        """Pull a combination of a frame's unknowns to a value, for a single right-hand side.

        Args:
            weight: (T,) >= 0.
            scale: (T, n) what each unknown counts.
            wanted: (T,)
        """
        weighted = weight[:, None] * scale
        self.A[0] += weighted[:, :, None] * scale[:, None, :]
        self.b[..., 0] += weighted * wanted[:, None]

    def add_smooth_combination(self, time_s: FloatArray, weight: float, scale: FloatArray, wanted: FloatArray) -> None:
        """Penalise the acceleration by which a combination of a frame's unknowns differs from a course.

        Args:
            time_s: (T,)
            weight: of the integral of the squared acceleration.
            scale: (T, n) what each unknown counts.
            wanted: (T,) the course.
        """
        if len(time_s) < 3:
            return
        coefficients, spans = second_difference(time_s)
        coefficients = coefficients * np.sqrt(weight * spans)[:, None]
        windows = [slice(a, a + len(spans)) for a in range(3)]
        scaled = [coefficients[:, a, None] * scale[window] for a, window in enumerate(windows)]
        course = sum(coefficients[:, a] * wanted[window] for a, window in enumerate(windows))
        for a, window in enumerate(windows):
            self.b[window, :, 0] += scaled[a] * course[:, None]
            for b in range(a, 3):
                self.A[b - a][window] += scaled[a][:, :, None] * scaled[b][:, None, :]

    def solve(self) -> FloatArray:
        """The least-squares solution.

        Returns:
            (T, n, m).
        """
        frames, n, _ = self.b.shape
        pairs = (frames + 1) // 2
        A0, A1, A2 = (np.zeros((2 * pairs, n, n)) for _ in range(3))
        A0[:] = np.eye(n)
        for whole, part in zip((A0, A1, A2), self.A, strict=True):
            whole[: len(part)] = part
        b = np.zeros((2 * pairs, *self.b.shape[1:]))
        b[:frames] = self.b
        # two frames to a block make the system block tridiagonal
        D = np.concatenate(
            [
                np.concatenate([A0[0::2], A1[0::2]], axis=2),
                np.concatenate([np.swapaxes(A1[0::2], 1, 2), A0[1::2]], axis=2),
            ],
            axis=1,
        )
        U = np.concatenate(
            [
                np.concatenate([A2[0:-2:2], np.zeros_like(A2[0:-2:2])], axis=2),
                np.concatenate([A1[1:-2:2], A2[1:-2:2]], axis=2),
            ],
            axis=1,
        )
        x = solve_block_tridiagonal(D, U, b.reshape(pairs, 2 * n, -1))
        return np.asarray(x.reshape(b.shape)[:frames])


def solve_block_tridiagonal(D: FloatArray, U: FloatArray, b: FloatArray) -> FloatArray:
    """Solve a symmetric positive definite block tridiagonal system by cyclic reduction.

    Args:
        D: (N, k, k) blocks on the diagonal.
        U: (N-1, k, k) blocks right of it.
        b: (N, k, m).
    Returns:
        (N, k, m).
    Source: Golub & Van Loan, Matrix Computations, block cyclic reduction.
    """
    count, k = len(D), D.shape[1]
    if count == 1:
        return inverse_of_small(D) @ b
    odd = np.arange(1, count, 2)
    left = np.swapaxes(U[odd - 1], 1, 2)
    right = np.zeros_like(left)
    inner = odd[odd < count - 1]
    right[: len(inner)] = U[inner]
    # odd blocks in terms of their even neighbours: x = g - G_left x_before - G_right x_after
    solved = inverse_of_small(D[odd]) @ np.concatenate([left, right, b[odd]], axis=2)
    G_left, G_right, g = solved[:, :, :k], solved[:, :, k : 2 * k], solved[:, :, 2 * k :]
    D_even, b_even = D[0::2].copy(), b[0::2].copy()
    after = U[odd - 1]  # couples the even block before each odd one with it
    D_even[: len(odd)] -= after @ G_left
    b_even[: len(odd)] -= after @ g
    before = np.swapaxes(U[inner], 1, 2)  # couples the even block after each inner odd one with it
    D_even[1 : len(inner) + 1] -= before @ G_right[: len(inner)]
    b_even[1 : len(inner) + 1] -= before @ g[: len(inner)]
    x = np.empty_like(b)
    x[0::2] = solve_block_tridiagonal(D_even, -after[: len(inner)] @ G_right[: len(inner)], b_even)
    x[odd] = g - G_left @ x[odd - 1]
    x[inner] -= G_right[: len(inner)] @ x[inner + 1]
    return x


def inverse_of_small(A: FloatArray) -> FloatArray:
    """Inverses of many small symmetric positive definite matrices at once.

    numpy would hand them to LAPACK one by one, which takes several times as long.

    Args:
        A: (N, k, k), k small.
    Returns:
        (N, k, k).
    """
    k = A.shape[1]
    if k == 1:
        return 1.0 / A
    if k == 2:
        a, b, c, d = A[:, 0, 0], A[:, 0, 1], A[:, 1, 0], A[:, 1, 1]
        scale = 1.0 / (a * d - b * c)
        out = np.empty_like(A)
        out[:, 0, 0], out[:, 0, 1], out[:, 1, 0], out[:, 1, 1] = d * scale, -b * scale, -c * scale, a * scale
        return out
    # in four parts, by the Schur complement
    h = 1 << ((k - 1).bit_length() - 1)
    P, Q, R, S = A[:, :h, :h], A[:, :h, h:], A[:, h:, :h], A[:, h:, h:]
    P_inv = inverse_of_small(P)
    RP, PQ = R @ P_inv, P_inv @ Q
    out = np.empty_like(A)
    S_inv = inverse_of_small(S - R @ PQ)
    out[:, h:, h:] = S_inv
    out[:, h:, :h] = -S_inv @ RP
    out[:, :h, h:] = -PQ @ S_inv
    out[:, :h, :h] = P_inv + PQ @ S_inv @ RP
    return out
