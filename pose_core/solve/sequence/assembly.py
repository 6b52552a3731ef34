"""From residuals to energy and normal equations."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pose_core.lab.pose_prior.prior import REFERENCE_HEIGHT_M, normalise_poses
from pose_core.maths.frame_times import second_difference
from pose_core.maths.rotations import matrix_to_rotation_vector
from pose_core.skeletons import CANONICAL
from pose_core.solve.body.body_model import BODY
from pose_core.solve.body.kinematics import BodyState, Pose, forward, length_jacobian, point_jacobian
from pose_core.solve.sequence import residuals as res
from pose_core.solve.sequence.arrow import NormalEquations
from pose_core.solve.sequence.composite import CompositeEvidence
from pose_core.solve.sequence.plausible import default_prior, unlikeliness
from pose_core.solve.sequence.problem import CONTACT_POINTS, SOLE_M, Problem
from pose_core.types import FloatArray

_BALLS = len(BODY.balls)
_ANGLES = slice(3, 3 + 3 * _BALLS)
_HINGES = slice(3 + 3 * _BALLS, BODY.dof_count)
_TRUNK = np.array([BODY.tree.names[b] in {"pelvis", "spine", "chest", "neck", "head"} for b in BODY.balls])
_CANONICAL = [BODY.tree.index(name) for name in CANONICAL.names]
_LEFT_HIP, _RIGHT_HIP = CANONICAL.indices("left_hip", "right_hip")
_FREE_HINGES = np.array([BODY.tree.names[j].split("_")[-1] not in {"knee"} for j in BODY.hinge_joints])


@dataclass(eq=False)
class Energy:
    """Half the sum of squared residuals, by term, and by frame for those that belong to one."""

    terms: dict[str, float] = field(default_factory=dict)
    per_frame: FloatArray | None = None

    @property
    def total(self) -> float:
        """All terms together."""
        return sum(self.terms.values())


def _size_form() -> FloatArray:
    """(L, L) square of the mean log length of arms and legs, weighted by length: a body's size, told by its height.

    What is called hip, chest or neck differs between models and recordings, so that the trunk is no measure.
    """
    share = np.zeros(BODY.length_count)
    for bone, group in enumerate(BODY.length_groups):
        if BODY.tree.names[bone].rpartition("_")[2] in {"knee", "ankle", "elbow", "wrist"}:
            share[group] += BODY.stature_fractions[bone]
    share /= share.sum()
    return np.asarray(np.outer(share, share), dtype=np.float64)


_SIZE = _size_form()


class Assembler:
    """Evaluates one problem at a state.

    Args:
        problem: evidence and weights.
        robust_scale: multiplies the robust scales; above 1 while far from the solution.
    """

    def __init__(self, problem: Problem, robust_scale: float = 1.0) -> None:
        self.problem = problem
        self.robust = problem.weights.robust_sigmas * robust_scale
        self._lifted_parents = [BODY.tree.parents[q] for q in problem.lifted_points]

    def energy(self, state: BodyState, log_focal: float) -> Energy:
        """Energy alone."""
        return self._evaluate(state, log_focal, None)

    def equations(self, state: BodyState, log_focal: float) -> tuple[Energy, NormalEquations]:
        """Energy and normal equations."""
        equations = NormalEquations.zeros(len(self.problem.time_s), BODY.dof_count, self.problem.clip_wide_count)
        return self._evaluate(state, log_focal, equations), equations

    def _evaluate(self, state: BodyState, log_focal: float, equations: NormalEquations | None) -> Energy:
        pose = forward(state)
        energy = Energy(per_frame=np.zeros(len(self.problem.time_s)))
        points = _PointEvidence(self, pose, equations)
        self._reprojection(pose, log_focal, energy, points)
        self._lifted(pose, energy, points)
        self._usual_pose(pose, energy, points)
        self._ground(pose, energy, points)
        self._contact_velocity(pose, energy, points)
        points.finish()
        self._smoothness(state, energy, equations)
        self._limits_and_priors(state, energy, equations)
        self._clip_wide_priors(state, log_focal, energy, equations)
        return energy

    def _reprojection(self, pose: Pose, log_focal: float, energy: Energy, points: _PointEvidence) -> None:
        p = self.problem
        K = p.K.copy()
        K[0, 0] *= np.exp(log_focal)
        K[1, 1] *= np.exp(log_focal)
        index = list(p.keypoint_points)
        camera = np.einsum("tij,tpj->tpi", p.R_camera_world, pose.points_m[:, index]) + p.t_camera_world_m[:, None]
        sigma = p.weights.pixel_share * p.person_px[:, None]
        residual, J = res.reprojection(camera, np.nan_to_num(p.xy_px), K)
        squared = np.sum(residual**2, axis=-1) / sigma**2
        cost, weight = res.geman_mcclure(squared, self.robust)
        energy.terms["reprojection"] = _add_by_frame(energy, 0.5 * p.confidence * cost)
        weight = weight * p.confidence / sigma**2
        J_world = J @ p.R_camera_world[:, None]
        information = np.einsum("tp,tpki,tpkj->tpij", weight, J_world, J_world)
        gradient = np.einsum("tp,tpki,tpk->tpi", weight, J_world, residual)
        points.add(index, information, gradient)
        if p.fit_focal:
            along = res.focal_derivative(camera, K)
            points.add_focal(
                index,
                np.einsum("tp,tpki,tpk->tpi", weight, J_world, along),
                float(np.einsum("tp,tpk,tpk->", weight, along, along)),
                float(np.einsum("tp,tpk,tpk->", weight, along, residual)),
            )

    def _lifted(self, pose: Pose, energy: Energy, points: _PointEvidence) -> None:
        """Lifted joints about the pelvis, and the directions of their bones."""
        p = self.problem
        index = list(p.lifted_points)
        if not index:
            return
        known = np.isfinite(p.lifted_sigma_m)
        wanted = np.einsum("tji,tqj->tqi", p.R_camera_world, np.where(known[..., None], p.lifted_m, 0.0))
        residual = pose.points_m[:, index] - pose.points_m[:, :1] - wanted
        shape = self._lifted_information
        shaped = np.einsum("tqij,tqj->tqi", shape, residual)
        cost, weight = res.geman_mcclure(np.sum(residual * shaped, axis=-1), self.robust)
        energy.terms["lifted"] = _add_by_frame(energy, 0.5 * np.where(known, cost, 0.0))
        weight = np.where(known, weight, 0.0)
        points.add_relative(index, weight[..., None, None] * shape, weight[..., None] * shaped)

        parents = self._lifted_parents
        have = [n for n, parent in enumerate(parents) if parent == 0 or parent in index]
        ends, starts = [index[n] for n in have], [parents[n] for n in have]
        start_row = [index.index(s) if s else -1 for s in starts]
        padded = np.concatenate([wanted, np.zeros_like(wanted[:, :1])], axis=1)
        known_pad = np.concatenate([known, np.ones_like(known[:, :1])], axis=1)
        bone = padded[:, have] - padded[:, start_row]
        length = np.linalg.norm(bone, axis=-1)
        usable = known[:, have] & known_pad[:, start_row] & (length > 0.02)
        direction = bone / np.maximum(length, 1e-6)[..., None]
        pointing = (pose.points_m[:, ends] - pose.points_m[:, starts]) / pose.length_m[ends][:, None]
        residual = pointing - direction
        # where a joint is unsure, so is its bone's direction: about its sigma over the bone's length
        sigma = np.hypot(
            np.radians(p.weights.direction_deg), 0.5 * np.where(usable, p.lifted_sigma_m[:, have], 1.0) / 0.3
        )
        squared = np.sum(residual**2, axis=-1) / sigma**2
        cost, weight = res.geman_mcclure(squared, self.robust)
        energy.terms["bone_direction"] = _add_by_frame(energy, 0.5 * np.where(usable, cost, 0.0))
        points.add_directions(ends, np.where(usable, weight / sigma**2, 0.0), pointing, residual)

    @cached_property
    def _lifted_information(self) -> FloatArray:
        """(T, Q, 3, 3) how surely lifted joints are known, world axes; any value where they are not."""
        p = self.problem
        if p.lifted_information is not None and np.isfinite(p.weights.covariance_looser):
            R = p.R_camera_world[:, None]
            return np.asarray(np.swapaxes(R, -1, -2) @ p.lifted_information @ R / p.weights.covariance_looser**2)
        across = np.where(np.isfinite(p.lifted_sigma_m), p.lifted_sigma_m, 1.0) ** -2.0
        sight = p.R_camera_world[:, 2]  # the camera's forward axis in the world
        looser = 1.0 - p.weights.depth_ratio**-2.0
        shape = np.eye(3) - looser * np.einsum("ti,tj->tij", sight, sight)
        return np.asarray(across[..., None, None] * shape[:, None])

    def _usual_pose(self, pose: Pose, energy: Energy, points: _PointEvidence) -> None:
        """A weak pull towards recorded poses; what is far from all of them (a cartwheel) is let go."""
        w = self.problem.weights
        if not np.isfinite(w.pose_sigmas):
            return
        joints = pose.points_m[:, _CANONICAL]
        poses = normalise_poses(joints, self.problem.height_m)
        cost, gradient, weight = unlikeliness(poses, default_prior())
        coordinates = 3.0 * (len(_CANONICAL) - 1)
        robust_cost, robust = res.geman_mcclure(2.0 * cost / coordinates, w.robust_sigmas)
        share = w.pose_sigmas**-2.0
        energy.terms["pose"] = _add_by_frame(energy, 0.5 * coordinates * share * robust_cost)
        # back from the model's form: turned about the vertical and scaled
        scale = REFERENCE_HEIGHT_M / self.problem.height_m
        across = joints[:, _LEFT_HIP] - joints[:, _RIGHT_HIP]
        angle = np.arctan2(across[:, 1], across[:, 0])
        turned = gradient.copy()
        turned[..., 0] = np.cos(angle)[:, None] * gradient[..., 0] - np.sin(angle)[:, None] * gradient[..., 1]
        turned[..., 1] = np.sin(angle)[:, None] * gradient[..., 0] + np.cos(angle)[:, None] * gradient[..., 1]
        pull = share * robust * scale
        information = np.broadcast_to(np.eye(3), (*joints[:, 1:].shape, 3))
        points.add_relative(
            _CANONICAL[1:],
            (pull * scale * weight)[:, None, None, None] * information,
            pull[:, None, None] * turned[:, 1:],
        )

    def _ground(self, pose: Pose, energy: Energy, points: _PointEvidence) -> None:
        p = self.problem
        if not p.weights.floor:
            return
        index = list(CONTACT_POINTS)
        height = pose.points_m[:, index, 2] - SOLE_M
        below = res.below_ground(height)
        # a point that rests well above the ground is on a step or on tiptoe: it is held, but not pulled down
        sure = p.grounded[:, None] * p.contacts
        cost, weight = res.geman_mcclure((height / p.weights.contact_height_m) ** 2, p.weights.contact_height_sigmas)
        planted = sure * weight / p.weights.contact_height_m**2
        sunk = p.grounded[:, None] * np.where(below < 0, p.weights.penetration_m**-2.0, 0.0)
        energy.terms["contact_height"] = _add_by_frame(energy, 0.5 * sure * cost)
        energy.terms["penetration"] = _add_by_frame(energy, 0.5 * sunk * below**2)
        up = np.zeros((3, 3))
        up[2, 2] = 1.0
        gradient = np.zeros((*height.shape, 3))
        gradient[..., 2] = planted * height + sunk * below
        points.add(index, (planted + sunk)[..., None, None] * up, gradient)

    def _contact_velocity(self, pose: Pose, energy: Energy, points: _PointEvidence) -> None:
        p = self.problem
        if len(p.time_s) < 2 or not np.any(p.contacts > 0):
            energy.terms["contact_velocity"] = 0.0
            return
        step = np.diff(pose.points_m[:, list(CONTACT_POINTS)], axis=0)
        both = np.minimum(p.contacts[1:], p.contacts[:-1])
        weight = both / (p.weights.contact_velocity_m * np.diff(p.time_s)[:, None] * 30.0) ** 2
        energy.terms["contact_velocity"] = 0.5 * float(np.sum(weight * np.sum(step**2, axis=-1)))
        points.add_steps(list(CONTACT_POINTS), weight, step)

    def _smoothness(self, state: BodyState, energy: Energy, equations: NormalEquations | None) -> None:
        p, w = self.problem, self.problem.weights
        if len(p.time_s) < 3 or w.smoothness == 0:
            energy.terms["smoothness"] = 0.0
            return
        coefficients, spans = second_difference(p.time_s)
        per_frame = w.smoothness**2 * spans * 30.0
        sight = p.R_camera_world[1:-1, 2]
        extra = w.root_depth_acceleration_m_s2**-2.0 - w.root_acceleration_m_s2**-2.0
        shape = np.eye(3) * w.root_acceleration_m_s2**-2.0 + extra * np.einsum("ti,tj->tij", sight, sight)
        ball_sigma = np.where(_TRUNK, 1 / 3, 1.0) * w.ball_acceleration_rad_s2
        stiffness = np.concatenate(
            [np.repeat(ball_sigma, 3), np.full(len(BODY.hinge_joints), w.hinge_acceleration_rad_s2)]
        )
        stiffness = stiffness**-2.0
        root = res.acceleration(state.root_m, p.time_s)
        turning = res.angular_acceleration(state.ball_rotations, p.time_s).reshape(len(spans), -1)
        hinges = res.acceleration(state.hinge_rad, p.time_s)
        angles = np.concatenate([turning, hinges], axis=1)
        shaped = np.einsum("tij,tj->ti", shape, root)
        cost = np.sum(root * shaped, axis=1) + np.sum(stiffness * angles**2, axis=1)
        energy.terms["smoothness"] = 0.5 * float(np.sum(per_frame * cost))
        if equations is None:
            return
        index = np.arange(3, BODY.dof_count)
        stores = (equations.diagonal, equations.next, equations.after_next)
        frames = len(spans)
        for a in range(3):
            equations.gradient[a : a + frames, :3] += (per_frame * coefficients[:, a])[:, None] * shaped
            equations.gradient[a : a + frames, 3:] += (per_frame * coefficients[:, a])[:, None] * stiffness * angles
            for b in range(a + 1):
                factor = per_frame * coefficients[:, a] * coefficients[:, b]
                block = stores[a - b][b : b + frames]
                block[:, :3, :3] += factor[:, None, None] * shape
                block[:, index, index] += factor[:, None] * stiffness

    def _limits_and_priors(self, state: BodyState, energy: Energy, equations: NormalEquations | None) -> None:
        """Joint limits and a weak pull to rest; to first order a step changes the rotation vector by itself."""
        w = self.problem.weights
        vectors = matrix_to_rotation_vector(state.ball_rotations[:, 1:]).reshape(len(state.root_m), -1)
        values = np.concatenate([vectors, state.hinge_rad], axis=1)
        limits = np.concatenate([BODY.ball_limits_rad[1:].reshape(-1, 2), BODY.hinge_limits_rad])
        beyond = res.beyond_limits(values, limits) if w.limits else np.zeros_like(values)
        stiff = np.where(beyond != 0, w.limit_rad**-2.0, 0.0)
        ball_prior = np.repeat(np.where(_TRUNK[1:], 0.5, 1.0) * w.ball_prior_rad, 3) ** -2.0
        pull = np.concatenate([ball_prior, np.where(_FREE_HINGES, w.hinge_prior_rad**-2.0, 0.0)])
        energy.terms["limits"] = _add_by_frame(energy, 0.5 * stiff * beyond**2)
        energy.terms["prior"] = _add_by_frame(energy, 0.5 * pull * values**2)
        if equations is not None:
            index = np.arange(6, BODY.dof_count)
            equations.gradient[:, 6:] += stiff * beyond + pull * values
            equations.diagonal[:, index, index] += stiff + pull

    def _clip_wide_priors(
        self, state: BodyState, log_focal: float, energy: Energy, equations: NormalEquations | None
    ) -> None:
        p = self.problem
        # all frames of a clip err together, so the prior counts as much as a second's worth of them
        count = 30.0
        energy.terms["lengths"] = energy.terms["focal"] = 0.0
        if p.fit_lengths:
            deviation = state.log_length - p.log_length_prior
            stiffness = count * (
                np.eye(BODY.length_count) / p.weights.length_sigma**2 + _SIZE / p.weights.size_sigma**2
            )
            energy.terms["lengths"] = 0.5 * float(deviation @ stiffness @ deviation)
            if equations is not None:
                lengths = slice(0, BODY.length_count)
                equations.corner[lengths, lengths] += stiffness
                equations.corner_gradient[lengths] += stiffness @ deviation
        if p.fit_focal:
            energy.terms["focal"] = 0.5 * count * log_focal**2 / p.weights.focal_sigma**2
            if equations is not None:
                equations.corner[-1, -1] += count / p.weights.focal_sigma**2
                equations.corner_gradient[-1] += count * log_focal / p.weights.focal_sigma**2


class _PointEvidence:
    """Passes what terms say of points on to the normal equations; does nothing where only the energy is wanted."""

    def __init__(self, owner: Assembler, pose: Pose, equations: NormalEquations | None) -> None:
        self.equations = equations
        if equations is None:
            return
        self.pose = pose
        self.lengths = BODY.length_count if owner.problem.fit_lengths else 0
        self.composite = CompositeEvidence(pose, owner.problem.fit_lengths)

    def add(self, points: list[int], information: FloatArray, gradient: FloatArray) -> None:
        """Information (T, P, 3, 3) and gradient (T, P, 3) of points."""
        if self.equations is not None:
            self.composite.add(points, information, gradient)

    def add_relative(self, points: list[int], information: FloatArray, gradient: FloatArray) -> None:
        """The same of points relative to the root."""
        if self.equations is not None:
            self.composite.add_relative(points, information, gradient)

    def add_directions(self, ends: list[int], weight: FloatArray, directions: FloatArray, residual: FloatArray) -> None:
        """Weight (T, P) and residual (T, P, 3) of bone directions (T, P, 3)."""
        if self.equations is not None:
            information = weight[..., None, None] * np.eye(3)
            self.composite.add_directions(ends, directions, information, weight[..., None] * residual)

    def add_focal(self, points: list[int], coupling: FloatArray, corner: float, gradient: float) -> None:
        """Coupling (T, P, 3) of points to the logarithm of the focal length, and its own diagonal and gradient."""
        e = self.equations
        if e is None:
            return
        vectors = np.zeros_like(self.pose.points_m)
        vectors[:, points] = coupling
        along = self.composite.along(vectors)
        e.border[..., -1] += along[:, : BODY.dof_count]
        e.corner[-1, -1] += corner
        e.corner_gradient[-1] += gradient
        if self.lengths:
            total = np.sum(along[:, BODY.dof_count :], axis=0)
            e.corner[-1, : self.lengths] += total
            e.corner[: self.lengths, -1] += total

    def add_steps(self, points: list[int], weight: FloatArray, step: FloatArray) -> None:
        """Pull on steps of points from frame to frame: weight (T-1, P), step (T-1, P, 3)."""
        e = self.equations
        if e is None:
            return
        J = point_jacobian(self.pose, points).reshape(len(self.pose.points_m), -1, BODY.dof_count)
        w = np.repeat(weight, 3, axis=1)
        r = step.reshape(len(step), -1)
        later, earlier = J[1:], J[:-1]
        later_w, earlier_w = later * w[..., None], earlier * w[..., None]
        e.diagonal[1:] += np.swapaxes(later_w, 1, 2) @ later
        e.diagonal[:-1] += np.swapaxes(earlier_w, 1, 2) @ earlier
        e.next[:-1] -= np.swapaxes(later_w, 1, 2) @ earlier
        e.gradient[1:] += np.einsum("trd,tr->td", later_w, r)
        e.gradient[:-1] -= np.einsum("trd,tr->td", earlier_w, r)
        if self.lengths:
            change = length_jacobian(self.pose, points).reshape(len(J), -1, self.lengths)
            change = change[1:] - change[:-1]
            e.border[1:, :, : self.lengths] += np.swapaxes(later_w, 1, 2) @ change
            e.border[:-1, :, : self.lengths] -= np.swapaxes(earlier_w, 1, 2) @ change
            weighted = change * w[..., None]
            e.corner[: self.lengths, : self.lengths] += np.einsum("trg,trh->gh", weighted, change)
            e.corner_gradient[: self.lengths] += np.einsum("trg,tr->g", weighted, r)

    def finish(self) -> None:
        """Carry points over to the degrees of freedom."""
        e = self.equations
        if e is None:
            return
        D = BODY.dof_count
        matrix, gradient = self.composite.equations()
        e.diagonal += matrix[:, :D, :D]
        e.gradient += gradient[:, :D]
        if self.lengths:
            e.border[..., : self.lengths] += matrix[:, :D, D:]
            e.corner[: self.lengths, : self.lengths] += np.sum(matrix[:, D:, D:], axis=0)
            e.corner_gradient[: self.lengths] += np.sum(gradient[:, D:], axis=0)


def _add_by_frame(energy: Energy, cost: FloatArray) -> float:
    assert energy.per_frame is not None
    by_frame = np.sum(cost.reshape(len(cost), -1), axis=1)
    energy.per_frame += by_frame
    return float(np.sum(by_frame))
