"""A mixture of probabilistic principal component analysers (PPCA) over 3D poses.

Poses are relative to the pelvis, turned about the vertical so that the left hip lies along +X, and of a person of
1.70 m. Plain numpy: the model serves as a baseline lifter and as a prior where no training library is installed.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_core.errors import ModelError, ShapeError
from pose_core.files import atomic_path
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray, check_shape

FORMAT = "pose_core.pose_prior"
VERSION = 1

REFERENCE_HEIGHT_M = 1.70
"""The body height of all poses of the model."""

_LEFT_HIP, _RIGHT_HIP = CANONICAL.indices("left_hip", "right_hip")


@dataclass(frozen=True, eq=False)
class PosePrior:
    """M components, each a Gaussian on a plane of Q directions with equal noise in all others.

    The pelvis is part of the arrays and always zero.
    """

    share: FloatArray
    """(M,) mixing proportions, sum 1."""
    mean_m: FloatArray
    """(M, J, 3)."""
    basis_m: FloatArray
    """(M, Q, J, 3) directions, as long as one standard deviation of their unit normal coefficient."""
    noise_m: FloatArray
    """(M,) standard deviation of every coordinate off the plane."""

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {"J": len(CANONICAL)}
        check_shape("share", self.share, ("M",), sizes)
        check_shape("mean_m", self.mean_m, ("M", "J", 3), sizes)
        check_shape("basis_m", self.basis_m, ("M", "Q", "J", 3), sizes)
        check_shape("noise_m", self.noise_m, ("M",), sizes)
        if not np.all(self.noise_m > 0) or not np.isclose(np.sum(self.share), 1.0, atol=1e-6):
            raise ShapeError("'noise_m' must be > 0 and 'share' must sum to 1.")

    def __len__(self) -> int:
        return len(self.share)

    def component_log_likelihoods(self, poses_m: FloatArray) -> FloatArray:
        """Log density of poses under each component, times its share.

        Args:
            poses_m: (N, J, 3) normalised poses.
        Returns:
            (N, M).
        Source: Tipping & Bishop 1999, appendix C: the inverse of W W^T + s^2 I by the small matrix W^T W + s^2 I.
        """
        x = flatten(poses_m)
        d = x.shape[1]
        out = np.empty((len(x), len(self)))
        for m in range(len(self)):
            variance = self.noise_m[m] ** 2
            W = flatten(self.basis_m[m]).T
            off = x - flatten(self.mean_m[m][None])
            small = W.T @ W + variance * np.eye(W.shape[1])
            along = off @ W
            squared = np.sum(off**2, axis=1) - np.sum(along * np.linalg.solve(small, along.T).T, axis=1)
            log_det = np.linalg.slogdet(small)[1] + (d - W.shape[1]) * np.log(variance)
            out[:, m] = np.log(self.share[m]) - 0.5 * (d * np.log(2 * np.pi) + log_det + squared / variance)
        return out

    def log_likelihood(self, poses_m: FloatArray) -> FloatArray:
        """(N,) log density of normalised poses (N, J, 3) under the mixture."""
        return log_sum_exp(self.component_log_likelihoods(poses_m))


def normalise_poses(joints_m: FloatArray, height_m: FloatArray | float) -> FloatArray:
    """Bring poses into the form of the model.

    Args:
        joints_m: (..., J, 3) world, Z up, metres.
        height_m: (...) or one number: body height of each pose.
    Returns:
        (..., J, 3) pelvis at zero, left hip towards +X, height 1.70 m.
    """
    joints = joints_m - joints_m[..., :1, :]
    across = joints[..., _LEFT_HIP, :] - joints[..., _RIGHT_HIP, :]
    angle = np.arctan2(across[..., 1], across[..., 0])
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    R = np.stack([np.stack(r, axis=-1) for r in ([c, s, o], [-s, c, o], [o, o, i])], axis=-2)
    scale = REFERENCE_HEIGHT_M / np.asarray(height_m)
    return np.asarray(scale[..., None, None] * (joints @ np.swapaxes(R, -1, -2)))


def flatten(poses_m: FloatArray) -> FloatArray:
    """(N, J, 3) to (N, 3 J - 3) without the pelvis, which never varies."""
    return np.asarray(poses_m[:, 1:].reshape(len(poses_m), -1), dtype=np.float64)


def unflatten(values: FloatArray) -> FloatArray:
    """(..., 3 J - 3) to (..., J, 3) with the pelvis at zero."""
    joints = values.reshape(*values.shape[:-1], len(CANONICAL) - 1, 3)
    return np.concatenate([np.zeros_like(joints[..., :1, :]), joints], axis=-2)


def log_sum_exp(values: FloatArray) -> FloatArray:
    """Logarithm of the sum of exponentials over the last axis, without overflow."""
    top = np.max(values, axis=-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.sum(np.exp(values - top), axis=-1)))


def write_pose_prior(path: Path, prior: PosePrior) -> None:
    """Write a model as `.npz`, in single precision."""
    with atomic_path(path) as temporary, Path(temporary).open("wb") as file:
        np.savez_compressed(
            file,
            format=np.array(FORMAT),
            version=np.array(VERSION),
            joint_names=np.array(CANONICAL.names),
            share=prior.share.astype(np.float64),
            mean_m=prior.mean_m.astype(np.float32),
            basis_m=prior.basis_m.astype(np.float32),
            noise_m=prior.noise_m.astype(np.float32),
        )


def read_pose_prior(path: Path) -> PosePrior:
    """Read what `write_pose_prior` wrote.

    Raises:
        ModelError: the file is absent, damaged, of another kind or for another skeleton.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            kind, version = str(data["format"]), int(data["version"])
            names = tuple(str(n) for n in data["joint_names"])
            arrays = [np.asarray(data[key], dtype=np.float64) for key in ("share", "mean_m", "basis_m", "noise_m")]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"'{path}' is no pose prior: {error}") from error
    if (kind, version) != (FORMAT, VERSION) or names != CANONICAL.names:
        raise ModelError(f"'{path.name}' is {kind} version {version} for {len(names)} joints, not one this can use.")
    return PosePrior(*arrays)
