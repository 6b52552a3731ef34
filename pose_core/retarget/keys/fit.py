"""Fit all tracks of a body for given knots: from the root down, each to what undoes the errors of those above it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from pose_core.maths.rotations import matrix_to_quaternion, quaternion_multiply, skew
from pose_core.retarget.keys.hermite import Held, Samples, fit_curves
from pose_core.retarget.keys.points import BodyPoints, Pose
from pose_core.retarget.keys.tracks import LOCATION, KeyTrack
from pose_core.retarget.keys.windows import Window
from pose_core.retarget.rig.channels import channel_rotations, near_channels
from pose_core.retarget.rig.description import RigDescription
from pose_core.types import BoolArray, FloatArray, IntArray

# Part of a shift from above that a rotation makes up for; all of it would put the noise of one bone into the next.
_MAKE_UP = 0.5
# Bones much shorter than this are not turned to make up for a shift.
_SHORT_LEVER_M = 0.03


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit of all tracks, by their numbers, and the pose it makes."""

    pose: Pose
    values: FloatArray
    """(tracks, n, 4) fitted channel values; tracks of three channels have a fourth of zeros."""
    slopes: FloatArray
    """(tracks, n, 4) of the fitted curves."""
    targets: FloatArray
    """(tracks, n, 4) what they were fitted to."""

    @classmethod
    def empty(cls, tracks: int, pose: Pose) -> Self:
        """Room for a fit."""
        room = (tracks, len(pose.points), 4)
        return cls(pose, np.zeros(room), np.zeros(room), np.zeros(room))

    def put(self, frames: IntArray, part: Self) -> None:
        """Take over some frames."""
        for own, new in ((self.pose.points, part.pose.points), (self.pose.heads, part.pose.heads),
                         (self.pose.D, part.pose.D)):  # fmt: skip
            own[frames] = new
        for own, new in ((self.values, part.values), (self.slopes, part.slopes), (self.targets, part.targets)):
            own[:, frames] = new


class BodyFit:
    """All that stays the same while knots change."""

    def __init__(
        self, rig: RigDescription, tracks: Sequence[KeyTrack], runs: IntArray, body: BodyPoints, curved: bool
    ) -> None:
        """Pose the body as it should be.

        Args:
            rig: what the tracks move.
            tracks: dense keys, all at the same n frames.
            runs: (R,) where runs without a gap begin.
            body: the points that are looked at.
            curved: smooth curves between knots; else straight lines.
        """
        self.rig, self.tracks, self.runs, self.body, self.curved = rig, tracks, runs, body, curved
        self.n = len(tracks[0].frames)
        self.truth = body.place([track.values for track in tracks])
        self.levels = self._levels()
        self.levers = [self._levers(k) for k in range(len(body.bones))]
        self._turns = [self._turn_by_shift(levers) for levers in self.levers]

    def _levels(self) -> list[list[int]]:
        """Nodes by how many nodes are above them."""
        depth: list[int] = []
        for hang in self.body.hangs:
            above = [depth[p] for p in (hang.rotation_of, hang.location_of) if p >= 0]
            depth.append(max(above, default=-1) + 1)
        return [[k for k, d in enumerate(depth) if d == level] for level in range(max(depth) + 1)]

    def _levers(self, k: int) -> FloatArray:
        """(m, 3) what a node's rotation swings directly: heads of the nodes below, its points where there are none."""
        body, rig = self.body, self.rig
        below = [rig.heads[body.bones[c]] - rig.heads[body.bones[k]] for c, p in enumerate(body.parents) if p == k]
        return np.array(below) if below else body.offsets[k]

    def samples_of(self, values: FloatArray) -> Samples:
        """Tracks (tracks, n, 4) one behind the other."""
        starts = (np.arange(len(values))[:, None] * self.n + self.runs).ravel()
        return Samples(np.tile(self.tracks[0].frames, len(values)), values.reshape(-1, 4), starts)

    def part(self, window: Window) -> Self:
        """The same problem for some frames, each stretch of them a run."""
        part, frames = copy(self), window.frames
        part.n, part.runs = len(frames), window.runs
        part.tracks = [replace(t, frames=t.frames[frames], values=t.values[frames]) for t in self.tracks]
        part.truth = Pose(*(values[frames] for values in (self.truth.points, self.truth.heads, self.truth.D)))
        return part

    def fitted(self, knots: BoolArray, held: Held | None = None) -> Fitted:
        """Fit the tracks from the root down, each to what undoes the errors of those above it.

        Args:
            knots: (tracks, n)
            held: knots that stay, its arrays (tracks, n, ...).
        """
        body = self.body
        pose = Pose.empty(self.n, len(body.bones), len(body.point_node))
        tried = Fitted.empty(len(self.tracks), pose)
        for level in self.levels:
            tracks = [(k, i) for k in level for i in body.node_tracks[k]]
            moving = {k: i for k, i in tracks if self.tracks[i].channel == LOCATION}
            turning = {k: i for k, i in tracks if self.tracks[i].channel != LOCATION}
            for i in moving.values():
                tried.targets[i, :, :3] = self.tracks[i].values
            self._fit_tracks(list(moving.values()), knots, held, tried)
            for k in level:
                body.place_head(pose, k, tried.values[moving[k], :, :3] if k in moving else None)
            for i in turning.values():
                target = self._target(i, pose)
                tried.targets[i, :, : target.shape[1]] = target
            self._fit_tracks(list(turning.values()), knots, held, tried)
            for k in level:
                basis = None
                if k in turning:
                    track = self.tracks[turning[k]]
                    basis = channel_rotations(tried.values[turning[k], :, : track.values.shape[1]], track.mode)
                body.place_rest(pose, k, basis)
        return tried

    def _fit_tracks(self, numbers: list[int], knots: BoolArray, held: Held | None, tried: Fitted) -> None:
        if not numbers:
            return
        own = None
        if held is not None:
            flat = held.values[numbers].reshape(-1, 4), held.slopes[numbers].reshape(-1, 4)
            own = Held(held.mask[numbers].ravel(), *flat)
        fit = fit_curves(self.samples_of(tried.targets[numbers]), knots[numbers].ravel(), self.curved, own)
        tried.values[numbers] = fit.fitted.reshape(len(numbers), self.n, 4)
        tried.slopes[numbers] = fit.fitted_slopes.reshape(len(numbers), self.n, 4)

    def _target(self, i: int, pose: Pose) -> FloatArray:
        """(n, C) channel values of a rotation that bring what it swings back to its place, as far as it can."""
        track, k = self.tracks[i], int(self.body.track_node[i])
        if track.mode == "AXIS_ANGLE":
            return track.values
        D = self.truth.D[:, k]
        R = self.rig.rest_rotations[self.body.bones[k]]
        lost = self.truth.heads[:, k] - pose.heads[:, k]
        # along the axes of rest the inertia is the same at all frames, so one matrix makes a turn of a shift
        turn = ((lost[:, None] @ D)[:, 0] @ self._turns[k]) @ R
        basis = np.swapaxes(self.body.above(pose, k) @ R, -1, -2) @ (D @ R)
        small = np.concatenate([np.ones((self.n, 1)), 0.5 * turn], axis=1)
        wanted = quaternion_multiply(matrix_to_quaternion(basis), small)
        wanted /= np.sqrt(np.einsum("ti,ti->t", wanted, wanted))[:, None]
        return near_channels(wanted, track.mode, track.values)

    def _turn_by_shift(self, levers: FloatArray) -> FloatArray:
        """(3, 3) that takes a shift (as a row, axes of rest) to the turn that makes up for part of it."""
        inertia = np.eye(3) * np.sum(levers**2) - levers.T @ levers
        inertia += np.eye(3) * len(levers) * (_SHORT_LEVER_M / self.rig.scale) ** 2
        return np.asarray(_MAKE_UP * skew(np.sum(levers, axis=0)).T @ np.linalg.inv(inertia))
