"""Variations of training crops under which all labels stay exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pose_core.errors import ConfigError
from pose_core.lab.datasets.images import warp
from pose_core.lab.train.images.samples import ImageBatch
from pose_core.skeletons.h36m import H36M
from pose_core.types import BoolArray, FloatArray, ImageArray


@dataclass(frozen=True)
class Augmentation:
    """How much crops are varied; 0 everywhere changes nothing."""

    scale: float = 0.25
    """Crops are enlarged or shrunk by a factor of up to exp(scale)."""
    rotation_deg: float = 30.0
    """Largest turn in the picture."""
    shift: float = 0.06
    """Largest move, in sides of the crop."""
    flip: float = 0.5
    """Share of crops that are mirrored, sides exchanged."""
    gain: float = 0.25
    """Largest relative change of brightness, contrast, and of each colour half as much."""
    pca_colour: float = 0.1
    """Standard deviation of the colour change along the principal axes, in standard deviations of the pixels."""
    occlusion: float = 0.3
    """Share of crops that get patches in the way."""

    def __post_init__(self) -> None:
        for name in ("flip", "occlusion"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"'{name}' must lie in [0, 1], but is {getattr(self, name):g}.")
        for name in ("scale", "rotation_deg", "shift", "gain", "pca_colour"):
            if not getattr(self, name) >= 0.0:
                raise ConfigError(f"'{name}' must not be negative, but is {getattr(self, name):g}.")


def augment(
    batch: ImageBatch, settings: Augmentation, rng: np.random.Generator, size_px: int | None = None
) -> ImageBatch:
    """A random variation of each crop; the arrays given are left as they are.

    Args:
        batch: B crops.
        settings: how much they are varied.
        rng: where chance comes from.
        size_px: side of the result; None = as it is.
    """
    count, size = len(batch), size_px or batch.image.shape[1]
    flips = rng.random(count) < settings.flip
    angle = np.radians(rng.uniform(-1, 1, count) * settings.rotation_deg)
    scale = np.exp(rng.uniform(-1, 1, count) * settings.scale)
    shift = rng.uniform(-1, 1, (count, 2)) * settings.shift * size
    moved = move_crops(batch, angle, scale, shift, flips, size)
    images = moved.image.copy()
    visible = moved.visible.copy()
    for i in range(count):
        images[i] = pca_colour(jitter_colour(images[i], settings.gain, rng), settings.pca_colour, rng)
        if rng.random() < settings.occlusion:
            images[i], hidden = add_patches(images[i], moved.joints_px[i].astype(np.float64), rng)
            visible[i] &= ~hidden
    return replace(moved, image=images, visible=visible)


def scale_crops(batch: ImageBatch, size_px: int) -> ImageBatch:
    """The same crops with another side; nothing else changes."""
    count = len(batch)
    return move_crops(
        batch, np.zeros(count), np.ones(count), np.zeros((count, 2)), np.zeros(count, dtype=bool), size_px
    )


def move_crops(
    batch: ImageBatch,
    angle_rad: FloatArray,
    scale: FloatArray,
    shift_px: FloatArray,
    flips: BoolArray,
    size_px: int | None = None,
) -> ImageBatch:
    """Mirror crops, then turn and scale them about their middle, then shift them.

    Where nothing of a crop is, its edge goes on. The 3D joints are mirrored and turned about the viewing axis, so that
    their camera matrix keeps its form.

    Args:
        batch: B crops of side S.
        angle_rad: (B,) clockwise as seen.
        scale: (B,) above 1 enlarges.
        shift_px: (B, 2) pixels of the result.
        flips: (B,) crops to mirror.
        size_px: side of the result, whatever the scale; None = S.
    """
    before, count = batch.image.shape[1], len(batch)
    size = size_px or before
    in_picture, in_space = _transforms(angle_rad, scale, shift_px, flips, before, size)
    order = np.where(flips[:, None], H36M.mirror, np.arange(len(H36M)))
    rows = np.arange(count)[:, None]
    pixels = batch.joints_px[rows, order].astype(np.float64)
    pixels = np.einsum("bij,bkj->bki", in_picture[:, :2, :2], pixels) + in_picture[:, None, :2, 2]
    inside = np.all((pixels >= 0) & (pixels < size), axis=-1)
    return replace(
        batch,
        image=np.stack([warp(batch.image[i], in_picture[i], size, fill=None) for i in range(count)]),
        joints_px=pixels.astype(np.float32),
        visible=batch.visible[rows, order] & inside,
        joints_m=np.einsum("bij,bkj->bki", in_space, batch.joints_m[rows, order]).astype(np.float32),
        root_m=np.einsum("bij,bj->bi", in_space, batch.root_m).astype(np.float32),
        # The inverse of a turn or a mirroring is its transpose.
        camera_matrix=(in_picture @ batch.camera_matrix @ np.swapaxes(in_space, 1, 2)).astype(np.float32),
    )


def _transforms(
    angle: FloatArray, scale: FloatArray, shift: FloatArray, flips: BoolArray, before: int, size: int
) -> tuple[FloatArray, FloatArray]:
    """(B, 3, 3) of pixels, and (B, 3, 3) of the camera's axes."""
    count = len(angle)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.tile(np.eye(3), (count, 1, 1))
    turn[:, 0, 0], turn[:, 0, 1], turn[:, 1, 0], turn[:, 1, 1] = c, -s, s, c
    mirror = np.tile(np.eye(3), (count, 1, 1))
    mirror[flips, 0, 0] = -1.0
    moved = turn @ mirror
    moved[:, :2, :2] *= scale[:, None, None] * (size / before)
    moved[:, :2, 2] = size / 2 + shift - moved[:, :2, :2] @ np.full(2, before / 2)
    return moved, turn @ mirror


def jitter_colour(image: ImageArray, gain: float, rng: np.random.Generator) -> ImageArray:
    """Random brightness, contrast and tint."""
    if gain == 0.0:
        return image
    brightness, contrast = rng.uniform(-gain, gain, 2)
    tint = rng.uniform(-gain / 2, gain / 2, 3)
    strength = (1 + brightness) * (1 + tint)
    return _recolour(image, strength * (1 + contrast), -contrast * float(image.mean()) * strength)


def pca_colour(image: ImageArray, spread: float, rng: np.random.Generator) -> ImageArray:
    """Add multiples of the principal axes of the picture's colours.

    Source: Krizhevsky et al. 2012, section 4.1, as used by Li & Chan 2014; the axes are of the picture itself.
    """
    if spread == 0.0:
        return image
    pixels = image.reshape(-1, 3)[::7].astype(np.float64)
    pixels -= pixels.mean(axis=0)
    values, axes = np.linalg.eigh(pixels.T @ pixels / max(len(pixels) - 1, 1))
    change = axes @ (rng.normal(0.0, spread, 3) * np.sqrt(np.maximum(values, 0.0)))
    return _recolour(image, np.ones(3), change)


def _recolour(image: ImageArray, strength: FloatArray, offset: FloatArray) -> ImageArray:
    """Every channel times a number (3,) plus a number (3,), held in 0 to 255."""
    import cv2

    matrix = np.concatenate([np.diag(strength), np.broadcast_to(offset, 3)[:, None]], axis=1)
    return np.asarray(cv2.transform(np.ascontiguousarray(image), matrix), dtype=np.uint8)


def add_patches(image: ImageArray, joints_px: FloatArray, rng: np.random.Generator) -> tuple[ImageArray, BoolArray]:
    """Cover parts of a picture with one to three rectangles.

    Args:
        image: (S, S, 3).
        joints_px: (17, 2).
        rng: where chance comes from.
    Returns:
        The picture, and (17,) joints that lie under a rectangle.
    """
    image, size = image.copy(), image.shape[0]
    hidden = np.zeros(len(joints_px), dtype=bool)
    for _ in range(int(rng.integers(1, 4))):
        extent = np.maximum((rng.uniform(0.06, 0.35, 2) * size).astype(int), 1)
        low = rng.integers(0, np.maximum(size - extent, 1))
        high = low + extent
        colour = rng.integers(0, 256, 3) + rng.normal(0.0, rng.uniform(0.0, 40.0), (*extent[::-1], 3))
        image[low[1] : high[1], low[0] : high[0]] = _to_bytes(colour)
        hidden |= np.all((joints_px >= low) & (joints_px < high), axis=1)
    return image, hidden


def _to_bytes(values: FloatArray) -> ImageArray:
    return np.asarray(np.clip(np.round(values), 0, 255), dtype=np.uint8)
