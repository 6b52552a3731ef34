"""What a 2D model would have made of a view: other ideas of where a joint is, noise, gaps, mistakes.

Sizes of errors are in shares of the person's extent in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lift.features import INPUT_JOINTS, INPUT_MIRROR, INPUT_NAMES
from pose_core.skeletons import CANONICAL
from pose_core.types import BoolArray, FloatArray

_SHORT = [name.rpartition("_")[2] for name in INPUT_NAMES]

# Networks place some joints less surely than others.
_DIFFICULTY = np.array([
    {"head": 0.7, "nose": 0.6, "hip": 1.0, "knee": 1.0, "ankle": 1.2, "shoulder": 0.8, "elbow": 1.1, "wrist": 1.4,
     "heel": 1.3, "toe": 1.3, "hand": 1.6}[name] for name in _SHORT
])  # fmt: skip

# Spread of the constant disagreement about where a joint is: in the body's axes, and along the bone; metres.
_OFFSET_BODY = np.array([{"hip": 0.022, "shoulder": 0.020, "head": 0.020}.get(name, 0.011) for name in _SHORT])
_OFFSET_BONE = np.array([{"hand": 0.03, "toe": 0.02, "head": 0.02, "hip": 0.0, "shoulder": 0.0}.get(n, 0.013)
                         for n in _SHORT])  # fmt: skip

_ENDS = np.array([name in {"heel", "toe", "hand"} for name in _SHORT])
_HANDS = np.array([name == "hand" for name in _SHORT])
_FACE = np.array([name in {"head", "nose"} for name in _SHORT])
_LEGS = np.array([name in {"knee", "ankle", "heel", "toe"} for name in _SHORT])
_ARMS = np.array([name in {"elbow", "wrist", "hand"} for name in _SHORT])
_SWAP_GROUPS = (_ARMS, _LEGS, ~_FACE)
_LEFT = np.array([name.startswith("left_") for name in INPUT_NAMES])
_PARENTS = np.array(CANONICAL.parents)[INPUT_JOINTS]
_KEYFRAME_GAP = 9


@dataclass(frozen=True)
class NoiseLevel:
    """How bad the imagined 2D model is; the defaults are those of training."""

    clean_share: float = 0.15
    """Share of sequences with next to no noise."""
    typical: float = 0.007
    """Median over sequences of one standard deviation."""
    spread: float = 0.6
    """Standard deviation of its logarithm."""
    offsets: float = 1.0
    """Factor on the disagreement about joint places."""
    mistakes: float = 1.0
    """Factor on the probability of swaps, occlusions, truncations and lost frames; 0 = none."""
    clothed: float = 0.55
    """Share of sequences in which clothes hide where the hips are: seen low or high along the trunk, all through."""
    group_drop: float = 0.3
    """Probability that heels, toes and hands are not among the model's keypoints."""
    focal_spread: float = 0.2
    """Standard deviation of the logarithm of assumed over true focal length, in two thirds of sequences."""


TRAINING_NOISE = NoiseLevel()
EXACT = NoiseLevel(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""No errors at all: what the network does with perfect 2D."""
REALISTIC = NoiseLevel(0.0, 0.0065, 0.25, 1.0, 0.3, 0.0, 0.0, 0.1)
"""For measuring: about a good 2D model on clear video of people whose hips show."""
CLOTHED = NoiseLevel(0.0, 0.0065, 0.25, 1.0, 0.3, 1.0, 0.0, 0.1)
"""For measuring: the same model on people in coats, skirts and wide shirts."""

# Along the trunk, metres, up is positive: what is taken for the hips of clothed people.
_CLOTHED_MEAN_M, _CLOTHED_SPREAD_M = -0.04, 0.07
_CLOTHED_SPREADS = {"knee": 0.022, "ankle": 0.02, "heel": 0.03, "toe": 0.03, "shoulder": 0.02, "head": 0.02}
_CLOTHED_BODY_M = np.array([_CLOTHED_SPREADS.get(name, 0.0) for name in _SHORT])
"""Spread of further disagreement in the body's axes: knees in wide trousers, shoes, shoulders of coats, hair."""
_CLOTHED_OWN = 0.2
"""Share of it that each hip has by itself."""
_HIPS = np.array([name.endswith("_hip") for name in INPUT_NAMES])


def offset_joints(rng: np.random.Generator, joints_m: FloatArray, level: NoiseLevel) -> FloatArray:
    """The input joints where another definition would put them: constant in the body through a sequence.

    Args:
        rng: source of randomness.
        joints_m: (B, T, J, 3).
        level: how bad.
    Returns:
        (B, T, I, 3).
    """
    count, inputs = len(joints_m), len(INPUT_NAMES)
    points = joints_m[:, :, INPUT_JOINTS]
    if level.offsets == 0:
        return points
    left = joints_m[:, :, CANONICAL.index("left_hip")] - joints_m[:, :, CANONICAL.index("right_hip")]
    trunk = joints_m[:, :, CANONICAL.index("neck")] - joints_m[:, :, 0]
    left = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-6)
    front = np.cross(trunk, left)
    front = front / np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-6)
    axes = np.stack([left, front, np.cross(left, front)], axis=-2)
    body = rng.normal(size=(count, inputs, 3)) * _OFFSET_BODY[:, None]
    body = np.where(_LEFT[:, None] | _FACE[:, None], body, body[:, INPUT_MIRROR] * np.array([-1.0, 1.0, 1.0]))
    body += 0.3 * rng.normal(size=(count, inputs, 3)) * _OFFSET_BODY[:, None]
    along = rng.normal(size=(count, inputs)) * _OFFSET_BONE
    along = np.where(_LEFT | _FACE, along, along[:, INPUT_MIRROR])
    clean = rng.uniform(size=count) < level.clean_share
    strength = level.offsets * np.where(clean, 0.2, rng.uniform(0.4, 1.4, count))[:, None, None]
    bone = points - joints_m[:, :, _PARENTS]
    bone = bone / np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-3)
    dressed = rng.uniform(size=count) < level.clothed
    cloth = rng.normal(size=(count, inputs, 3)) * _CLOTHED_BODY_M[:, None] * dressed[:, None, None]
    cloth[..., 2] += np.where(dressed[:, None], _clothed_hips(rng, count), 0.0)
    shift = (body * strength + cloth)[:, None] @ axes
    return np.asarray(points + shift + (along * strength[..., 0])[:, None, :, None] * bone)


def _clothed_hips(rng: np.random.Generator, count: int) -> FloatArray:
    """(B, I) how far up the trunk each keypoint is seen from where it is, metres; 0 but for the hips."""
    common = rng.normal(_CLOTHED_MEAN_M, _CLOTHED_SPREAD_M, count)
    own = _CLOTHED_OWN * rng.normal(0.0, _CLOTHED_SPREAD_M, (count, len(_HIPS)))
    return np.where(_HIPS, np.clip(common[:, None] + own, -0.22, 0.14), 0.0)


def observe(
    rng: np.random.Generator, rays: FloatArray, half_view: FloatArray, level: NoiseLevel
) -> tuple[FloatArray, FloatArray]:
    """Noisy 2D joints and confidences.

    Args:
        rng: source of randomness.
        rays: (B, T, I, 2) exact rays of the joints.
        half_view: (B, 2) tangents of the picture's right and lower edge.
        level: how bad.
    Returns:
        rays (B, T, I, 2) and confidence (B, T, I); confidence 0 where there is no keypoint.
    """
    count, frames, inputs = rays.shape[:3]
    extent = np.max(rays.max(axis=2) - rays.min(axis=2), axis=-1)  # (B, T)
    error, guessed = _draw_errors(rng, count, frames, level)
    out = rays + error * extent[..., None, None]
    confidence = _draw_confidences(rng, np.linalg.norm(error, axis=-1), guessed)
    outside = np.any(np.abs(out) > half_view[:, None, None], axis=-1)
    if level.mistakes > 0:
        # some models guess joints outside of the picture, others do not give them
        guesses = rng.uniform(size=(count, 1, 1)) < 0.3
        wild = out + rng.normal(0, 0.04, out.shape) * extent[..., None, None]
        out = np.where((outside & guesses)[..., None], wild, out)
        confidence = np.where(outside, np.where(guesses, confidence * 0.3, 0.0), confidence)
        out, confidence = _swap_sides(rng, out, confidence, level)
        confidence = np.where(_draw_gaps(rng, count, frames, inputs, level), 0.0, confidence)
    else:
        confidence = np.where(outside, 0.0, confidence) if level.clean_share < 1 else confidence
    confidence = _drop_groups(rng, confidence, level)
    out = np.where(confidence[..., None] > 0, out, 0.0)
    return out, confidence


def focal_errors(rng: np.random.Generator, count: int, level: NoiseLevel) -> FloatArray:
    """(B,) true over assumed focal length: factor on the rays."""
    known = rng.uniform(size=count) < 1 / 3
    spread = np.where(known, 0.03, 1.0) * level.focal_spread
    return np.exp(np.clip(rng.normal(size=count) * spread, -0.5, 0.5))


def _draw_errors(rng: np.random.Generator, count: int, frames: int, level: NoiseLevel) -> tuple[FloatArray, BoolArray]:
    """(B, T, I, 2) errors correlated in time, and (B, T, I) where the joint was guessed through an occlusion."""
    inputs = len(INPUT_NAMES)
    guessed = np.zeros((count, frames, inputs), dtype=bool)
    if level.typical == 0:
        return np.zeros((count, frames, inputs, 2)), guessed
    sigma = level.typical * np.exp(level.spread * rng.normal(size=count))
    sigma = np.minimum(np.where(rng.uniform(size=count) < level.clean_share, 0.1 * level.typical, sigma), 0.025)
    keys = frames // _KEYFRAME_GAP + 3
    size = sigma[:, None, None, None] * _DIFFICULTY[:, None]
    error = rng.normal(size=(count, keys, inputs, 2)) * size
    wild = rng.uniform(size=count) ** 2 * 0.25 * level.mistakes * (sigma > 0.2 * level.typical)
    outlier = rng.uniform(size=(count, keys, inputs)) < wild[:, None, None]
    error = np.where(outlier[..., None], rng.uniform(-0.05, 0.05, error.shape), error)
    error = error + 0.8 * rng.normal(size=(count, 1, inputs, 2)) * size * 0.7  # part of the error stays all along
    # a random phase, so that keyframes do not sit at the same frames of every sequence
    at = (np.arange(frames) + rng.uniform(0, _KEYFRAME_GAP, (count, 1))) / _KEYFRAME_GAP
    low = np.minimum(at.astype(np.int64), keys - 2)
    share = (at - low)[..., None, None]
    share = share * share * (3 - 2 * share)
    rows = np.arange(count)[:, None]
    smooth = error[rows, low] * (1 - share) + error[rows, low + 1] * share
    white = rng.normal(size=smooth.shape) * (0.3 * size)
    for _ in range(2):
        b = rng.uniform(size=count) < 0.12 * level.mistakes
        spans = _spans(rng, count, frames, 20, 90) & b[:, None]
        limb = _LEGS if rng.uniform() < 0.6 else _ARMS
        side = rng.integers(0, 3, count)[:, None]
        joints = limb & ((side == 2) | ((side == 0) == _LEFT))
        hidden = spans[..., None] & joints[:, None]
        guessed |= hidden
    drift = _slow(rng, count, frames, inputs)
    smooth = np.where(guessed[..., None], smooth + 0.05 * drift, smooth)
    return smooth + white, guessed


def _slow(rng: np.random.Generator, count: int, frames: int, inputs: int) -> FloatArray:
    """(B, T, I, 2) slowly varying unit noise."""
    ends = rng.normal(size=(2, count, 1, inputs, 2))
    t = np.linspace(0, 1, frames)[:, None, None]
    return np.asarray(ends[0] * (1 - t) + ends[1] * t)


def _draw_confidences(rng: np.random.Generator, error: FloatArray, guessed: BoolArray) -> FloatArray:
    """Confidences that fall with the error, by a scale that differs from model to model."""
    count = len(error)
    top = rng.uniform(0.8, 1.0, count)[:, None, None]
    falls = np.exp(rng.uniform(np.log(0.015), np.log(0.08), count))[:, None, None]
    blur = 1.0 + 0.3 * rng.normal(size=error.shape)
    confidence = top * np.exp(-((error / falls) ** 2) * np.maximum(blur, 0.1))
    flat = rng.uniform(size=(count, 1, 1)) < 0.2  # models whose confidence says little
    confidence = np.where(flat, top * rng.uniform(0.85, 1.0, error.shape), confidence)
    confidence = np.where(guessed, confidence * rng.uniform(0.1, 0.8, (count, 1, 1)), confidence)
    return np.clip(confidence, 0.02, 1.0)


def _spans(rng: np.random.Generator, count: int, frames: int, shortest: int, longest: int) -> BoolArray:
    """(B, T) one random span of frames a sequence."""
    length = rng.integers(shortest, longest + 1, count)[:, None]
    start = rng.integers(-shortest, frames, count)[:, None]
    t = np.arange(frames)
    return np.asarray((t >= start) & (t < start + length))


def _draw_gaps(rng: np.random.Generator, count: int, frames: int, inputs: int, level: NoiseLevel) -> BoolArray:
    """(B, T, I) where there is no keypoint at all."""
    m = level.mistakes
    lost_joint = rng.uniform(size=(count, 1, inputs)) < 0.02 * m  # all along
    flicker = rng.uniform(size=(count, frames, inputs)) < (0.05 * m * rng.uniform(size=(count, 1, 1)))
    lost_frames = _spans(rng, count, frames, 1, 20) & (rng.uniform(size=(count, 1)) < 0.2 * m)
    lost_frames |= rng.uniform(size=(count, frames)) < 0.1 * m * (rng.uniform(size=(count, 1)) < 0.3)
    legs = _spans(rng, count, frames, 30, 90) & (rng.uniform(size=(count, 1)) < 0.10 * m)
    cut = rng.uniform(size=(count, 1)) < 0.06 * m  # only the upper body in the picture
    knees_too = rng.uniform(size=(count, 1)) < 0.5
    low = np.array([n in {"ankle", "heel", "toe"} for n in _SHORT]) | (_LEGS & knees_too)
    legs_gone = legs[..., None] & _LEGS
    return np.asarray(lost_joint | flicker | lost_frames[..., None] | legs_gone | (cut & low)[:, None])


def _swap_sides(
    rng: np.random.Generator, rays: FloatArray, confidence: FloatArray, level: NoiseLevel
) -> tuple[FloatArray, FloatArray]:
    """Left and right exchanged for a while in some sequences."""
    count, frames = rays.shape[:2]
    for group, chance, longest in zip(_SWAP_GROUPS, (0.05, 0.07, 0.04), (12, 15, 30), strict=True):
        chosen = rng.uniform(size=(count, 1)) < chance * level.mistakes
        span = _spans(rng, count, frames, 2, longest) & chosen
        swapped = span[..., None] & group
        rays = np.where(swapped[..., None], rays[:, :, INPUT_MIRROR], rays)
        confidence = np.where(swapped, confidence[:, :, INPUT_MIRROR] * 0.8, confidence)
    return rays, confidence


def _drop_groups(rng: np.random.Generator, confidence: FloatArray, level: NoiseLevel) -> FloatArray:
    """Keypoint sets differ: no feet and hands, no hands, no face."""
    count = len(confidence)
    draw = rng.uniform(size=(count, 1))
    p = level.group_drop
    gone = (draw < p) & _ENDS
    gone |= (draw >= p) & (draw < 1.35 * p) & _HANDS
    gone |= (rng.uniform(size=(count, 1)) < 0.2 * p) & _FACE
    return np.where(gone[:, None], 0.0, confidence)
