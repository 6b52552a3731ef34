"""Fewer keys with a promise: no point of the body moves by more than a given distance at any frame.

All tracks start with keys at the ends of their runs. The whole armature is posed from the fitted curves, at every
frame; where a point is off by more than it may, the track that contributes most gets one more key, and the curves are
fitted anew, until every point is where it may be. So errors add up along a chain of bones as they will in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pose_core.errors import ConfigError
from pose_core.retarget.keys.fit import BodyFit, Fitted
from pose_core.retarget.keys.hermite import Held, long_stretches, stretches
from pose_core.retarget.keys.points import BodyPoints, Pose
from pose_core.retarget.keys.tracks import LOCATION, KeyTrack
from pose_core.retarget.keys.windows import window_around, with_edges
from pose_core.retarget.rig.channels import channel_rotations
from pose_core.retarget.rig.description import RigDescription
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
        self.fit = BodyFit(rig, tracks, runs, self.body, curved)
        unit = 1000.0 * rig.scale  # millimetres an armature unit
        tolerance = np.full(self.fit.truth.points.shape[:2], error_mm / unit)
        for number, one in zip(self.body.extra_points, planted, strict=True):
            if number is not None:
                tolerance[one.mask, number] = min(error_mm, PLANTED_MM) / unit
        self.tolerance = np.maximum(tolerance - _KEPT_M / rig.scale, 0.5 * tolerance)
        self.ancestry = self._ancestry()

    def _ancestry(self) -> IntArray:
        """(n, depth) for each node itself and the nodes above it, from the root down; -1 fills up."""
        chains: list[list[int]] = []
        for k, p in enumerate(self.body.parents):
            chains.append([*(chains[p] if p >= 0 else []), k])
        out = np.full((len(chains), len(self.fit.levels)), -1)
        for k, chain in enumerate(chains):
            out[k, : len(chain)] = chain
        return out

    def solve(self) -> list[KeyTrack]:
        """Add keys until all points are within their tolerance, then see which of them can go again."""
        values = np.zeros((len(self.tracks), self.n, 4))
        for i, track in enumerate(self.tracks):
            values[i, :, : track.values.shape[1]] = track.values
        everything = self.flat = self.fit.samples_of(values)
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

    def _completed(self, knots: BoolArray, spare: BoolArray) -> tuple[BoolArray, Fitted] | None:
        """Add keys until all points are within their tolerance.

        Args:
            knots: (tracks, n) keys to start with.
            spare: (tracks, n) keys to add rather than new ones.
        Returns:
            The keys and their fit; None if it takes too long.
        """
        tried = self.fit.fitted(knots)
        ratio = _excess(tried.pose, self.fit.truth, self.tolerance)
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
                tried = self.fit.fitted(knots)
                ratio = _excess(tried.pose, self.fit.truth, self.tolerance)
            else:
                part = self.fit.part(window)
                edged, stays = with_edges(knots[:, frames], window)
                found = part.fitted(edged, Held(stays, tried.values[:, frames], tried.slopes[:, frames]))
                tried.put(frames, found)
                ratio[frames] = _excess(found.pose, part.truth, self.tolerance[frames])
        return None

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
                tolerance = tolerance / max(float(np.max(np.linalg.norm(self.fit.levers[k], axis=-1))), 1e-9)
                # half the angle is what a quaternion holds
                tolerance = tolerance * (2.0 if len(track.mode) == 3 else 0.5)
            out[i] = _FIRST_GUESS * tolerance
        return out

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

    def _blame(self, tried: Fitted, ratio: FloatArray, knots: BoolArray, step: int) -> BoolArray:
        """(tracks, n) how far each track's own error puts points off; 0 where it is not the main cause of an excess."""
        body, pose = self.body, tried.pose
        worst = np.stack([rows.start + np.argmax(ratio[:, rows], axis=1) for rows in body.node_points], axis=1)
        t, k = np.nonzero(np.take_along_axis(ratio, worst, axis=1) > 1.0)
        p = worst[t, k]
        along = pose.points[t, p] - self.fit.truth.points[t, p]
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

    def _own_error(self, i: int, tried: Fitted, t: IntArray) -> FloatArray:
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

    def _tracks_from(self, knots: BoolArray, tried: Fitted) -> list[KeyTrack]:
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


def _excess(pose: Pose, truth: Pose, tolerance: FloatArray) -> FloatArray:
    """(n, P) distance of every point from where it was, in tolerances (n, P)."""
    off = pose.points - truth.points
    return np.asarray(np.sqrt(np.einsum("tpi,tpi->tp", off, off)) / tolerance)
