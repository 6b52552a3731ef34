"""Fewer keys in a file: straight lines between the keys that stay, with a bound on how far any joint is off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pose_core.export.clip import LocalTracks
from pose_core.retarget.channels import channel_rotations, euler_angles
from pose_core.rotations import matrix_to_quaternion, quaternion_to_matrix
from pose_core.types import BoolArray, FloatArray

_ROUNDS = 12
_SHRINK = 0.7
# Values that differ by less than this (of a turn in radians, of the figure's size) are one value.
_STILL = 1e-7


@dataclass(frozen=True, eq=False)
class KeptKeys:
    """Which frames of a clip become keys, channel by channel: (T, N) each."""

    translations: BoolArray
    rotations: BoolArray
    scales: BoolArray

    @property
    def most(self) -> int:
        """Number of keys of the channel that has most."""
        return int(max(np.sum(mask, axis=0).max() for mask in (self.translations, self.rotations)))


def all_keys(tracks: LocalTracks) -> KeptKeys:
    """A key a frame, but two for what does not move."""
    T, N = tracks.translations.shape[:2]
    size = max(float(np.abs(tracks.translations).max()), 1e-9)
    out = []
    for values, still in (
        (tracks.translations, _STILL * size), (tracks.quaternions, _STILL), (tracks.scales, _STILL)
    ):  # fmt: skip
        mask = np.ones((T, N), dtype=np.bool_)
        mask[1:-1, np.all(np.ptp(values, axis=0) <= still, axis=-1)] = False
        out.append(mask)
    return KeptKeys(*out)


def thinned(tracks: LocalTracks, parents: tuple[int, ...], reach_m: FloatArray, error_m: float, euler: bool
            ) -> KeptKeys:  # fmt: skip
    """Leave out keys as long as no joint moves by more than a bound.

    The bound is shared out over a chain of bones, and shrunk until the whole figure, played from the keys that are
    left, keeps it.

    Args:
        tracks: T frames of N nodes.
        parents: index of the node above each, -1 for none.
        reach_m: (N,) how far a node's turn reaches: distance to the farthest joint below it.
        error_m: the bound, metres.
        euler: whether the file blends Euler angles from key to key, else quaternions.
    """
    keys = all_keys(tracks)
    T = len(tracks.times_s)
    if T < 3 or error_m <= 0:
        return keys
    truth = places(tracks, parents)
    rotate = _euler_of(tracks) if euler else _quaternion_of(tracks)
    share = error_m / np.maximum(_depth(parents), 1) ** 0.5
    for _ in range(_ROUNDS):
        turns = np.minimum(share / np.maximum(reach_m, 1e-3), 0.5)
        found = KeptKeys(
            _columns(tracks.times_s, tracks.translations, keys.translations, share / tracks.unit_m),
            _columns(tracks.times_s, rotate.values, keys.rotations, turns * rotate.per_radian),
            _columns(tracks.times_s, tracks.scales, keys.scales, np.full(len(parents), 1e-3)),
        )
        played = places(_played(tracks, found, rotate), parents)
        worst = float(np.linalg.norm(played - truth, axis=-1).max()) * tracks.unit_m
        if worst <= error_m:
            return found
        share = share * (_SHRINK if worst < 2 * error_m else 0.5 * _SHRINK)
    return keys


def places(tracks: LocalTracks, parents: tuple[int, ...]) -> FloatArray:
    """(T, N, 3) where the nodes are, in the file's axes and units."""
    R = quaternion_to_matrix(tracks.quaternions) * tracks.scales[..., None, :]
    turn, place = np.empty(R.shape), np.empty(tracks.translations.shape)
    for k, parent in enumerate(parents):
        if parent < 0:
            turn[:, k], place[:, k] = R[:, k], tracks.translations[:, k]
        else:
            turn[:, k] = turn[:, parent] @ R[:, k]
            place[:, k] = place[:, parent] + np.einsum("tij,tj->ti", turn[:, parent], tracks.translations[:, k])
    return place


def reaches(rest: FloatArray, parents: tuple[int, ...]) -> FloatArray:
    """(N,) distance from each node to the farthest one below it, from (N, 3) places at rest."""
    out = np.zeros(len(parents))
    for k in range(len(parents)):
        above = parents[k]
        while above >= 0:
            out[above] = max(out[above], float(np.linalg.norm(rest[k] - rest[above])))
            above = parents[above]
    return out


def _depth(parents: tuple[int, ...]) -> FloatArray:
    """(N,) number of nodes in the longest chain through each."""
    up = np.zeros(len(parents))
    for k, parent in enumerate(parents):
        up[k] = 1 if parent < 0 else up[parent] + 1
    below = np.ones(len(parents))
    for k in reversed(range(len(parents))):
        if parents[k] >= 0:
            below[parents[k]] = max(below[parents[k]], below[k] + 1)
    return np.asarray(up + below - 1)


@dataclass(frozen=True, eq=False)
class _Rotations:
    values: FloatArray
    per_radian: float
    back: Callable[[FloatArray], FloatArray]


def _quaternion_of(tracks: LocalTracks) -> _Rotations:
    # half the angle is what a unit quaternion moves by
    return _Rotations(tracks.quaternions, 0.5, lambda q: q / np.linalg.norm(q, axis=-1, keepdims=True))


def _euler_of(tracks: LocalTracks) -> _Rotations:
    angles = euler_angles(tracks.quaternions, "XYZ")
    return _Rotations(angles, 1.0, lambda a: matrix_to_quaternion(channel_rotations(a, "XYZ")))


def _columns(times_s: FloatArray, values: FloatArray, keys: BoolArray, bound: FloatArray) -> BoolArray:
    """Keys of all columns: (T, N, C) values that straight lines follow within (N,) bounds."""
    out = np.zeros(keys.shape, dtype=np.bool_)
    for k in range(keys.shape[1]):
        moving = keys[1:-1, k].any()
        out[:, k] = _line_keys(times_s, values[:, k], float(bound[k])) if moving else keys[:, k]
    return out


def _line_keys(times_s: FloatArray, values: FloatArray, bound: float) -> BoolArray:
    """Split where a straight line is farthest off, until none is off by more than the bound."""
    keep = np.zeros(len(times_s), dtype=np.bool_)
    keep[[0, -1]] = True
    spans = [(0, len(times_s) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        share = (times_s[first + 1 : last] - times_s[first]) / (times_s[last] - times_s[first])
        line = values[first] + share[:, None] * (values[last] - values[first])
        off = np.linalg.norm(values[first + 1 : last] - line, axis=-1)
        worst = int(np.argmax(off))
        if off[worst] > bound:
            middle = first + 1 + worst
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return keep


def _played(tracks: LocalTracks, keys: KeptKeys, rotations: _Rotations) -> LocalTracks:
    """The clip as a program plays it from the keys, at the clip's own times."""
    times = tracks.times_s

    def between(values: FloatArray, mask: BoolArray) -> FloatArray:
        out = np.empty(values.shape)
        for k in range(values.shape[1]):
            at = times[mask[:, k]]
            for c in range(values.shape[2]):
                out[:, k, c] = np.interp(times, at, values[mask[:, k], k, c])
        return out

    return replace(
        tracks,
        translations=between(tracks.translations, keys.translations),
        quaternions=rotations.back(between(rotations.values, keys.rotations)),
        scales=between(tracks.scales, keys.scales),
    )
