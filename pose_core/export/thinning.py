"""Fewer keys in a file: curves between the keys that stay, with a bound on how far any joint is off.

Straight lines need nearly every key of a walk at 30 frames a second: a foot that is sped up by 50 m/s2 is off by
28 mm half-way between keys that are 1/15 s apart. So the keys that stay carry slopes, and programs blend them as cubic
curves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pose_core.export.clip import LocalTracks
from pose_core.maths.rotations import matrix_to_quaternion, quaternion_to_matrix
from pose_core.retarget.rig.channels import channel_rotations, euler_angles
from pose_core.types import BoolArray, FloatArray

# Every channel starts with keys that keep it within this share of the bound; more come where joints need them.
_START = 0.7
# Of the channels that move a joint wrongly those get a key that do so by this share of the worst.
_BLAMED = 0.5
# Values that differ by less than this (of a turn in radians, of the figure's size) are one value.
_STILL = 1e-7


@dataclass(frozen=True, eq=False)
class KeptKeys:
    """Which frames of a clip become keys, channel by channel: (T, N) each."""

    translations: BoolArray
    rotations: BoolArray
    scales: BoolArray
    curved: bool = False
    """Whether keys are blended as cubic curves with slopes, else as straight lines."""

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
    return KeptKeys(out[0], out[1], out[2])


def thinned(tracks: LocalTracks, parents: tuple[int, ...], reach_m: FloatArray, error_m: float, euler: bool
            ) -> KeptKeys:  # fmt: skip
    """Leave out keys as long as no joint moves by more than a bound.

    Every channel keeps few keys at first; where the whole figure, played from these, has a joint too far off, the
    channels to blame get more.

    Args:
        tracks: T frames of N nodes.
        parents: index of the node above each, -1 for none.
        reach_m: (N,) how far a node's turn reaches: distance to the farthest joint below it.
        error_m: the bound, metres.
        euler: whether the file blends Euler angles from key to key, else quaternions.
    """
    keys = all_keys(tracks)
    T, N = len(tracks.times_s), len(parents)
    if T < 3 or error_m <= 0:
        return keys
    truth = places(tracks, parents)
    rotate = _euler_of(tracks) if euler else _quaternion_of(tracks)
    turns = np.minimum(_START * error_m / np.maximum(reach_m, 1e-3), 0.5)
    found = KeptKeys(
        _columns(tracks.times_s, tracks.translations, keys.translations, np.full(N, _START * error_m / tracks.unit_m)),
        _columns(tracks.times_s, rotate.values, keys.rotations, turns * rotate.per_radian),
        _columns(tracks.times_s, tracks.scales, keys.scales, np.full(N, 1e-3)),
        curved=True,
    )
    chains = _chains(parents)
    for _ in range(T):
        played = _played(tracks, found, rotate)
        off_m = np.linalg.norm(places(played, parents) - truth, axis=-1) * tracks.unit_m
        if off_m.max() <= error_m:
            return found
        _refine(found, keys, off_m, error_m, chains, _own_errors(tracks, played, reach_m))
    return keys


def _own_errors(tracks: LocalTracks, played: LocalTracks, reach_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(T, N) how far each node's own place and own turn move what hangs on it, metres."""
    place = np.linalg.norm(played.translations - tracks.translations, axis=-1) * tracks.unit_m
    cosine = np.abs(np.sum(played.quaternions * tracks.quaternions, axis=-1))
    return place, 2.0 * np.arccos(np.clip(cosine, 0.0, 1.0)) * reach_m


def _refine(found: KeptKeys, all_of: KeptKeys, off_m: FloatArray, error_m: float, chains: list[list[int]],
            own: tuple[FloatArray, FloatArray]) -> None:  # fmt: skip
    """Put keys back where joints are worst, into the channels of their chain that are to blame."""
    for joint in np.flatnonzero(off_m.max(axis=0) > error_m):
        column = off_m[:, joint]
        peak = (column > error_m) & (column >= np.roll(column, 1)) & (column >= np.roll(column, -1))
        for frame in np.flatnonzero(peak):
            blame = [
                (errors[frame, k], mask, k)
                for errors, mask, possible in (
                    (own[0], found.translations, all_of.translations), (own[1], found.rotations, all_of.rotations)
                )
                for k in chains[joint]
                if possible[frame, k] and not mask[frame, k]
            ]  # fmt: skip
            most = max((one[0] for one in blame), default=0.0)
            for error, mask, k in blame:
                if error >= _BLAMED * most:
                    mask[frame, k] = True
            if not blame:
                found.scales[frame] = True


def _chains(parents: tuple[int, ...]) -> list[list[int]]:
    """Each node with all above it."""
    out: list[list[int]] = []
    for k, parent in enumerate(parents):
        out.append([k, *(out[parent] if parent >= 0 else [])])
    return out


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


def slopes(times_s: FloatArray, values: FloatArray) -> FloatArray:
    """Change a second of (T, ...) values."""
    return np.asarray(np.gradient(values, times_s, axis=0)) if len(times_s) > 1 else np.zeros(values.shape)


def _columns(times_s: FloatArray, values: FloatArray, keys: BoolArray, bound: FloatArray) -> BoolArray:
    """Keys of all columns: (T, N, C) values that curves follow within (N,) bounds."""
    out = np.zeros(keys.shape, dtype=np.bool_)
    slope = slopes(times_s, values)
    for k in range(keys.shape[1]):
        moving = keys[1:-1, k].any()
        out[:, k] = _curve_keys(times_s, values[:, k], slope[:, k], float(bound[k])) if moving else keys[:, k]
    return out


def _curve_keys(times_s: FloatArray, values: FloatArray, slope: FloatArray, bound: float) -> BoolArray:
    """Split where the curve is farthest off, until it is nowhere off by more than the bound."""
    keep = np.zeros(len(times_s), dtype=np.bool_)
    keep[[0, -1]] = True
    spans = [(0, len(times_s) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        ends = [first, last]
        between = times_s[first + 1 : last]
        off = np.linalg.norm(
            hermite(between, times_s[ends], values[ends], slope[ends]) - values[first + 1 : last], axis=-1
        )
        worst = int(np.argmax(off))
        if off[worst] > bound:
            middle = first + 1 + worst
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return keep


def hermite(times_s: FloatArray, keys_s: FloatArray, values: FloatArray, slope: FloatArray) -> FloatArray:
    """Cubic curves through keys.

    Args:
        times_s: (n,) where to evaluate, within the keys.
        keys_s: (k,) rising, at least one.
        values: (k, C) of the keys.
        slope: (k, C) a second.
    Returns:
        (n, C)
    """
    if len(keys_s) == 1:
        return np.broadcast_to(values[0], (len(times_s), values.shape[1])).copy()
    i = np.clip(np.searchsorted(keys_s, times_s, side="right") - 1, 0, len(keys_s) - 2)
    span = (keys_s[i + 1] - keys_s[i])[:, None]
    u = (times_s[:, None] - keys_s[i][:, None]) / span
    a, b = values[i], values[i + 1]
    cubic = u * u * (3 - 2 * u)
    return np.asarray(a + cubic * (b - a) + span * u * (1 - u) * ((1 - u) * slope[i] - u * slope[i + 1]))


def _played(tracks: LocalTracks, keys: KeptKeys, rotations: _Rotations) -> LocalTracks:
    """The clip as a program plays it from the keys, at the clip's own times."""
    times = tracks.times_s

    def between(values: FloatArray, mask: BoolArray) -> FloatArray:
        slope = slopes(times, values)
        out = np.empty(values.shape)
        for k in range(values.shape[1]):
            at = mask[:, k]
            out[:, k] = hermite(times, times[at], values[at, k], slope[at, k])
        return out

    return replace(
        tracks,
        translations=between(tracks.translations, keys.translations),
        quaternions=rotations.back(between(rotations.values, keys.rotations)),
        scales=between(tracks.scales, keys.scales),
    )
