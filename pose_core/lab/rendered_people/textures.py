"""Pictures for walls, floors and backgrounds: (H, W, 3) sRGB in 0..1, first row at the bottom."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np

from pose_core.lab.mannequin.scene import smooth_noise
from pose_core.types import FloatArray

Size = tuple[int, int]
_SIZE: Size = (128, 128)


def _colour(rng: np.random.Generator, saturation: float = 0.7) -> FloatArray:
    return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.0, saturation), rng.uniform(0.15, 0.95)))


def _mixed(a: FloatArray, b: FloatArray, share: FloatArray) -> FloatArray:
    return np.asarray(a * (1 - share[..., None]) + b * share[..., None])


def gradient(rng: np.random.Generator, size: Size = _SIZE) -> FloatArray:
    """Two colours that pass into each other."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]] / np.array(size).reshape(2, 1, 1)
    turn = rng.uniform(0, 2 * np.pi)
    share = np.clip(0.5 + (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn), 0, 1)
    return _mixed(_colour(rng), _colour(rng), share)


def noise(rng: np.random.Generator, size: Size = _SIZE) -> FloatArray:
    """Clouds of three colours at several scales."""
    cells = [tuple(int(c) for c in rng.integers(low, high, 2)) for low, high in ((2, 5), (5, 12), (12, 40))]
    layers = [smooth_noise(rng, size, (c[0], c[1])) for c in cells]
    share = np.clip(0.5 + 0.5 * (layers[0] + 0.5 * layers[1] + 0.35 * layers[2]), 0, 1)
    tint = np.clip(0.5 + 0.7 * smooth_noise(rng, size, (3, 3)), 0, 1)
    return _mixed(_mixed(_colour(rng), _colour(rng), share), _colour(rng), 0.5 * tint)


def rectangles(rng: np.random.Generator, size: Size = _SIZE) -> FloatArray:
    """Many rectangles over each other, like houses, shelves or signs."""
    image = gradient(rng, size)
    for _ in range(int(rng.integers(8, 40))):
        h, w = (int(rng.integers(3, max(4, s // 2))) for s in size)
        y, x = int(rng.integers(-h // 2, size[0])), int(rng.integers(-w // 2, size[1]))
        image[max(y, 0) : y + h, max(x, 0) : x + w] = _colour(rng)
    return np.clip(image + 0.05 * smooth_noise(rng, size, (30, 30))[..., None], 0, 1)


def tiles(rng: np.random.Generator, size: Size = _SIZE) -> FloatArray:
    """Tiles or bricks with joints."""
    rows, columns = int(rng.integers(3, 9)), int(rng.integers(2, 9))
    y, x = np.mgrid[0 : size[0], 0 : size[1]] / np.array(size).reshape(2, 1, 1)
    row = np.floor(y * rows)
    x = x * columns + (row % 2) * (0.5 if rng.random() < 0.5 else 0.0)
    tone = rng.uniform(0.8, 1.1, (rows, columns + 1))[row.astype(int), np.floor(x).astype(int) % (columns + 1)]
    joint = (np.abs(y * rows - np.round(y * rows)) < 0.06) | (np.abs(x - np.round(x)) < 0.04)
    image = _colour(rng, 0.5) * tone[..., None]
    image[joint] = _colour(rng, 0.2)
    return np.clip(image, 0, 1)


def plain(rng: np.random.Generator, size: Size = _SIZE) -> FloatArray:
    """One colour, a little mottled."""
    mottled = 1.0 + 0.03 * smooth_noise(rng, size, (9, 12)) + 0.02 * smooth_noise(rng, size, (40, 40))
    return np.clip(_colour(rng, 0.35) * mottled[..., None], 0, 1)


def outdoors(rng: np.random.Generator, size: Size = _SIZE) -> FloatArray:
    """Sky, hills and ground, with trunks."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width] / np.array(size).reshape(2, 1, 1)
    sky = np.array([0.45, 0.62, 0.85]) * rng.uniform(0.6, 1.1)
    image = _mixed(np.array([0.85, 0.88, 0.9]) * rng.uniform(0.7, 1.0), sky, np.clip(1.6 * y - 0.4, 0, 1))
    for level in sorted(rng.uniform(0.2, 0.65, 3))[::-1]:
        line = (
            level
            + 0.06 * np.sin(rng.uniform(3, 12) * x[0] + rng.uniform(0, 6))
            + 0.03 * smooth_noise(rng, size, (1, 20))[0]
        )
        green = np.array([rng.uniform(0.15, 0.5), rng.uniform(0.25, 0.55), rng.uniform(0.08, 0.3)])
        speckled = green * (1 + 0.5 * smooth_noise(rng, size, (25, 40)))[..., None]
        image = np.where((y < line)[..., None], speckled, image)
    for _ in range(int(rng.integers(0, 6))):
        left, thick = rng.uniform(0, 1), rng.uniform(0.01, 0.06)
        trunk = (np.abs(x - left - 0.03 * np.sin(9 * y)) < thick) & (y > rng.uniform(0.05, 0.3))
        image[trunk] = np.array([0.22, 0.16, 0.10]) * rng.uniform(0.6, 1.4)
    return np.clip(image, 0, 1)


BACKGROUNDS: dict[str, tuple[Callable[..., FloatArray], ...]] = {
    "lab": (plain, gradient, tiles),
    "wild": (gradient, noise, rectangles, outdoors, outdoors, tiles),
}
"""Kinds of far background a look draws from."""
