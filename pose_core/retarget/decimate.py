"""Fewer keys with a promise: no point of the body moves by more than a given distance at any frame.

All tracks start with keys at the ends of their runs. The whole armature is posed from the fitted curves, at every
frame; where a point is off by more than it may, the track that contributes most gets one more key, and the curves are
fitted anew, until every point is where it may be. So errors add up along a chain of bones as they will in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from pose_core.errors import ConfigError
from pose_core.retarget.body_points import BodyPoints, Pose
from pose_core.retarget.channels import channel_rotations, near_channels
from pose_core.retarget.hermite import Held, Samples, fit_curves, long_stretches, stretches
from pose_core.retarget.key_tracks import LOCATION, KeyTrack
from pose_core.retarget.key_windows import Window, window_around, with_edges
from pose_core.retarget.rig import RigDescription
from pose_core.rotations import matrix_to_quaternion, quaternion_multiply, skew
from pose_core.types import BoolArray, FloatArray, IntArray

LEAST_MM, MOST_MM = 0.1, 100.0
PLANTED_MM = 0.8
"""A planted point may be this far from where it was: less than a millimetre, so that feet do not slide."""
# Part of the bound kept for Blender's single precision.
_KEPT_M = 1e-5
# The first guess lets each track use this many times what it might if it alone were off: smooth fits are that much
# better than the guess.
_FIRST_GUESS = 1.5
# What is far below a bone may be off by this many times its tolerance in that guess: bones between make up for it.
_FAR_SHARE = 2.0
# Part of a shift from above that a rotation makes up for; all of it would put the noise of one bone into the next.
_MAKE_UP = 0.5
# Bones much shorter than this are not turned to make up for a shift.
_SHORT_LEVER_M = 0.03
# In the first passes only the main cause of an excess gets a key, later also causes of this share of it.
_CAREFUL_PASSES, _ALSO_BLAMED = 2, 0.6
_MOST_PASSES = 60
# Curves change within this many frames of a new key; where that is most of them, all are fitted anew.
_WINDOW, _MOST_OF = 24, 0.7
# Frames to each side that get keys where a stretch to blame cannot be split.
_AROUND = 3
# Every how many-th key is tried to do without, in as many rounds.
_THINNING = 3


@dataclass(frozen=True, eq=False)
class _Tried:
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


@dataclass(frozen=True, eq=False)
class Planted:
    """A point that stands on the floor for a while."""

    bone: str
    rest_position: FloatArray
    """(3,) armature space."""
    mask: BoolArray
    """(n,) when, at the frames of the tracks."""


def decimated(
    rig: RigDescription,
    tracks: Sequence[KeyTrack],
    error_mm: float,
    runs: IntArray | None = None,
    planted: Sequence[Planted] = (),
    curved: bool = True,
) -> list[KeyTrack]:
    """Leave out keys that are not needed.

    Args:
        rig: what the tracks move.
        tracks: dense keys, all at the same n frames.
        error_mm: how far any joint, tip or point beside a bone may be off at the frames of the tracks.
        runs: (R,) where runs without a gap begin; None = one run.
        planted: points that must stay within PLANTED_MM at some frames.
        curved: smooth curves between keys; else straight lines.
    Returns:
        Tracks with fewer keys, each with slopes if `curved`.
    Raises:
        ConfigError: `error_mm` is outside LEAST_MM to MOST_MM.
    """
    check_error_mm(error_mm)
    if not tracks or len(tracks[0].frames) < 3:
        return list(tracks)
    return _Problem(rig, tracks, error_mm, np.array([0]) if runs is None else runs, planted, curved).solve()


def check_error_mm(error_mm: float) -> None:
    """Check a bound for `decimated`.

    Raises:
        ConfigError: it is outside LEAST_MM to MOST_MM.
    """
    if not LEAST_MM <= error_mm <= MOST_MM:
        raise ConfigError(
            f"The error of decimation must be {LEAST_MM:g} to {MOST_MM:g} mm, but is {error_mm:g}.",
            "Leave it off to keep all keys.",
        )


class _Problem:
    """All that stays the same while keys are added."""

    def __init__(
        self,
        rig: RigDescription,
        tracks: Sequence[KeyTrack],
        error_mm: float,
        runs: IntArray,
        planted: Sequence[Planted],
        curved: bool,
    ) -> None:
        self.rig, self.tracks, self.runs, self.curved = rig, tracks, runs, curved
        self.n = len(tracks[0].frames)
        self.body = BodyPoints(rig, tracks, [(p.bone, p.rest_position) for p in planted])
        self.truth = self.body.place([track.values for track in tracks])
        unit = 1000.0 * rig.scale  # millimetres an armature unit
        tolerance = np.full(self.truth.points.shape[:2], error_mm / unit)
        for number, one in zip(self.body.extra_points, planted, strict=True):
            if number is not None:
                tolerance[one.mask, number] = min(error_mm, PLANTED_MM) / unit
        self.tolerance = np.maximum(tolerance - _KEPT_M / rig.scale, 0.5 * tolerance)
        self.levels = self._levels()
        self.ancestry = self._ancestry()
        self.levers = [self._levers(k) for k in range(len(self.body.bones))]
        self.turn_by_shift = [self._turn_by_shift(levers) for levers in self.levers]

    def _levels(self) -> list[list[int]]:
        """Nodes by how many nodes are above them."""
        depth: list[int] = []
        for hang in self.body.hangs:
            above = [depth[p] for p in (hang.rotation_of, hang.location_of) if p >= 0]
            depth.append(max(above, default=-1) + 1)
        return [[k for k, d in enumerate(depth) if d == level] for level in range(max(depth) + 1)]

    def _ancestry(self) -> IntArray:
        """(n, depth) for each node itself and the nodes above it, from the root down; -1 fills up."""
        chains: list[list[int]] = []
        for k, p in enumerate(self.body.parents):
            chains.append([*(chains[p] if p >= 0 else []), k])
        out = np.full((len(chains), len(self.levels)), -1)
        for k, chain in enumerate(chains):
            out[k, : len(chain)] = chain
        return out

    def _levers(self, k: int) -> FloatArray:
        """(m, 3) what a node's rotation swings directly: heads of the nodes below, its points where there are none."""
        body, rig = self.body, self.rig
        below = [rig.heads[body.bones[c]] - rig.heads[body.bones[k]] for c, p in enumerate(body.parents) if p == k]
        return np.array(below) if below else body.offsets[k]

    def samples_of(self, values: FloatArray) -> Samples:
        """Tracks (tracks, n, 4) one behind the other."""
        starts = (np.arange(len(values))[:, None] * self.n + self.runs).ravel()
        return Samples(np.tile(self.tracks[0].frames, len(values)), values.reshape(-1, 4), starts)

    def solve(self) -> list[KeyTrack]:
        """Add keys until all points are within their tolerance, then see which of them can go again."""
        values = np.zeros((len(self.tracks), self.n, 4))
        for i, track in enumerate(self.tracks):
            values[i, :, : track.values.shape[1]] = track.values
        everything = self.flat = self.samples_of(values)
        self.ends = everything.ends_mask().reshape(len(self.tracks), self.n)
        guess = long_stretches(everything, self._own_tolerance().ravel(), self.curved).reshape(self.ends.shape)
        found = self._completed(guess, np.zeros_like(guess))
        if found is None:
            return list(self.tracks)
        for offset in range(_THINNING):
            inner = found[0] & ~self.ends
            left_out = inner & (np.cumsum(inner, axis=1) % _THINNING == offset)
            fewer = self._completed(found[0] & ~left_out, left_out)
            if fewer is not None and np.sum(fewer[0]) < np.sum(found[0]):
                found = fewer
        return self._tracks_from(*found)

    def _completed(self, knots: BoolArray, spare: BoolArray) -> tuple[BoolArray, _Tried] | None:
        """Add keys until all points are within their tolerance.

        Args:
            knots: (tracks, n) keys to start with.
            spare: (tracks, n) keys to add rather than new ones.
        Returns:
            The keys and their fit; None if it takes too long.
        """
        tried = self._fitted(knots)
        ratio = self._excess(tried.pose)
        for step in range(_MOST_PASSES):
            if np.max(ratio) <= 1.0:
                return knots, tried
            score = self._blame(tried, ratio, knots, step)
            new = self._wanted(score, knots, spare)
            knots = knots | new
            # only near new keys anything changes
            window = window_around(np.any(new, axis=0), _WINDOW, self.runs)
            frames = window.frames
            if len(frames) > _MOST_OF * self.n:
                tried = self._fitted(knots)
                ratio = self._excess(tried.pose)
            else:
                part = self._part(window)
                edged, stays = with_edges(knots[:, frames], window)
                fit = part._fitted(edged, Held(stays, tried.values[:, frames], tried.slopes[:, frames]))
                tried.put(frames, fit)
                ratio[frames] = part._excess(fit.pose)
        return None

    def _excess(self, pose: Pose) -> FloatArray:
        """(n, P) distance of every point from where it was, in tolerances."""
        off = pose.points - self.truth.points
        return np.asarray(np.sqrt(np.einsum("tpi,tpi->tp", off, off)) / self.tolerance)

    def _part(self, window: Window) -> _Problem:
        """The same problem for some frames, each stretch of them a run."""
        part, frames = copy(self), window.frames
        part.n, part.runs = len(frames), window.runs
        part.tracks = [replace(t, frames=t.frames[frames], values=t.values[frames]) for t in self.tracks]
        part.truth = Pose(*(values[frames] for values in (self.truth.points, self.truth.heads, self.truth.D)))
        part.tolerance = self.tolerance[frames]
        return part

    def _own_tolerance(self) -> FloatArray:
        """(tracks, n) how far the values of a track may be off if it alone were."""
        body, out = self.body, np.empty((len(self.tracks), self.n))
        for i, track in enumerate(self.tracks):
            k = int(body.track_node[i])
            points = body.node_points[k]
            below = [body.node_points[c] for c, p in enumerate(body.parents) if p == k]
            near = [np.min(self.tolerance[:, rows], axis=1) for rows in (points, *below)]
            moved = np.any(self.ancestry[body.point_node] == k, axis=1)
            tolerance = np.minimum(np.min(near, axis=0), _FAR_SHARE * np.min(self.tolerance[:, moved], axis=1))
            if track.channel != LOCATION:
                tolerance = tolerance / max(float(np.max(np.linalg.norm(self.levers[k], axis=-1))), 1e-9)
                # half the angle is what a quaternion holds
                tolerance = tolerance * (2.0 if len(track.mode) == 3 else 0.5)
            out[i] = _FIRST_GUESS * tolerance
        return out

    def _fitted(self, knots: BoolArray, held: Held | None = None) -> _Tried:
        """Fit the tracks from the root down, each to what undoes the errors of those above it.

        Args:
            knots: (tracks, n)
            held: knots that stay, its arrays (tracks, n, ...).
        """
        body = self.body
        pose = Pose.empty(self.n, len(body.bones), len(body.point_node))
        tried = _Tried.empty(len(self.tracks), pose)
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

    def _fit_tracks(self, numbers: list[int], knots: BoolArray, held: Held | None, tried: _Tried) -> None:
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
        turn = ((lost[:, None] @ D)[:, 0] @ self.turn_by_shift[k]) @ R
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

    def _wanted(self, blamed: BoolArray, knots: BoolArray, spare: BoolArray) -> BoolArray:
        """(tracks, n) further knots: spare ones in stretches that are to blame, or else the middles of these."""
        left, _ = stretches(self.flat, knots.ravel())
        firsts = np.flatnonzero(np.concatenate([[True], np.diff(left) != 0]))
        sizes = np.diff(np.append(firsts, len(left)))
        guilty = np.logical_or.reduceat(blamed.ravel(), firsts)
        new = spare & ~knots & np.repeat(guilty, sizes).reshape(knots.shape)
        if not np.any(new):
            new.ravel()[(firsts + (sizes + 1) // 2)[guilty & (sizes > 1)]] = True
            new &= ~knots
        if not np.any(new):
            # nothing is left to split there: the errors come from nearby, so everything gets keys around
            around = np.flatnonzero(np.any(blamed, axis=0))[:, None] + np.arange(-_AROUND, _AROUND + 1)
            new[:, np.clip(around, 0, self.n - 1).ravel()] = True
            new &= ~knots
        return new if np.any(new) else ~knots

    def _blame(self, tried: _Tried, ratio: FloatArray, knots: BoolArray, step: int) -> BoolArray:
        """(tracks, n) how far each track's own error puts points off; 0 where it is not the main cause of an excess."""
        body, pose = self.body, tried.pose
        worst = np.stack([rows.start + np.argmax(ratio[:, rows], axis=1) for rows in body.node_points], axis=1)
        t, k = np.nonzero(np.take_along_axis(ratio, worst, axis=1) > 1.0)
        p = worst[t, k]
        along = pose.points[t, p] - self.truth.points[t, p]
        along = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-300)
        share = np.full((len(t), len(self.tracks)), -np.inf)
        for i, track in enumerate(self.tracks):
            node = int(body.track_node[i])
            depth = int(np.flatnonzero(self.ancestry[node] == node)[0])
            rows = np.flatnonzero(self.ancestry[k, depth] == node)
            if len(rows) == 0:
                continue
            own = self._own_error(i, tried, t[rows])
            if track.channel != LOCATION:
                swung = pose.points[t[rows], p[rows]]
                if depth + 1 < self.ancestry.shape[1]:
                    following = self.ancestry[k[rows], depth + 1]
                    beyond = following >= 0
                    swung[beyond] = pose.heads[t[rows], following][beyond]
                own = np.cross(own, swung - pose.heads[t[rows], node])
            share[rows, i] = np.sum(own * along[rows], axis=-1)
        # with keys all around there is nothing to add
        full = knots & np.roll(knots, 1, axis=1) & np.roll(knots, -1, axis=1)
        share[full[:, t].T] = -np.inf
        most = np.max(share, axis=1, keepdims=True)
        least = 1.0 if step < _CAREFUL_PASSES else _ALSO_BLAMED
        blamed = np.isfinite(share) & (share >= least * np.maximum(most, 0.0)) | (share == most) & np.isfinite(most)
        row, causes = np.nonzero(blamed)
        score = np.zeros((len(self.tracks), self.n), dtype=np.bool_)
        score[causes, t[row]] = True
        stuck = ~np.isfinite(most[:, 0])
        if np.any(stuck):
            # the errors come from stretches nearby: give these keys too, on everything that moves the point
            for at, node in set(zip(t[stuck].tolist(), k[stuck].tolist(), strict=True)):
                movers = np.isin(body.track_node, self.ancestry[node])
                score[movers, max(at - 2 - step, 0) : at + 3 + step] = True
        return score

    def _own_error(self, i: int, tried: _Tried, t: IntArray) -> FloatArray:
        """(N, 3) how far a track is from its target at N frames: a shift or a small rotation vector, armature axes."""
        track, k = self.tracks[i], int(self.body.track_node[i])
        b, above = self.body.bones[k], self.body.above(tried.pose, k)[t]
        axes = above @ self.rig.rest_rotations[b]
        C = track.values.shape[1]
        values, targets = tried.values[i, t, :C], tried.targets[i, t, :C]
        if track.channel == LOCATION:
            own = values - targets
            axes = axes if self.rig.local_location[b] else above
        else:
            R = channel_rotations(values, track.mode) @ np.swapaxes(channel_rotations(targets, track.mode), -1, -2)
            # of a small rotation the antisymmetric part is its vector
            own = 0.5 * np.stack([R[:, 2, 1] - R[:, 1, 2], R[:, 0, 2] - R[:, 2, 0], R[:, 1, 0] - R[:, 0, 1]], axis=-1)
        return np.asarray((axes @ own[..., None])[..., 0])

    def _tracks_from(self, knots: BoolArray, tried: _Tried) -> list[KeyTrack]:
        """The keys that are left."""
        last = np.zeros(self.n, dtype=np.bool_)
        last[np.append(self.runs[1:], self.n) - 1] = True
        return [
            replace(
                track,
                frames=track.frames[knots[i]],
                values=tried.values[i, knots[i], : track.values.shape[1]],
                slopes=tried.slopes[i, knots[i], : track.values.shape[1]] if self.curved else None,
                smooth=~last[knots[i]] if self.curved else None,
            )
            for i, track in enumerate(self.tracks)
        ]
