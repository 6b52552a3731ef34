"""Training samples: windows of motion capture, other bodies, virtual cameras, imagined 2D models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pose_core.config import REFERENCE_HEIGHT_M
from pose_core.lab.datasets.mocap import MOCAP_FPS, MocapSet
from pose_core.lab.train.lifter.bodies import (
    draw_proportions,
    draw_stances,
    label_contacts,
    label_supports,
    mirror_bodies,
    mix_halves,
    scale_bones,
    set_legs_apart,
    stature_of,
)
from pose_core.lab.train.lifter.detections import TRAINING_NOISE, NoiseLevel, focal_errors, observe, offset_joints
from pose_core.lab.train.lifter.standing import standing_windows
from pose_core.lab.train.lifter.views import draw_views
from pose_core.lift.answers import CONTACT_MIRROR, SUPPORT_MIRROR
from pose_core.lift.features import make_features
from pose_core.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Samples:
    """A batch of sequences."""

    features: NDArray[np.float32]
    """(B, T, F) see `pose_core.lift.features`."""
    joints_m: NDArray[np.float32]
    """(B, T, J, 3) virtual camera axes, relative to the pelvis, for a person of 1.70 m."""
    joint_weight: NDArray[np.float32]
    """(B, J)."""
    contacts: NDArray[np.float32]
    """(B, T, 4)."""
    contact_weight: NDArray[np.float32]
    """(B,) 0 where speeds or floor are not to be trusted."""
    R_virtual_camera: FloatArray
    """(B, T, 3, 3)."""
    rays: FloatArray
    """(B, T, I, 2) what was seen, in the assumed camera; for pictures and for other lifters."""
    confidence: FloatArray
    """(B, T, I)."""
    in_clip: BoolArray
    """(B, T) False where a short clip was played backwards to fill the sequence."""
    up: NDArray[np.float32]
    """(B, T, 3) up in virtual camera axes."""
    supports: NDArray[np.float32]
    """(B, T, 6) `pose_core.lift.answers.SUPPORTS`."""


@dataclass(frozen=True)
class SampleSettings:
    """What to make of the recordings."""

    frames: int = 80
    noise: NoiseLevel = TRAINING_NOISE
    vary_bodies: bool = True
    """Other proportions, mirroring, speeds, mixed halves."""
    mixed_share: float = 0.2
    standing_share: float = 0.15
    """Share of sequences drawn from people who stand: recordings are of people who do something, footage is not."""
    stance_share: float = 0.0
    """Share of sequences whose legs are set apart; people who stand have twice this. See `draw_stances`."""
    steep_share: float = 0.0
    """Share of cameras that look steeply up or down."""
    slow_fast: float = 1.5
    """Speeds run from one over this to this."""


class SampleSource:
    """Draws batches from a set of recordings."""

    def __init__(self, mocap: MocapSet, settings: SampleSettings) -> None:
        self._mocap, self._settings = mocap, settings
        weight = mocap.clip_weight * mocap.clip_length
        self._chance = np.cumsum(weight / weight.sum())
        self._standing = standing_windows(mocap, settings.frames) if settings.standing_share > 0 else None

    def draw(self, rng: np.random.Generator, count: int) -> Samples:
        """A batch of `count` random sequences."""
        clips = self._draw_clips(rng, count)
        starts = self._draw_starts(rng, clips)
        stands = np.zeros(count, dtype=np.bool_)
        if self._standing is not None and len(self._standing[0]):
            chosen = np.flatnonzero(rng.uniform(size=count) < self._settings.standing_share)
            window = rng.integers(0, len(self._standing[0]), len(chosen))
            clips[chosen], starts[chosen] = self._standing[0][window], self._standing[1][window]
            stands[chosen] = True
        return self._build(rng, clips, starts, stands)

    def windows(self, rng: np.random.Generator, clips: IntArray, starts: IntArray) -> Samples:
        """A batch of given windows: clip index and first frame within the clip."""
        return self._build(rng, clips, starts.astype(np.float64), np.zeros(len(clips), dtype=np.bool_))

    def _draw_clips(self, rng: np.random.Generator, count: int) -> IntArray:
        return np.minimum(np.searchsorted(self._chance, rng.uniform(size=count)), len(self._mocap) - 1)

    def _draw_starts(self, rng: np.random.Generator, clips: IntArray) -> FloatArray:
        room = self._mocap.clip_length[clips] - self._settings.frames
        return rng.uniform(np.minimum(room, 0), np.maximum(room, 0) + 1e-6)

    def _read(self, clips: IntArray, starts: FloatArray, speed: FloatArray) -> tuple[FloatArray, BoolArray]:
        """(B, T, J, 3) joints at `starts + speed * frame`; beyond the ends of a clip it is played backwards."""
        length = self._mocap.clip_length[clips][:, None]
        at = starts[:, None] + speed[:, None] * np.arange(self._settings.frames)
        inside = (at >= 0) & (at <= length - 1)
        period = np.maximum(2 * (length - 1), 1)
        at = np.mod(at, period)
        at = np.where(at > length - 1, period - at, at)
        low = np.clip(at.astype(np.int64), 0, np.maximum(length - 2, 0))
        share = (at - low)[..., None, None].astype(np.float32)
        first = self._mocap.clip_start[clips][:, None]
        a = self._mocap.joints_m[first + low]
        b = self._mocap.joints_m[first + np.minimum(low + 1, length - 1)]
        return a + share * (b - a), inside

    def _build(self, rng: np.random.Generator, clips: IntArray, starts: FloatArray, stands: BoolArray) -> Samples:
        settings, count = self._settings, len(clips)
        speed = np.ones(count)
        if settings.vary_bodies:
            speed = np.exp(rng.uniform(-1, 1, count) * np.log(settings.slow_fast))
        joints, inside = self._read(clips, starts, speed)
        weight = self._mocap.joint_weight[clips]
        if settings.vary_bodies:
            joints, weight = self._mix(rng, joints, weight, stands)
        floor = self._mocap.floor_m[clips]
        contacts = label_contacts(joints, floor, 1 / MOCAP_FPS)
        supports = label_supports(joints, floor, 1 / MOCAP_FPS)
        if settings.vary_bodies:
            if settings.stance_share > 0:
                apart = rng.uniform(size=count) < settings.stance_share * np.where(stands, 2.0, 1.0)
                joints = set_legs_apart(joints, draw_stances(rng, count) * apart[:, None, None])
            joints = scale_bones(joints, *draw_proportions(rng, count))
            # sides' weights need no exchange: both sides always weigh the same
            mirrored = rng.uniform(size=count) < 0.5
            joints = mirror_bodies(joints, mirrored)
            contacts = np.where(mirrored[:, None, None], contacts[..., CONTACT_MIRROR], contacts)
            supports = np.where(mirrored[:, None, None], supports[..., SUPPORT_MIRROR], supports)
        scale = REFERENCE_HEIGHT_M / stature_of(joints)
        joints = joints * scale[:, None, None, None]  # size cannot be seen: all people are 1.70 m
        views = draw_views(rng, joints, steep_share=settings.steep_share)
        camera = views.to_camera(joints)
        points = views.to_camera(offset_joints(rng, joints, settings.noise))
        rays = points[..., :2] / np.maximum(points[..., 2:], 0.3)
        half_view = np.stack([0.5 / views.focal, 0.5 * views.aspect / views.focal], axis=-1)
        rays, confidence = observe(rng, rays, half_view, settings.noise)
        rays = rays * focal_errors(rng, count, settings.noise)[:, None, None, None]
        confidence = _keep_some(confidence)
        made = make_features(rays, confidence)
        assert made is not None
        relative = camera - camera[:, :, :1]
        target = relative @ np.swapaxes(made.R_virtual_camera, -1, -2)
        up = np.einsum("btij,btj->bti", made.R_virtual_camera, views.R_camera_world[..., 2])
        return Samples(
            made.features,
            target.astype(np.float32),
            weight.astype(np.float32),
            contacts.astype(np.float32),
            self._mocap.timed[clips].astype(np.float32),
            made.R_virtual_camera,
            rays,
            confidence,
            inside,
            up.astype(np.float32),
            supports.astype(np.float32),
        )

    def _mix(
        self, rng: np.random.Generator, joints: FloatArray, weight: NDArray[np.float32], stands: BoolArray
    ) -> tuple[FloatArray, NDArray[np.float32]]:
        """Some sequences get the upper body of others."""
        # people who stand do everything with their arms: half of them take those of somebody else
        share = np.where(stands, 0.5, self._settings.mixed_share)
        mixed = np.flatnonzero(rng.uniform(size=len(joints)) < share)
        if len(mixed):
            others = self._draw_clips(rng, len(mixed))
            upper, _ = self._read(others, self._draw_starts(rng, others), np.ones(len(mixed)))
            joints[mixed] = mix_halves(joints[mixed], upper)
            weight = weight.copy()
            weight[mixed] = np.minimum(weight[mixed], self._mocap.joint_weight[others])
        return joints, weight


def _keep_some(confidence: FloatArray) -> FloatArray:
    """Where a sequence lost every joint in every frame, leave its first frame: there must be something to lift."""
    empty = ~np.any(np.sum(confidence >= 0.05, axis=-1) >= 8, axis=-1)
    out = confidence.copy()
    out[empty] = np.maximum(out[empty], 0.1)
    return out
