"""What evidence on points says about the degrees of freedom, gathered along the tree.

Every unknown of a frame moves a subtree of points as one rigid body or along one bone, so its effect on a point x is
omega x (x - o) + v with one twist (omega, v). Evidence on a point is then a 6 x 6 information on twists; summed up the
tree it gives every entry of the normal matrix by one product of twists, without a Jacobian of any point. This is the
composite rigid body algorithm with information in the place of inertia.

Source: Featherstone, Rigid Body Dynamics Algorithms, 2008, chapter 6.
"""

from __future__ import annotations

import numpy as np

from pose_core.maths.rotations import skew
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import Pose
from pose_core.types import BoolArray, FloatArray

_N = len(BODY.tree)
_D = BODY.dof_count
_PARENTS = np.array(BODY.tree.parents)


def _moved_sets(with_lengths: bool) -> BoolArray:
    """(E, N) points that each unknown moves: root position, turns, then one entry a bone."""
    everything = np.ones((3, _N), dtype=bool)
    turns = BODY.ancestor[:, BODY.dof_joints].T
    if not with_lengths:
        return np.concatenate([everything, turns])
    stretched = (BODY.ancestor | np.eye(_N, dtype=bool)).T[1:]
    return np.concatenate([everything, turns, stretched])


def _layout(with_lengths: bool) -> tuple[BoolArray, BoolArray]:
    """(E, E) whether the column's points are all among the row's, and ties broken by order."""
    moved = _moved_sets(with_lengths)
    overlap = moved.astype(np.int64) @ moved.T.astype(np.int64)
    size = moved.sum(axis=1)
    nested = (overlap > 0) & (overlap == size[None, :])
    return nested, nested.T


_LAYOUTS = {lengths: _layout(lengths) for lengths in (False, True)}
_GROUPS = np.zeros((_N - 1, BODY.length_count))
_GROUPS[np.arange(_N - 1), BODY.length_groups[1:]] = 1.0


class CompositeEvidence:
    """Collects information and gradients on points and turns them into normal equations.

    Args:
        pose: T frames.
        with_lengths: whether bone lengths are unknowns too.
    """

    def __init__(self, pose: Pose, with_lengths: bool) -> None:
        frames = len(pose.points_m)
        self.with_lengths = with_lengths
        self.x = pose.points_m - pose.points_m[:, :1]
        self.twists = self._twists(pose)
        shape = (frames, _N)
        self.information = np.zeros((*shape, 3, 3))
        self.relative = np.zeros((*shape, 3, 3))
        self.turning = np.zeros((*shape, 3, 3))
        self.gradient = np.zeros((*shape, 3))
        self.relative_gradient = np.zeros((*shape, 3))
        self.turning_gradient = np.zeros((*shape, 3))

    def add(self, points: list[int], information: FloatArray, gradient: FloatArray) -> None:
        """Information (T, P, 3, 3) and gradient (T, P, 3) on positions of points, each named once."""
        self.information[:, points] += information
        self.gradient[:, points] += gradient

    def add_relative(self, points: list[int], information: FloatArray, gradient: FloatArray) -> None:
        """The same on positions relative to the root, which the root's position does not change."""
        self.relative[:, points] += information
        self.relative_gradient[:, points] += gradient

    def add_directions(
        self, ends: list[int], directions: FloatArray, information: FloatArray, gradient: FloatArray
    ) -> None:
        """The same on unit directions (T, P, 3) of the bones that end in points: only turns change them."""
        S = skew(directions)
        self.turning[:, ends] += np.swapaxes(S, -1, -2) @ information @ S
        self.turning_gradient[:, ends] += np.cross(directions, gradient)

    def along(self, vectors: FloatArray) -> FloatArray:
        """Project vectors on points (T, N, 3) onto the unknowns: (T, D) or (T, D + L)."""
        wrench = np.concatenate([np.cross(self.x, vectors), vectors], axis=-1)
        return self._fold(np.einsum("tei,tei->te", self.twists, self._per_unknown(wrench)))

    def equations(self) -> tuple[FloatArray, FloatArray]:
        """Normal matrix and gradient of every frame: (T, F, F) and (T, F), F = D, or D + L with lengths."""
        information = self._on_twists(self.information + self.relative)
        information[..., :3, :3] += self.turning
        per_unknown = self._per_unknown(information)
        pushed = (per_unknown @ self.twists[..., None])[..., 0]
        products = self.twists @ np.swapaxes(pushed, 1, 2)  # [d, e] uses the points of e
        inner, outer = _LAYOUTS[self.with_lengths]
        matrix = np.where(inner, products, np.where(outer, np.swapaxes(products, 1, 2), 0.0))
        # the root's position only sees absolute evidence, and only by the twists' linear part
        absolute = self._per_unknown(self._on_twists(self.information)[..., 3:, :])
        root = (absolute @ self.twists[..., None])[..., 0]
        matrix[:, :3, :] = np.swapaxes(root, 1, 2)
        matrix[:, :, :3] = root
        wrench = self.gradient + self.relative_gradient
        wrench = np.concatenate([np.cross(self.x, wrench) + self.turning_gradient, wrench], axis=-1)
        gradient = np.einsum("tei,tei->te", self.twists, self._per_unknown(wrench))
        gradient[:, :3] = np.sum(self.gradient, axis=1)
        if self.with_lengths:
            matrix = self._fold(np.swapaxes(self._fold(matrix), 1, 2))
        return np.asarray(matrix), self._fold(gradient)

    def _twists(self, pose: Pose) -> FloatArray:
        """(T, E, 6) angular and linear part of each unknown's motion, about the root's position."""
        frames = len(self.x)
        count = _D + (_N - 1 if self.with_lengths else 0)
        out = np.zeros((frames, count, 6))
        out[:, :3, 3:] = np.eye(3)
        out[:, 3:_D, :3] = pose.axes
        out[:, 3:_D, 3:] = np.cross(self.x[:, BODY.dof_joints], pose.axes)
        if self.with_lengths:
            out[:, _D:, 3:] = self.x[:, 1:] - self.x[:, _PARENTS[1:]]
        return out

    def _on_twists(self, information: FloatArray) -> FloatArray:
        """(T, N, 6, 6) information on twists from information on points."""
        X = -skew(self.x)
        across = np.swapaxes(X, -1, -2) @ information
        out = np.empty((*information.shape[:2], 6, 6))
        out[..., :3, :3] = across @ X
        out[..., :3, 3:] = across
        out[..., 3:, :3] = np.swapaxes(across, -1, -2)
        out[..., 3:, 3:] = information
        return out

    def _per_unknown(self, values: FloatArray) -> FloatArray:
        """(T, E, ...) sums of point values (T, N, ...) over the points each unknown moves."""
        whole = values.copy()
        for j in range(_N - 1, 0, -1):
            whole[:, _PARENTS[j]] += whole[:, j]
        below = whole - values
        parts = [np.repeat(whole[:, :1], 3, axis=1), below[:, BODY.dof_joints]]
        if self.with_lengths:
            parts.append(whole[:, 1:])
        return np.concatenate(parts, axis=1)

    def _fold(self, values: FloatArray) -> FloatArray:
        """Add up the bones that share a length, in the last axis if it is of all unknowns, else in the second."""
        if not self.with_lengths:
            return values
        head, bones = values[:, :_D], values[:, _D:]
        folded = np.einsum("tb...,bg->tg...", bones, _GROUPS)
        return np.concatenate([head, folded], axis=1)
