"""Forward kinematics of the solver's body and its derivatives, all frames at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pose_core.maths.rotations import matrix_to_rotation_vector, rotation_vector_to_matrix
from pose_core.solve.body.body_model import BODY, BodyModel
from pose_core.types import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class BodyState:
    """Where the body is in every frame, and its proportions.

    Updates of free joints act on the right: R <- R exp(xi), in the joint's own axes.
    """

    root_m: FloatArray
    """(T, 3) position of the pelvis in the world."""
    ball_rotations: FloatArray
    """(T, B, 3, 3) local rotations of the free joints; the first is the root's world rotation."""
    hinge_rad: FloatArray
    """(T, H) angles of the hinge axes."""
    log_length: FloatArray
    """(L,) natural logarithm of each tied bone length, metres."""

    def moved(self, step: FloatArray, log_length_step: FloatArray | None = None) -> BodyState:
        """State after a step.

        Args:
            step: (T, D) in the order of the model's degrees of freedom.
            log_length_step: (L,).
        """
        balls = self.ball_rotations.shape[1]
        turn = rotation_vector_to_matrix(step[:, 3 : 3 + 3 * balls].reshape(-1, balls, 3))
        return BodyState(
            self.root_m + step[:, :3],
            self.ball_rotations @ turn,
            self.hinge_rad + step[:, 3 + 3 * balls :],
            self.log_length if log_length_step is None else self.log_length + log_length_step,
        )

    def at(self, frames: slice | BoolArray) -> BodyState:
        """The state of some frames."""
        return replace(
            self,
            root_m=self.root_m[frames],
            ball_rotations=self.ball_rotations[frames],
            hinge_rad=self.hinge_rad[frames],
        )


@dataclass(frozen=True, eq=False)
class Pose:
    """What follows from a state: positions, frames and axes."""

    points_m: FloatArray
    """(T, N, 3) joints and attached points in the world."""
    R_world: FloatArray
    """(T, N, 3, 3) frame of each joint."""
    R_local: FloatArray
    """(T, N, 3, 3)."""
    axes: FloatArray
    """(T, D-3, 3) world axis of each rotational degree of freedom."""
    length_m: FloatArray
    """(N,) bone lengths."""


def bone_lengths(state: BodyState, model: BodyModel = BODY) -> FloatArray:
    """(N,) length of each bone, 0 for the root."""
    lengths = np.exp(state.log_length)[model.length_groups]
    lengths[0] = 0.0
    return np.asarray(lengths)


def forward(state: BodyState, model: BodyModel = BODY) -> Pose:
    """Positions, frames and axes of a state.

    Args:
        state: T frames.
        model: the body.
    Returns:
        The pose of every frame.
    """
    frames, count = len(state.root_m), len(model.tree)
    length = bone_lengths(state, model)
    rest = model.rest_directions * length[:, None]
    R_local = np.broadcast_to(np.eye(3), (frames, count, 3, 3)).copy()
    R_local[:, list(model.balls)] = state.ball_rotations
    # local axis of each hinge in the frame it leaves behind, so that a step acts on the right as for free joints
    hinge_axes = np.empty((frames, len(model.hinge_joints), 3))
    turns = rotation_vector_to_matrix(model.hinge_axes * state.hinge_rad[..., None])
    for h in range(len(model.hinge_joints) - 1, -1, -1):
        joint = model.hinge_joints[h]
        hinge_axes[:, h] = np.einsum("tji,j->ti", R_local[:, joint], model.hinge_axes[h])
        R_local[:, joint] = turns[:, h] @ R_local[:, joint]
    points, R_world = model.tree.forward_kinematics(R_local, rest, state.root_m)
    ball_axes = np.swapaxes(R_world[:, list(model.balls)], -1, -2).reshape(frames, -1, 3)
    hinge_world = np.einsum("thij,thj->thi", R_world[:, list(model.hinge_joints)], hinge_axes)
    return Pose(points, R_world, R_local, np.concatenate([ball_axes, hinge_world], axis=1), length)


def point_jacobian(pose: Pose, points: list[int], model: BodyModel = BODY) -> FloatArray:
    """Derivative of points by the degrees of freedom.

    Args:
        pose: T frames.
        points: indices of P points.
        model: the body.
    Returns:
        (T, P, 3, D).
    """
    frames = len(pose.points_m)
    out = np.zeros((frames, len(points), 3, model.dof_count))
    out[..., :3] = np.eye(3)
    pivots = pose.points_m[:, model.dof_joints]
    for row, point in enumerate(points):
        moved = np.flatnonzero(model.ancestor[point, model.dof_joints])
        lever = pose.points_m[:, point, None] - pivots[:, moved]
        out[:, row, :, 3 + moved] = np.moveaxis(np.cross(pose.axes[:, moved], lever), 1, 0)
    return out


def length_jacobian(pose: Pose, points: list[int], model: BodyModel = BODY) -> FloatArray:
    """Derivative of points by the logarithms of the tied bone lengths.

    Args:
        pose: T frames.
        points: indices of P points.
        model: the body.
    Returns:
        (T, P, 3, L).
    """
    parents = np.array(model.tree.parents)
    bones = np.zeros_like(pose.points_m)
    bones[:, 1:] = pose.points_m[:, 1:] - pose.points_m[:, parents[1:]]
    out = np.zeros((len(bones), len(points), 3, model.length_count))
    for row, point in enumerate(points):
        for bone in [*np.flatnonzero(model.ancestor[point]), point]:
            if bone > 0:
                out[:, row, :, model.length_groups[bone]] += bones[:, bone]
    return out


def state_from_rotations(
    R_local: FloatArray, root_m: FloatArray, length_m: FloatArray, model: BodyModel = BODY
) -> BodyState:
    """Nearest state to given local rotations of the model's tree.

    Args:
        R_local: (T, N, 3, 3) local rotations.
        root_m: (T, 3) root position.
        length_m: (N,) bone lengths, > 0 but for the root.
        model: the body.
    Returns:
        The state; what a hinge cannot do is dropped, angles are brought inside their limits.
    """
    frames = len(R_local)
    hinge = np.zeros((frames, len(model.hinge_joints)))
    for h, joint in enumerate(model.hinge_joints):
        vector = matrix_to_rotation_vector(R_local[:, joint])
        low, high = model.hinge_limits_rad[h]
        hinge[:, h] = np.clip(vector @ model.hinge_axes[h], low, high)
    log_length = np.zeros(model.length_count)
    for bone, group in enumerate(model.length_groups):
        if group >= 0:
            log_length[group] = np.log(length_m[bone])
    return BodyState(np.array(root_m), R_local[:, list(model.balls)].copy(), hinge, log_length)
