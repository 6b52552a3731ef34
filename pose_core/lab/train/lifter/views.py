"""Virtual cameras: where they stand, how they move, what they see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.types import FloatArray

_NEAREST_M = 0.9
"""No joint comes closer to a camera."""
_PERSON_M = 1.9

STEEP_DEG = (-35.0, 45.0)
"""Pitch of cameras that look up or down at a person; positive = the camera hangs above."""


@dataclass(frozen=True, eq=False)
class Views:
    """One camera a sequence and frame; focal lengths in units of the picture's width."""

    R_camera_world: FloatArray
    """(B, T, 3, 3)."""
    position_m: FloatArray
    """(B, T, 3) camera centres in the world."""
    focal: FloatArray
    """(B,)."""
    aspect: FloatArray
    """(B,) height over width of the picture."""

    def to_camera(self, joints_m: FloatArray) -> FloatArray:
        """(B, T, J, 3) world to camera axes."""
        return np.asarray((joints_m - self.position_m[:, :, None]) @ np.swapaxes(self.R_camera_world, -1, -2))


def draw_views(rng: np.random.Generator, joints_m: FloatArray, *, steep_share: float = 0.0) -> Views:
    """Place a camera for every sequence.

    Random azimuth, pitch, roll (now and then strong), distance 2 to 12 m and focal length; most cameras drift or pan
    slowly, and half of them follow a person who walks.

    Args:
        rng: source of randomness.
        joints_m: (B, T, J, 3) world, Z up.
        steep_share: share of cameras with a pitch that is uniform in `STEEP_DEG`.
    Returns:
        The cameras; all joints at least 0.9 m in front of them.
    """
    count, frames = joints_m.shape[:2]
    focal = np.exp(rng.uniform(np.log(0.6), np.log(2.0), count))
    aspect = np.exp(rng.choice([np.log(9 / 16), np.log(3 / 4), 0.0, np.log(16 / 9)], count))
    distance = _draw_distances(rng, focal, aspect)
    yaw = rng.uniform(0, 2 * np.pi, count)
    pitch = np.radians(np.clip(rng.normal(5, 22, count), -75, 75))
    if steep_share > 0:
        steep = rng.uniform(size=count) < steep_share
        pitch = np.where(steep, np.radians(rng.uniform(*STEEP_DEG, count)), pitch)
    strong = rng.uniform(size=count) < 0.25
    roll = np.radians(np.where(strong, rng.normal(0, 18, count), rng.normal(0, 7.5, count)))

    pelvis = joints_m[:, :, 0]
    middle = pelvis.mean(axis=1, keepdims=True)
    follow = np.where(rng.uniform(size=count) < 0.5, 0.0, rng.uniform(0, 1, count))[:, None, None]
    calm = _smooth_path(pelvis)
    aim = middle + follow * (calm - middle)
    moving = rng.uniform(size=(count, 1, 1)) < 0.75
    aim = aim + moving * _drift(rng, count, frames, 0.15)
    outward = np.stack([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)], axis=-1)
    # a dolly moves the camera along with the person, a pan only turns it
    dolly = rng.uniform(0, 1, (count, 1, 1)) * (rng.uniform(size=(count, 1, 1)) < 0.3)
    drift = moving * _drift(rng, count, frames, 0.25)
    offset = rng.normal(0, 0.25, (count, 2)) * np.stack([0.5 / focal, 0.5 * aspect / focal], axis=-1)

    for _ in range(3):
        path = middle + dolly * (calm - middle) * follow + drift
        position = path + distance[:, None, None] * outward[:, None]
        R = _look_at(aim - position, roll, offset)
        nearest = ((joints_m - position[:, :, None]) @ R[:, :, 2, :, None])[..., 0].min(axis=(1, 2))
        if np.all(nearest >= _NEAREST_M):
            break
        distance = distance + np.maximum(_NEAREST_M - nearest, 0.0) * 1.5 + 0.1 * (nearest < _NEAREST_M)
    return Views(R, position, focal, aspect)


def _draw_distances(rng: np.random.Generator, focal: FloatArray, aspect: FloatArray) -> FloatArray:
    """2 to 12 m; mostly, but not always, so that the person fits the picture."""
    distance = rng.uniform(2, 12, len(focal))
    fitting = _PERSON_M * focal / np.maximum(aspect, 0.6)
    pushed = np.minimum(fitting * rng.uniform(1.0, 2.5, len(focal)), np.maximum(fitting, 12.0))
    short = (distance < fitting) & (rng.uniform(size=len(focal)) < 0.8)
    return np.where(short, pushed, distance)


def _look_at(direction: FloatArray, roll: FloatArray, offset: FloatArray) -> FloatArray:
    """(B, T, 3, 3) world to camera, for cameras that look along `direction` but for `offset` (tangents)."""
    forward = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    right = np.cross(forward, np.array([0.0, 0.0, 1.0]))
    right = right / np.maximum(np.linalg.norm(right, axis=-1, keepdims=True), 1e-6)
    down = np.cross(forward, right)
    R = np.stack([right, down, forward], axis=-2)
    c, s = np.cos(roll), np.sin(roll)
    o, i = np.zeros_like(roll), np.ones_like(roll)
    turn = np.stack([np.stack(r, -1) for r in ([c, -s, o], [s, c, o], [o, o, i])], axis=-2)
    a, b = np.arctan(offset[:, 0]), np.arctan(offset[:, 1])
    pan = np.stack([np.stack(r, -1) for r in ([np.cos(a), o, np.sin(a)], [o, i, o], [-np.sin(a), o, np.cos(a)])], -2)
    tilt = np.stack([np.stack(r, -1) for r in ([i, o, o], [o, np.cos(b), np.sin(b)], [o, -np.sin(b), np.cos(b)])], -2)
    return np.asarray((tilt @ pan @ turn)[:, None] @ R)


def _drift(rng: np.random.Generator, count: int, frames: int, spread: float) -> FloatArray:
    """(B, T, 3) slow random paths through three points."""
    points = rng.normal(0, spread, (count, 3, 3))
    t = np.linspace(0, 1, frames)
    basis = np.stack([(1 - t) * (1 - 2 * t), 4 * t * (1 - t), t * (2 * t - 1)])
    return np.asarray(np.einsum("kt,bkd->btd", basis, points))


def _smooth_path(path: FloatArray) -> FloatArray:
    """Running mean over about half a second, ends held."""
    reach = 8
    padded = np.pad(path, ((0, 0), (reach, reach), (0, 0)), mode="edge")
    total = np.cumsum(np.pad(padded, ((0, 0), (1, 0), (0, 0))), axis=1)
    return np.asarray((total[:, 2 * reach + 1 :] - total[:, : -2 * reach - 1]) / (2 * reach + 1))
