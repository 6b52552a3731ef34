"""Repair of a 2D track before lifting: sides that the model exchanged, and keypoints that jump for a frame or two."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from pose_core.lift.spikes import SpikeTuning, find_spikes
from pose_core.lift.swap_cues import side_of_facing, trunk_agreement
from pose_core.lift.swaps import (
    LIMB_GROUPS,
    STATES,
    SwapTuning,
    groups_of,
    likeliest_states,
    pair_evidence,
    state_costs,
)
from pose_core.skeletons import keypoint_set
from pose_core.types import BoolArray, FloatArray, KeypointTrack

_SIZE_WINDOW_S = 1.0
_DEPTH_FRAMES = 4


@dataclass(frozen=True)
class RepairTuning:
    """What to repair, and what to expect of people and of 2D models."""

    swaps: bool = True
    """Put exchanged sides right."""
    spikes: bool = True
    """Take out keypoints that jump for a frame or two."""
    swap_model: SwapTuning = field(default_factory=SwapTuning)
    spike_model: SpikeTuning = field(default_factory=SpikeTuning)


@dataclass(frozen=True)
class SwapSpan:
    """Frames `start` to `stop` - 1 of the track, and the limbs whose sides were exchanged back in them."""

    start: int
    stop: int
    limbs: tuple[str, ...]
    """Some of `head`, `arms`, `legs`."""


@dataclass(frozen=True)
class RepairReport:
    """What was changed."""

    swapped: tuple[SwapSpan, ...] = ()
    spikes_removed: int = 0
    """Keypoints that were taken out."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for diagnostics."""
        spans = [{"start": s.start, "stop": s.stop, "limbs": list(s.limbs)} for s in self.swapped]
        return {"swapped": spans, "spikes_removed": self.spikes_removed}


def repair_track(track: KeypointTrack, config: RepairTuning | None = None) -> tuple[KeypointTrack, RepairReport]:
    """Put exchanged sides right and take out spikes.

    Limbs that cross in the picture are left alone as long as both go on smoothly. Which of two labellings is right
    is decided by the longer time.

    Args:
        track: keypoints of one person, any set, rate and length.
        config: what to repair; None = everything.
    Returns:
        The track with positions, confidences and the model's own 3D of exchanged limbs changed over, spikes NaN with
        confidence 0; and what was done.
    """
    config = config or RepairTuning()
    size_px = body_sizes(track)
    spans: tuple[SwapSpan, ...] = ()
    if config.swaps:
        exchanged = find_swaps(track, size_px, config.swap_model)
        track, spans = _exchange(track, exchanged), _spans(exchanged)
    spikes = 0
    if config.spikes:
        wrong = find_spikes(track.xy_px, track.confidence, track.timestamps_s, size_px, config.spike_model)
        spikes = int(np.sum(wrong))
        track = replace(
            track,
            xy_px=np.where(wrong[..., None], np.nan, track.xy_px),
            confidence=np.where(wrong, 0.0, track.confidence),
        )
    return track, RepairReport(spans, spikes)


def body_sizes(track: KeypointTrack) -> FloatArray:
    """(T,) size of the body in the picture, pixels: diagonal around the keypoints, calm over about a second.

    It does not change with the sides' labels. Frames without keypoints take it from their neighbours.
    """
    frames = len(track.timestamps_s)
    xy = np.where((track.confidence > 0)[..., None], track.xy_px, np.nan)
    known = np.sum(np.isfinite(xy[..., 0]), axis=1) >= 4
    if not np.any(known):
        return np.ones(frames)
    extent = np.nanmax(xy[known], axis=1) - np.nanmin(xy[known], axis=1)
    diagonal = np.linalg.norm(extent, axis=-1)
    at = track.timestamps_s[known]
    first = np.searchsorted(at, at - _SIZE_WINDOW_S / 2)
    last = np.searchsorted(at, at + _SIZE_WINDOW_S / 2, side="right")
    calm = np.array([np.median(diagonal[a:b]) for a, b in zip(first, last, strict=True)])
    return np.asarray(np.maximum(np.interp(track.timestamps_s, at, calm), 1.0))


def find_swaps(track: KeypointTrack, size_px: FloatArray, model: SwapTuning) -> BoolArray:
    """(T, 3) whether the sides of each of LIMB_GROUPS are exchanged in each frame."""
    keypoints = keypoint_set(track.keypoint_set)
    xy, joints = track.xy_px, track.model_joints_m
    # beyond the picture's edge models make up the other half of a body, at times seen from another side
    inside = np.all((xy >= 0) & (xy <= np.array(track.image_size)), axis=-1)
    confidence = np.where(inside, track.confidence, 0.0)
    depth = None if joints is None else joints[..., 2]
    evidence = pair_evidence(keypoints, xy, confidence, depth, size_px, model)
    trunk, head = trunk_agreement(keypoints, xy, confidence, size_px)
    facing = None if joints is None else side_of_facing(keypoints, joints, confidence)
    costs = state_costs(evidence, _frame_durations(track.timestamps_s), trunk, head, facing, model)
    states = likeliest_states(evidence, track.timestamps_s, costs, model)
    sided = groups_of(keypoints)
    seen = np.stack([np.any(confidence[:, sided == g] > 0, axis=1) for g in range(len(LIMB_GROUPS))], axis=1)
    return np.asarray(STATES[states] & seen)


def _frame_durations(time_s: FloatArray) -> FloatArray:
    """(T,) how long each frame lasts; after a gap no longer than twice the usual."""
    if len(time_s) < 2:
        return np.zeros(len(time_s))
    steps = np.diff(time_s)
    return np.asarray(np.minimum(np.append(steps, steps[-1]), 2 * np.median(steps)))


def _exchange(track: KeypointTrack, exchanged: BoolArray) -> KeypointTrack:
    """Left and right changed over where `exchanged` (T, 3) says so."""
    if not np.any(exchanged):
        return track
    keypoints = keypoint_set(track.keypoint_set)
    group = groups_of(keypoints)
    over = exchanged[:, group] & (group >= 0)
    mirror = keypoints.mirror
    joints = track.model_joints_m
    if joints is not None:
        deep = over & ~_depth_kept(track, exchanged)[:, group]
        flat = np.where(over[..., None], joints[:, mirror, :2], joints[..., :2])
        depth = np.where(deep, joints[:, mirror, 2], joints[..., 2])
        joints = np.concatenate([flat, depth[..., None]], axis=-1)
    return replace(
        track,
        xy_px=np.where(over[..., None], track.xy_px[:, mirror], track.xy_px),
        confidence=np.where(over, track.confidence[:, mirror], track.confidence),
        model_joints_m=joints,
    )


def _depth_kept(track: KeypointTrack, exchanged: BoolArray) -> BoolArray:
    """(T, 3) where the model's depth kept its sides although those in the picture were exchanged.

    A model may put the left leg where the right one is, and still say that the left one is the nearer: it is compared
    on both sides of where an exchange begins and ends.
    """
    assert track.model_joints_m is not None
    keypoints = keypoint_set(track.keypoint_set)
    group, out = groups_of(keypoints), np.zeros(exchanged.shape, dtype=bool)
    depth = track.model_joints_m[..., 2] - track.model_joints_m[:, keypoints.mirror, 2]
    depth = np.where((track.confidence > 0) & np.isfinite(depth), depth, 0.0)
    for g in range(exchanged.shape[1]):
        edges = np.flatnonzero(np.diff(exchanged[:, g].astype(np.int64), prepend=0, append=0))
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            reach = min(_DEPTH_FRAMES, stop - start)
            alike = 0.0
            for inside, outside in (
                (slice(start, start + reach), slice(max(start - _DEPTH_FRAMES, 0), start)),
                (slice(stop - reach, stop), slice(stop, stop + _DEPTH_FRAMES)),
            ):
                if outside.stop > outside.start and outside.start < len(depth):
                    a, b = (np.mean(depth[part][:, group == g], axis=0) for part in (inside, outside))
                    alike += float(a @ b)
            out[start:stop, g] = alike > 0
    return out


def _spans(exchanged: BoolArray) -> tuple[SwapSpan, ...]:
    """Runs of frames with the same limbs exchanged."""
    if not len(exchanged):
        return ()
    edges = np.flatnonzero(np.any(exchanged[1:] != exchanged[:-1], axis=1)) + 1
    bounds = [0, *edges.tolist(), len(exchanged)]
    return tuple(
        SwapSpan(a, b, tuple(name for name, on in zip(LIMB_GROUPS, exchanged[a], strict=True) if on))
        for a, b in pairwise(bounds)
        if np.any(exchanged[a])
    )
