"""Rotations as matrices and unit quaternions (w, x, y, z), with any leading batch axes."""

from __future__ import annotations

import numpy as np

from pose_core.types import FloatArray

_TINY = 1e-12
# So many rotations are converted at a time: what lies between stays in the processor's cache.
_AT_ONCE = 2048


def quaternion_multiply(a: FloatArray, b: FloatArray) -> FloatArray:
    """Hamilton product: the rotation `b` followed by `a`.

    Args:
        a: (..., 4) wxyz.
        b: (..., 4) wxyz.
    Returns:
        (..., 4) wxyz.
    """
    aw, ax, ay, az = np.moveaxis(np.asarray(a), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def quaternion_conjugate(q: FloatArray) -> FloatArray:
    """Inverse of unit quaternions: (..., 4) wxyz to (..., 4) wxyz."""
    return np.asarray(np.asarray(q) * np.array([1.0, -1.0, -1.0, -1.0]))


def quaternion_to_matrix(q: FloatArray) -> FloatArray:
    """Rotation matrices of quaternions; the quaternions need not be normalised.

    Args:
        q: (..., 4) wxyz, not zero.
    Returns:
        (..., 3, 3).
    """
    q = np.asarray(q, dtype=np.float64)
    flat = q.reshape(-1, 4)
    out = np.empty((len(flat), 3, 3))
    for k in range(0, len(flat), _AT_ONCE):
        # component by component in memory of its own: strided products take several times as long
        w, x, y, z = np.ascontiguousarray(flat[k : k + _AT_ONCE].T)
        s = 2.0 / (w * w + x * x + y * y + z * z)
        sx, sy, sz = s * x, s * y, s * z
        xx, yy, zz = sx * x, sy * y, sz * z
        xy, xz, yz = sx * y, sx * z, sy * z
        wx, wy, wz = sx * w, sy * w, sz * w
        R = out[k : k + _AT_ONCE]
        R[:, 0, 0], R[:, 0, 1], R[:, 0, 2] = 1.0 - (yy + zz), xy - wz, xz + wy
        R[:, 1, 0], R[:, 1, 1], R[:, 1, 2] = xy + wz, 1.0 - (xx + zz), yz - wx
        R[:, 2, 0], R[:, 2, 1], R[:, 2, 2] = xz - wy, yz + wx, 1.0 - (xx + yy)
    return out.reshape(*q.shape[:-1], 3, 3)


def matrix_to_quaternion(R: FloatArray) -> FloatArray:
    """Unit quaternions of rotation matrices, w >= 0.

    Args:
        R: (..., 3, 3) rotation matrices.
    Returns:
        (..., 4) wxyz.
    Source: Bar-Itzhack 2000 in spirit: of the four equivalent forms the best conditioned one is taken.
    """
    R = np.asarray(R, dtype=np.float64)
    flat = R.reshape(-1, 9)
    out = np.empty((len(flat), 4))
    for k in range(0, len(flat), _AT_ONCE):
        out[k : k + _AT_ONCE] = _quaternions_of(np.ascontiguousarray(flat[k : k + _AT_ONCE].T)).T
    return out.reshape(*R.shape[:-2], 4)


def _quaternions_of(entries: FloatArray) -> FloatArray:
    """(4, N) quaternions of the (9, N) entries of matrices."""
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = entries
    # the diagonal of 4 q q^T, whose longest row is a safe multiple of q
    squares = np.stack([1 + m00 + m11 + m22, 1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22])
    best = np.argmax(squares, axis=0)
    rows = (
        (squares[0], m21 - m12, m02 - m20, m10 - m01),
        (m21 - m12, squares[1], m01 + m10, m02 + m20),
        (m02 - m20, m01 + m10, squares[2], m12 + m21),
        (m10 - m01, m02 + m20, m12 + m21, squares[3]),
    )
    q = np.array(rows[0])
    for k in (1, 2, 3):
        chosen = np.flatnonzero(best == k)
        if len(chosen):
            q[:, chosen] = [component[chosen] for component in rows[k]]
    return np.asarray(q * (np.where(q[0] < 0, -1.0, 1.0) / np.sqrt(np.sum(q * q, axis=0))))


def rotation_vector_to_matrix(v: FloatArray) -> FloatArray:
    """Exponential map, exact near zero.

    Args:
        v: (..., 3) axis times angle, radians.
    Returns:
        (..., 3, 3).
    Source: the quaternion of half the angle, its vector part in the sinc form.
    """
    v = np.asarray(v, dtype=np.float64)
    half = 0.5 * np.sqrt(np.einsum("...i,...i->...", v, v))
    q = np.empty((*v.shape[:-1], 4))
    q[..., 0] = np.cos(half)
    q[..., 1:] = (0.5 * np.sinc(half / np.pi))[..., None] * v
    return quaternion_to_matrix(q)


def matrix_to_rotation_vector(R: FloatArray) -> FloatArray:
    """Logarithm map, stable near 0 and pi: (..., 3, 3) to (..., 3) radians."""
    q = matrix_to_quaternion(R)
    vec_norm = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(vec_norm, q[..., :1])
    scale = np.where(vec_norm > _TINY, angle / np.maximum(vec_norm, _TINY), 2.0)
    return np.asarray(q[..., 1:] * scale)


def turned(left: FloatArray, R: FloatArray, right: FloatArray) -> FloatArray:
    """Rotations between two constant ones: `left @ R @ right`.

    Args:
        left: (3, 3).
        R: (T, 3, 3).
        right: (3, 3).
    """
    eye = np.eye(3)
    if not np.array_equal(right, eye):
        R = (R.reshape(-1, 3) @ right).reshape(R.shape)  # one product of large matrices
    return R if np.array_equal(left, eye) else np.asarray(left @ R)


def skew(v: FloatArray) -> FloatArray:
    """Cross-product matrices: (..., 3) to (..., 3, 3)."""
    v = np.asarray(v, dtype=np.float64)
    x, y, z = np.moveaxis(v, -1, 0)
    o = np.zeros_like(x)
    return np.stack([np.stack(r, axis=-1) for r in ([o, -z, y], [z, o, -x], [-y, x, o])], axis=-2)


def unit(v: FloatArray, fallback: FloatArray | None = None) -> FloatArray:
    """Unit vectors; a vector without a direction becomes `fallback` (or zero).

    Args:
        v: (..., 3).
        fallback: (3,) or (..., 3), taken where the length is below 1e-9.
    """
    v = np.asarray(v, dtype=np.float64)
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    out = v / np.maximum(length, _TINY)
    replacement = np.zeros(3) if fallback is None else np.asarray(fallback)
    return np.asarray(np.where(length > 1e-9, out, replacement))


def swing_between(a: FloatArray, b: FloatArray) -> FloatArray:
    """Smallest rotation that turns direction `a` onto direction `b`.

    Args:
        a: (..., 3) unit vectors.
        b: (..., 3) unit vectors.
    Returns:
        (..., 3, 3). For opposite directions the half turn about some axis across `a`.
    """
    a, b = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    cosine = np.sum(a * b, axis=-1)
    q = np.concatenate([(1.0 + cosine)[..., None], np.cross(a, b)], axis=-1)
    opposite = cosine < -1.0 + 1e-9
    if np.any(opposite):
        helper = np.where(np.abs(a[..., :1]) < 0.9, np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
        axis = unit(np.cross(a, helper))
        q = np.where(opposite[..., None], np.concatenate([np.zeros_like(axis[..., :1]), axis], axis=-1), q)
    return quaternion_to_matrix(q)


def best_rotation(source: FloatArray, target: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Proper rotation that best turns one set of directions onto another.

    Args:
        source: (..., N, 3) vectors.
        target: (..., N, 3) vectors.
        weights: (N,) or (..., N), >= 0; equal when None.
    Returns:
        (..., 3, 3) with determinant +1.
    Source: Kabsch 1976, determinant fix by Umeyama 1991.
    """
    source, target = np.broadcast_arrays(np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64))
    w = np.ones(source.shape[:-1]) if weights is None else np.broadcast_to(weights, source.shape[:-1])
    U, _, Vt = np.linalg.svd(np.einsum("...n,...ni,...nj->...ij", w, target, source))
    sign = np.sign(np.linalg.det(U) * np.linalg.det(Vt))
    fix = np.ones((*sign.shape, 3))
    fix[..., 2] = np.where(sign == 0, 1.0, sign)
    return np.asarray((U * fix[..., None, :]) @ Vt)


def twist_about(R: FloatArray, axis: FloatArray) -> FloatArray:
    """Angle of the part of a rotation that turns about an axis (swing-twist split).

    Args:
        R: (..., 3, 3).
        axis: (3,) or (..., 3) unit vector, in the frame that `R` starts from.
    Returns:
        (...) radians in (-pi, pi].
    """
    q = matrix_to_quaternion(R)
    return np.asarray(2 * np.arctan2(np.sum(q[..., 1:] * axis, axis=-1), q[..., 0]))


def continuous_quaternions(q: FloatArray, axis: int = 0) -> FloatArray:
    """Choose signs so that neighbouring quaternions are on the same side.

    Args:
        q: quaternions wxyz in the last axis; NaN rows are passed over.
        axis: the time axis.
    Returns:
        Same shape; first finite value of each series unchanged.
    """
    series = np.moveaxis(np.array(q, dtype=np.float64), axis, 0)
    known = np.all(np.isfinite(series), axis=-1)
    frame = np.arange(len(series)).reshape(-1, *([1] * (known.ndim - 1)))
    latest = np.maximum.accumulate(np.where(known, frame, 0), axis=0)
    before = np.concatenate([latest[:1], latest[:-1]])
    previous = np.take_along_axis(series, before[..., None], axis=0)
    sign = np.where(np.sum(previous * series, axis=-1) < 0, -1.0, 1.0)
    return np.asarray(np.moveaxis(series * np.cumprod(sign, axis=0)[..., None], 0, axis))
