"""Errors of a lifter on held-out recordings with fixed cameras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pose_core.lab.datasets.mocap import MocapSet
from pose_core.lab.train.lifter.detections import CLOTHED, EXACT, REALISTIC, NoiseLevel
from pose_core.lab.train.lifter.samples import Samples, SampleSettings, SampleSource
from pose_core.lab.train.lifter.standing import standing_errors, standing_windows
from pose_core.types import BoolArray, FloatArray

NOISES: dict[str, NoiseLevel] = {"exact": EXACT, "noisy": REALISTIC}

Lift = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]
"""Features (B, T, F) to joints (B, T, J, 3), log sigma (B, T, J), contact logits (B, T, 4)."""


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Sequences with everything needed to score a lifter on them."""

    name: str
    samples: Samples
    subjects: tuple[str, ...]
    """(B,) the subject of each sequence."""


def make_validation_set(
    name: str, mocap: MocapSet, noise: NoiseLevel, per_subject: int, seed: int, frames: int = 128
) -> ValidationSet:
    """Windows spread over the recordings, as many of every subject, each seen by one random camera.

    Bodies, speeds and motions stay as recorded; clips shorter than a third of a window are
    left out where the subject has longer ones.
    """
    rng = np.random.default_rng(seed)
    clips: list[int] = []
    starts: list[int] = []
    for subject in sorted(set(mocap.subject)):
        everything = [c for c, s in enumerate(mocap.subject) if s == subject]
        own = [c for c in everything if mocap.clip_length[c] >= frames // 3] or everything
        chance = mocap.clip_length[own] / mocap.clip_length[own].sum()
        for clip in rng.choice(own, size=per_subject, p=chance):
            clips.append(int(clip))
            starts.append(int(rng.integers(0, max(int(mocap.clip_length[clip]) - frames, 0) + 1)))
    source = SampleSource(mocap, SampleSettings(frames=frames, noise=noise, vary_bodies=False, standing_share=0.0))
    samples = source.windows(rng, np.array(clips), np.array(starts))
    return ValidationSet(name, samples, tuple(mocap.subject[c] for c in clips))


@dataclass(frozen=True)
class StandingTest:
    """How people who stand are seen."""

    noise: NoiseLevel
    hard: bool = False
    """With the legs apart, and from cameras that look up or down by -45 to 35 degrees."""


STANDING: dict[str, StandingTest] = {
    "standing, hips seen": StandingTest(REALISTIC),
    "standing, clothed": StandingTest(CLOTHED),
    "standing, clothed, legs apart, steep": StandingTest(CLOTHED, hard=True),
}
"""Sets of `make_standing_set`: can a lifter see that people who stand do not crouch?"""


def make_standing_set(
    name: str, mocap: MocapSet, test: StandingTest, count: int, seed: int, frames: int = 80
) -> ValidationSet | None:
    """Windows of people who stand or hardly move, with varied proportions; see `standing_windows`.

    Returns:
        The set, or None if nobody stands in the recordings.
    """
    rng = np.random.default_rng(seed)
    clips, starts = standing_windows(mocap, frames)
    if not len(clips):
        return None
    chosen = np.sort(rng.choice(len(clips), size=min(count, len(clips)), replace=False))
    settings = SampleSettings(
        frames, test.noise, mixed_share=0.0, slow_fast=1.0, standing_share=0.0,
        stance_share=float(test.hard), steep_share=float(test.hard),
    )  # fmt: skip
    samples = SampleSource(mocap, settings).windows(rng, clips[chosen], starts[chosen])
    return ValidationSet(name, samples, tuple(mocap.subject[c] for c in clips[chosen]))


def score_standing(validation: ValidationSet, lift: Lift, batch: int = 32) -> dict[str, float]:
    """Errors of knees and trunk, see `standing_errors`, and `mpjpe_mm`."""
    samples = validation.samples
    joints = np.concatenate([lift(samples.features[i : i + batch])[0] for i in range(0, len(samples.features), batch)])
    counted = counted_joints(samples)
    distance = np.linalg.norm(joints - samples.joints_m, axis=-1)[counted]
    frames = np.asarray(np.any(counted, axis=-1))
    return {
        **standing_errors(joints.astype(np.float64), samples.joints_m.astype(np.float64), frames),
        "mpjpe_mm": 1000 * float(distance.mean()),
    }


def score(validation: ValidationSet, lift: Lift, batch: int = 32) -> dict[str, float]:
    """Errors of a lifter.

    Args:
        validation: what to lift.
        lift: the lifter.
        batch: sequences at a time.
    Returns:
        `mpjpe_mm`, `pa_mpjpe_mm`, `acceleration_m_s2`, `contact_f1`, and `within_sigma`, the share of coordinates
        that are off by less than the predicted sigma.
    """
    samples = validation.samples
    counted = counted_joints(samples)
    parts = [lift(samples.features[i : i + batch]) for i in range(0, len(samples.features), batch)]
    joints, log_sigma, logits = (np.concatenate([part[k] for part in parts]) for k in range(3))
    error = joints.astype(np.float64) - samples.joints_m
    distance = np.linalg.norm(error, axis=-1)[counted]
    aligned = np.linalg.norm(align(joints, samples.joints_m, counted) - samples.joints_m, axis=-1)[counted]
    jerk = np.linalg.norm(np.diff(error, 2, axis=1), axis=-1)[counted[:, 1:-1]] * 900.0
    inside = np.abs(error)[counted] < np.exp(log_sigma)[counted][:, None]
    trusted = samples.contact_weight > 0
    predicted, truth = logits[trusted] > 0, samples.contacts[trusted] > 0.5
    hits = float(np.sum(predicted & truth))
    return {
        "mpjpe_mm": 1000 * float(distance.mean()),
        "pa_mpjpe_mm": 1000 * float(aligned.mean()),
        "acceleration_m_s2": float(jerk.mean()),
        "contact_f1": 2 * hits / max(float(np.sum(predicted) + np.sum(truth)), 1.0),
        "within_sigma": float(inside.mean()),
    }


def counted_joints(samples: Samples) -> BoolArray:
    """(B, T, J) measured joints of frames in the clip in which something of the person is seen."""
    seen = np.mean(samples.confidence > 0, axis=-1) >= 0.3
    frames = samples.in_clip & seen
    return np.asarray(frames[..., None] & (samples.joint_weight >= 0.5)[:, None])


def align(estimate: FloatArray | NDArray[np.float32], truth: NDArray[np.float32], counted: BoolArray) -> FloatArray:
    """Best similarity transform of every frame over the counted joints, (B, T, J, 3).

    Source: Umeyama 1991.
    """
    w = counted[..., None].astype(np.float64)
    total = np.maximum(w.sum(axis=-2, keepdims=True), 1e-9)
    mean_a, mean_b = (w * estimate).sum(-2, keepdims=True) / total, (w * truth).sum(-2, keepdims=True) / total
    a, b = estimate - mean_a, truth - mean_b
    covariance = np.einsum("btki,btkj->btij", w * b, a)
    U, S, Vt = np.linalg.svd(covariance)
    sign = np.ones_like(S)
    sign[..., 2] = np.sign(np.linalg.det(U) * np.linalg.det(Vt))
    R = np.einsum("btij,btj,btjk->btik", U, sign, Vt)
    scale = (S * sign).sum(-1) / np.maximum((w * a * a).sum(axis=(-2, -1)), 1e-12)
    return np.asarray(scale[..., None, None] * np.einsum("btij,btkj->btki", R, a) + mean_b)
