"""Where a 2D model exchanged left and right: the likeliest course of labels through a track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.config import REFERENCE_HEIGHT_M
from pose_core.skeletons.keypoint_sets import KeypointSet
from pose_core.types import BoolArray, FloatArray, IntArray

LIMB_GROUPS = ("head", "arms", "legs")
"""What can be exchanged on its own: one bit each of a state."""

STATES: BoolArray = np.array([[bool(s >> g & 1) for g in range(3)] for s in range(8)])
"""(8, 3) which groups are exchanged in each state."""

_HEAD = {"eye", "eye_inner", "eye_outer", "ear", "mouth"}
_LEGS = {"hip", "knee", "ankle", "heel", "foot_index", "big_toe", "small_toe"}

# part: (how unsure models are of it, how briskly it moves, what it counts). Neighbours that move alike share a count.
_EVIDENCE: dict[str, tuple[float, float, float]] = {
    "ear": (0.7, 0.6, 0.5), "eye": (0.6, 0.6, 0.3), "mouth": (0.6, 0.6, 0.2),
    "shoulder": (0.8, 0.5, 1.0), "elbow": (1.1, 0.8, 1.0), "wrist": (1.4, 1.3, 0.7), "index": (1.6, 1.5, 0.3),
    "hip": (0.8, 0.4, 0.7), "knee": (1.0, 0.8, 1.0), "ankle": (1.2, 1.0, 0.6), "heel": (1.3, 1.1, 0.3),
    "foot_index": (1.3, 1.2, 0.4), "big_toe": (1.3, 1.2, 0.4),
}  # fmt: skip

_KEPT_PER_STATE = 4
_REMEMBERED_BITS = 9  # three earlier states: hypotheses that agree for so long are one


@dataclass(frozen=True)
class SwapTuning:
    """How limbs move and how models err, in body sizes (about 1.7 m) and seconds."""

    noise: float = 0.010
    """One standard deviation of a sure keypoint, white part."""
    depth_noise: float = 0.035
    """The same of the model's own depth."""
    acceleration: float = 7.0
    """Typical acceleration of a knee against the other one."""
    acceleration_time_s: float = 0.06
    """How long an acceleration lasts."""
    velocity_time_s: float = 0.35
    """How long a velocity lasts: beyond it, motion is anybody's guess."""
    tail: float = 3.0
    """Degrees of freedom of errors; few, because networks blunder now and then."""
    depth_tail: float = 1.0
    """The same for depth."""
    depth_count: float = 0.15
    """What depth counts: it often keeps its side while the picture's sides are exchanged."""
    switch_cost: float = 5.0
    """Cost (nats) of exchanging anything between two frames."""
    odd_switch_cost: float = 2.5
    """More for an exchange of the head without the arms or of the legs with only one of them."""
    swapped_cost_per_s: float = 0.5
    """Cost (nats) of a group's being exchanged for a second: in the long run models are right."""
    swapped_cost: float = 0.02
    """And of every exchanged frame, however short."""
    trunk_cost_per_s: float = 3.0
    """Cost (nats) of a second in which shoulders and hips, or head and shoulders, contradict each other."""
    facing_cost_per_s: float = 1.5
    """Cost (nats) of a second in which left lies where face and feet say right must be."""


@dataclass(frozen=True, eq=False)
class PairEvidence:
    """Left minus right of the pairs of keypoints that tell most."""

    difference: FloatArray
    """(T, C) in body sizes; NaN where unknown. Channels: x, y and, if known, depth of every pair."""
    noise: FloatArray
    """(T, C) one standard deviation, body sizes."""
    group: IntArray
    """(C,) index in LIMB_GROUPS."""
    briskness: FloatArray
    """(C,) factor on the typical acceleration."""
    count: FloatArray
    """(C,) what the channel counts."""
    is_depth: BoolArray
    """(C,)."""


def groups_of(keypoints: KeypointSet) -> IntArray:
    """(K,) group of each keypoint that has a side, -1 for others."""
    out = np.full(len(keypoints), -1)
    for k, name in enumerate(keypoints.keypoints):
        side, _, part = name.partition("_")
        if side in {"left", "right"}:
            out[k] = 0 if part in _HEAD else 2 if part in _LEGS else 1
    return out


def pair_evidence(
    keypoints: KeypointSet,
    xy_px: FloatArray,
    confidence: FloatArray,
    depth_m: FloatArray | None,
    size_px: FloatArray,
    model: SwapTuning,
) -> PairEvidence:
    """What an exchange of sides would turn round, and nothing that it would leave.

    Args:
        keypoints: the set.
        xy_px: (T, K, 2).
        confidence: (T, K).
        depth_m: (T, K) the 2D model's own depth; or None.
        size_px: (T,) size of the body in the picture.
        model: the noise to expect.
    Returns:
        Channels of all pairs that are known at any time.
    """
    names = [part for part in _EVIDENCE if f"left_{part}" in keypoints.keypoints]
    left = np.array([keypoints.index(f"left_{part}") for part in names])
    right = keypoints.mirror[left]
    table = np.array([_EVIDENCE[part] for part in names])
    unsure, brisk, count = table.T
    sure = np.minimum(confidence[:, left], confidence[:, right])
    known = sure > 0
    noise = np.sqrt(2) * model.noise * unsure / (0.25 + 0.75 * sure)
    flat = np.where(known[..., None], xy_px[:, left] - xy_px[:, right], np.nan) / size_px[:, None, None]
    parts = [flat[..., 0], flat[..., 1]]
    noises = [noise, noise]
    if depth_m is not None:
        parts.append(np.where(known, depth_m[:, left] - depth_m[:, right], np.nan) / REFERENCE_HEIGHT_M)
        noises.append(noise * model.depth_noise / model.noise)
    times = len(parts)
    return PairEvidence(
        np.concatenate(parts, axis=1),
        np.concatenate(noises, axis=1),
        np.tile(groups_of(keypoints)[left], times),
        np.tile(brisk, times),
        np.concatenate([count, count, model.depth_count * count][:times]),
        np.repeat(np.arange(times) == 2, len(names)),
    )


def transition_costs(model: SwapTuning) -> FloatArray:
    """(8, 8) cost of going from one state to another."""
    toggled = STATES[:, None] != STATES[None]
    head, arms, legs = np.moveaxis(toggled, -1, 0)
    odd = (head & ~arms) | (head & ~legs) | (arms & legs & ~head)
    return np.asarray(np.where(np.any(toggled, axis=-1), model.switch_cost, 0.0) + model.odd_switch_cost * odd)


class _Hypotheses:
    """Courses of labels under way, each with its own idea of where limbs are and go (Kalman filters, side by side)."""

    def __init__(self, evidence: PairEvidence, model: SwapTuning) -> None:
        channels = evidence.difference.shape[1]
        self._evidence, self._model = evidence, model
        self._spread = (model.acceleration * evidence.briskness) ** 2 * 2 * model.acceleration_time_s
        self._tail = np.where(evidence.is_depth, model.depth_tail, model.tail)
        self._membership = (evidence.group[:, None] == np.arange(3)).astype(np.float64)
        self._signs = np.where(STATES, -1.0, 1.0)[:, evidence.group]  # (8, C)
        self._transitions = transition_costs(model)
        count = len(STATES)
        self.state = np.arange(count)
        self.history = np.arange(count)
        self.cost = np.zeros(count)
        self.place = np.zeros((count, channels))
        self.velocity = np.zeros((count, channels))
        # nothing known yet: sides lie as far apart as in any body
        self.var_place = np.full((count, channels), 0.2**2)
        self.var_velocity = np.broadcast_to(self._spread * model.velocity_time_s / 2, (count, channels)).copy()
        self.covariance = np.zeros((count, channels))

    def predict(self, dt: float) -> None:
        """Let time pass."""
        keep = np.exp(-dt / self._model.velocity_time_s)
        way = self._model.velocity_time_s * (1 - keep)
        self.place = self.place + way * self.velocity
        self.velocity = keep * self.velocity
        grown = self.var_place + 2 * way * self.covariance + way**2 * self.var_velocity
        # limbs stay within a body, however long nobody looks
        self.var_place = np.minimum(grown + self._spread * min(dt, 1.0) ** 3 / 3, 0.3**2)
        self.covariance = keep * (self.covariance + way * self.var_velocity) + self._spread * way**2 / 2
        rest = self._spread * self._model.velocity_time_s / 2
        self.var_velocity = keep**2 * self.var_velocity + (1 - keep**2) * rest
        bound = np.sqrt(self.var_place * self.var_velocity) * 0.98
        self.covariance = np.clip(self.covariance, -bound, bound)

    def observe(self, frame: int, prior: FloatArray) -> IntArray:
        """Take in a frame; (H,) which earlier hypothesis each of the new ones continues."""
        seen = self._evidence.difference[frame]
        known = np.isfinite(seen)
        value = np.where(known, seen, 0.0)
        noise = self._evidence.noise[frame] ** 2
        variance = self.var_place + noise
        weight = self._evidence.count * known * (self._tail + 1) / 2
        scale = 0.5 * np.log(variance) * self._evidence.count * known
        costs = np.stack(
            [
                (weight * np.log1p((sign * value - self.place) ** 2 / variance / self._tail) + scale) @ self._membership
                for sign in (1.0, -1.0)
            ]
        )  # (2, H, 3)
        total = self.cost[:, None] + self._transitions[self.state] + prior
        for group in range(3):
            total = total + np.where(STATES[:, group], costs[1, :, group, None], costs[0, :, group, None])
        parents, states = self._select(total)
        self._update(parents, states, value, known, noise)
        self.cost = total[parents, states]
        self.cost = self.cost - self.cost.min()
        return parents

    def _select(self, total: FloatArray) -> tuple[IntArray, IntArray]:
        """The best few with each state that differ in the recent past."""
        recent = (self.history & (2**_REMEMBERED_BITS - 1)).tolist()
        order = np.argsort(total, axis=0, kind="stable").T.tolist()
        parents: list[int] = []
        states: list[int] = []
        for state, ranked in enumerate(order):
            pasts: set[int] = set()
            for parent in ranked:
                if recent[parent] not in pasts:
                    pasts.add(recent[parent])
                    parents.append(parent)
                    states.append(state)
                    if len(pasts) == _KEPT_PER_STATE:
                        break
        return np.array(parents), np.array(states)

    def _update(
        self, parents: IntArray, states: IntArray, value: FloatArray, known: BoolArray, noise: FloatArray
    ) -> None:
        place, velocity = self.place[parents], self.velocity[parents]
        var_place, var_velocity = self.var_place[parents], self.var_velocity[parents]
        covariance = self.covariance[parents]
        surprise = self._signs[states] * value - place
        variance = var_place + noise
        # a blunder moves the idea of the limb little
        trust = (self._tail + 1) / (self._tail + surprise**2 / variance)
        variance = var_place + noise / np.minimum(trust, 1.0)
        gain_place = np.where(known, var_place / variance, 0.0)
        gain_velocity = np.where(known, covariance / variance, 0.0)
        self.place = place + gain_place * surprise
        self.velocity = velocity + gain_velocity * surprise
        self.var_velocity = var_velocity - gain_velocity * covariance
        self.var_place = (1 - gain_place) * var_place
        self.covariance = (1 - gain_place) * covariance
        self.state = states
        self.history = (self.history[parents] << 3) | states


def state_costs(
    evidence: PairEvidence,
    frame_s: FloatArray,
    trunk: FloatArray,
    head: FloatArray,
    facing: tuple[FloatArray, FloatArray] | None,
    model: SwapTuning,
) -> FloatArray:
    """What each state costs in each frame, whatever comes before and after.

    Args:
        evidence: T frames of pairs.
        frame_s: (T,) how long each frame counts.
        trunk: (T,) agreement of shoulders and hips as labelled, in [-1, 1].
        head: (T,) agreement of head and shoulders as labelled.
        facing: (T,) whether left of shoulders and of hips is where it must be, as labelled; None = unknown.
        model: costs.
    Returns:
        (T, 8).
    """
    some = np.stack([np.any(np.isfinite(evidence.difference[:, evidence.group == g]), axis=1) for g in range(3)], 1)
    usual = (model.swapped_cost_per_s * frame_s + model.swapped_cost)[:, None] * np.where(some, 1.0, 0.1)
    out = usual @ STATES.T
    against = np.where(STATES, -1.0, 1.0)
    for agreement, a, b in ((trunk, 1, 2), (head, 0, 1)):
        same = against[:, a] * against[:, b]
        out = out + np.maximum(-agreement[:, None] * same, 0.0) * (model.trunk_cost_per_s * frame_s)[:, None]
    for agreement, group in zip(facing or (), (1, 2), strict=False):
        cost = (model.facing_cost_per_s * frame_s)[:, None]
        out = out + np.maximum(-agreement[:, None] * against[:, group], 0.0) * cost
    return np.asarray(out)


def likeliest_states(evidence: PairEvidence, time_s: FloatArray, costs: FloatArray, model: SwapTuning) -> IntArray:
    """The course of labels under which limbs move most smoothly, with the fewest exchanges.

    A limb that passes another one goes on at its own speed, while exchanged labels jump, or turn back where limbs
    meet. As a choice shows its worth only some frames later, several courses are followed at once.

    Args:
        evidence: T frames of pairs.
        time_s: (T,) times of the frames.
        costs: (T, 8) what each state costs in each frame on its own.
        model: how limbs move.
    Returns:
        (T,) index in STATES.
    """
    frames = len(time_s)
    if frames == 0:
        return np.zeros(0, dtype=np.int64)
    hypotheses = _Hypotheses(evidence, model)
    steps = np.diff(time_s, prepend=time_s[0])
    parents: list[IntArray] = []
    states: list[IntArray] = []
    for frame in range(frames):
        if frame:
            hypotheses.predict(float(steps[frame]))
        parents.append(hypotheses.observe(frame, costs[frame]))
        states.append(hypotheses.state)
    out = np.zeros(frames, dtype=np.int64)
    best = int(np.argmin(hypotheses.cost))
    for frame in range(frames - 1, -1, -1):
        out[frame] = states[frame][best]
        best = int(parents[frame][best])
    return out
