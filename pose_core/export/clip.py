"""What is exported: a skeleton and, clip by clip, where its nodes are; and how that looks inside a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pose_core.errors import ExportError
from pose_core.maths.rotations import matrix_to_quaternion
from pose_core.retarget.rig.channels import same_side
from pose_core.types import FloatArray

# A node whose scale changes by less than this (relative) does not change it.
_SAME_SCALE = 1e-3
# Rest poses of scene and file that differ by more than this share of the figure's size belong to different rigs.
_SAME_REST = 1e-3


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The nodes that move: first the armature object, then its bones, parents before children."""

    names: tuple[str, ...]
    """N names."""
    parents: tuple[int, ...]
    """N indices; -1 for the object alone."""
    rest: FloatArray
    """(N, 4, 4) in the scene's world, in rest pose; places in metres, and whatever scale the rig has."""
    tails: FloatArray
    """(N, 3) where bones end at rest, world; the object's own place for the object."""

    @property
    def roots(self) -> list[int]:
        """The bones without a bone above them."""
        return [k for k, parent in enumerate(self.parents) if parent == 0]


@dataclass(frozen=True, eq=False)
class Clip:
    """One take: what the skeleton does."""

    name: str
    times_s: FloatArray
    """(T,) rising, from 0 (or from the scene's time)."""
    world: FloatArray
    """(T, N, 4, 4) in the scene's world."""
    start_frame: float = 0.0
    """Scene frame of the first sample."""
    shapes: dict[str, FloatArray] = field(default_factory=dict)
    """Name of a mesh object to (T, K) values of its K shape keys, where these move."""


@dataclass(frozen=True, eq=False)
class LocalTracks:
    """A clip inside a file: transforms against the parent node, in the file's axes and units."""

    name: str
    times_s: FloatArray
    """(T,)"""
    translations: FloatArray
    """(T, N, 3)"""
    quaternions: FloatArray
    """(T, N, 4) wxyz, each on the side of the one before."""
    scales: FloatArray
    """(T, N, 3); exactly 1 where nothing is scaled."""
    unit_m: float
    """Metres of one unit of the file."""

    @cached_property
    def scaled(self) -> bool:
        """Whether any node changes its size."""
        return bool(np.any(self.scales != 1.0))


def rigid(matrices: FloatArray) -> FloatArray:
    """Transforms without their scale: (..., 4, 4), rotation parts made orthonormal.

    Mirrored ones keep their first two axes.
    """
    out = np.array(matrices, dtype=np.float64)
    x = out[..., :3, 0]
    x = x / np.linalg.norm(x, axis=-1, keepdims=True)
    y = out[..., :3, 1]
    y = y - np.sum(x * y, axis=-1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    out[..., :3, 0], out[..., :3, 1], out[..., :3, 2] = x, y, np.cross(x, y)
    return out


def inverse_rigid(matrices: FloatArray) -> FloatArray:
    """Inverse of (..., 4, 4) transforms without scale."""
    out = np.zeros(matrices.shape)
    R = np.swapaxes(matrices[..., :3, :3], -1, -2)
    out[..., :3, :3] = R
    out[..., :3, 3] = -np.einsum("...ij,...j->...i", R, matrices[..., :3, 3])
    out[..., 3, 3] = 1.0
    return out


def local_tracks(skeleton: Skeleton, clip: Clip, file_rest: FloatArray, to_file: FloatArray, unit_m: float
                 ) -> LocalTracks:  # fmt: skip
    """Put a clip into a file's own nodes.

    A file may turn bones about themselves; how is seen from its rest pose.

    Args:
        skeleton: N nodes.
        clip: T frames of them.
        file_rest: (N, 4, 4) global rest transforms of the file's nodes, without scale.
        to_file: (4, 4) from the scene's world to the file's, with its scale.
        unit_m: metres of one unit of the file.
    Raises:
        ExportError: the file's rest pose is not the skeleton's.
    """
    own_rest = rigid(to_file @ skeleton.rest)
    turns = inverse_rigid(own_rest) @ file_rest
    size = float(np.ptp(own_rest[:, :3, 3], axis=0).max())
    off = np.linalg.norm(turns[1:, :3, 3], axis=-1)
    if len(off) and off.max() > _SAME_REST * max(size, 1e-9):
        name = skeleton.names[1 + int(np.argmax(off))]
        raise ExportError(f"The exported file has bone '{name}' at another place than the armature's rest pose.")
    moved = to_file @ clip.world
    G = rigid(moved)
    G[..., :3, :3] = G[..., :3, :3] @ turns[:, :3, :3]
    parents = np.maximum(np.array(skeleton.parents), 0)
    above = G[:, parents].copy()
    above[:, 0] = np.eye(4)
    local = inverse_rigid(above) @ G
    scales = np.ones(local.shape[:2] + (3,))
    relative = np.linalg.norm(moved[..., :3, :3], axis=-2) / np.linalg.norm(to_file @ skeleton.rest, axis=-2)[:, :3]
    if np.any(np.abs(relative - 1.0) > _SAME_SCALE):
        local, scales = _scaled_locals(moved, skeleton, turns, parents, to_file)
    quaternions = same_side(matrix_to_quaternion(local[..., :3, :3]))
    return LocalTracks(clip.name, clip.times_s, local[..., :3, 3], quaternions, scales, unit_m)


def _scaled_locals(
    moved: FloatArray, skeleton: Skeleton, turns: FloatArray, parents: FloatArray, to_file: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Local rigid transforms and scales where bones change their size; shear is left out."""
    rest_size = np.linalg.norm((to_file @ skeleton.rest)[:, :3, :3], axis=-2)
    G = np.array(moved)
    G[..., :3, :3] = (G[..., :3, :3] / rest_size[:, None, :]) @ turns[:, :3, :3]
    above = G[:, parents].copy()
    above[:, 0] = np.eye(4)
    local = np.linalg.inv(above) @ G
    scales = np.linalg.norm(local[..., :3, :3], axis=-2)
    scales = np.where(np.abs(scales - 1.0) < _SAME_SCALE, 1.0, scales)
    return rigid(local), scales
