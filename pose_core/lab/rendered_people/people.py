"""Who is in the pictures: bodies, clothes and colours by chance, as data without Blender."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from pose_core.lab.mannequin.head import HAIR_STYLES
from pose_core.lab.mannequin.shape import Shape, draw_shape
from pose_core.types import FloatArray

Colour = tuple[float, float, float]
"""Linear RGB in 0..1."""

# From very light to very dark.
_SKIN: tuple[Colour, ...] = (
    (0.78, 0.54, 0.43), (0.70, 0.46, 0.34), (0.62, 0.37, 0.25), (0.50, 0.28, 0.17), (0.36, 0.19, 0.11),
    (0.22, 0.105, 0.060), (0.115, 0.055, 0.034), (0.060, 0.030, 0.021),
)  # fmt: skip
_HAIR: tuple[Colour, ...] = (
    (0.012, 0.010, 0.009), (0.045, 0.028, 0.020), (0.10, 0.055, 0.030), (0.25, 0.13, 0.055), (0.50, 0.34, 0.15),
    (0.30, 0.075, 0.025), (0.34, 0.33, 0.32), (0.70, 0.69, 0.67), (0.25, 0.05, 0.20),
)  # fmt: skip
_HAIR_ODDS = (0.24, 0.24, 0.14, 0.10, 0.08, 0.05, 0.08, 0.05, 0.02)
_IRIS: tuple[Colour, ...] = ((0.10, 0.06, 0.03), (0.05, 0.03, 0.02), (0.10, 0.20, 0.35), (0.12, 0.20, 0.09))

# Where sleeves end: share of the upper arm, then share of the forearm or None.
_SLEEVES: dict[str, tuple[float, float | None]] = {
    "sleeveless": (0.10, None),
    "short": (0.66, None),
    "elbow": (0.66, 0.20),
    "long": (0.66, 0.93),
}
# Where trousers end, metres above the floor of the modelled body.
_HEMS: dict[str, float] = {"long": 0.075, "cropped": 0.24, "shorts": 0.56, "skirt": 0.70}
_SKIRT_HEMS_M = (0.36, 0.48, 0.60)
PATTERNS = ("plain", "stripes", "bars", "checks", "dots", "blotches", "two-tone")


@dataclass(frozen=True)
class Cloth:
    """Colours and pattern of a garment."""

    colour: Colour
    second: Colour
    pattern: str
    period_m: float


@dataclass(frozen=True)
class Person:
    """Everything that tells one person from another."""

    shape: Shape
    skin: Colour
    hair: Colour
    lips: Colour
    iris: Colour
    hair_style: str
    beard: bool
    sleeve_share: float
    forearm_share: float | None
    hem_z_m: float
    skirt_hem_m: float | None
    wristband: bool
    top: Cloth
    bottom: Cloth
    shoes: Colour
    soles: Colour
    band: Colour


def draw_person(rng: np.random.Generator, patterned: float) -> Person:
    """A random person.

    Args:
        rng: where chance comes from.
        patterned: share of garments with a pattern.
    """
    shape = draw_shape(rng)
    skin = _between(rng, _SKIN)
    hair = _jittered(rng, _HAIR[int(rng.choice(len(_HAIR), p=_HAIR_ODDS))], 0.25)
    style = str(rng.choice(HAIR_STYLES, p=_style_odds(shape.breast_m > 0)))
    if style == "cap":
        hair = _cloth_colour(rng)
    sleeves, forearm = _SLEEVES[str(rng.choice(list(_SLEEVES), p=(0.15, 0.37, 0.13, 0.35)))]
    odds = (0.45, 0.10, 0.20, 0.25) if shape.breast_m > 0 else (0.60, 0.12, 0.28, 0.0)
    leg = str(rng.choice(list(_HEMS), p=odds))
    top, bottom = _cloth(rng, patterned), _cloth(rng, 0.5 * patterned)
    lips = (skin[0] * 0.85, skin[1] * 0.5, skin[2] * 0.55)
    return Person(
        shape=shape,
        skin=skin,
        hair=hair,
        lips=lips if rng.random() < 0.8 else (0.45, 0.04, 0.06),
        iris=_IRIS[int(rng.choice(len(_IRIS), p=(0.45, 0.25, 0.18, 0.12)))],
        hair_style=style,
        beard=bool(shape.breast_m == 0 and style != "cap" and rng.random() < 0.25),
        sleeve_share=sleeves,
        forearm_share=forearm,
        hem_z_m=_HEMS[leg],
        skirt_hem_m=float(rng.choice(_SKIRT_HEMS_M)) if leg == "skirt" else None,
        wristband=bool(rng.random() < 0.2 and forearm is None),
        top=top,
        bottom=bottom,
        shoes=_cloth_colour(rng),
        soles=(0.80, 0.80, 0.77) if rng.random() < 0.5 else _jittered(rng, (0.05, 0.05, 0.05), 0.5),
        band=top.colour if rng.random() < 0.6 else top.second,
    )


def pattern_image(cloth: Cloth, rng: np.random.Generator, size: int = 64) -> FloatArray:
    """(size, size, 3) one tile of a garment's cloth, sRGB; it repeats without a seam."""
    y, x = np.mgrid[0:size, 0:size] / size
    match cloth.pattern:
        case "stripes":
            share = (y % 0.5 < 0.22).astype(float)
        case "bars":
            share = (x % 0.5 < 0.2).astype(float)
        case "checks":
            share = 0.5 * ((y % 0.5 < 0.25).astype(float) + (x % 0.5 < 0.25))
        case "dots":
            share = (np.hypot((x % 0.5) - 0.25, (y % 0.5) - 0.25) < 0.11).astype(float)
        case "blotches":
            phase = rng.uniform(0, 2 * np.pi, 6)
            waves = sum(
                np.cos(2 * np.pi * (i * x + j * y) + phase[k])
                for k, (i, j) in enumerate(((1, 2), (2, -1), (3, 1), (1, -3), (2, 3), (0, 2)))
            )
            share = (np.asarray(waves) > 0.6).astype(float)
        case "two-tone":
            share = (y < 0.5).astype(float)
        case _:
            share = np.zeros_like(x)
    weave = 1.0 + 0.04 * rng.standard_normal((size, size, 1))
    mixed = np.asarray(cloth.colour) * (1 - share[..., None]) + np.asarray(cloth.second) * share[..., None]
    return to_srgb(np.clip(mixed * weave, 0.0, 1.0))


def to_srgb(linear: FloatArray) -> FloatArray:
    """sRGB values of linear ones in 0..1."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def _style_odds(female: bool) -> tuple[float, ...]:
    """In the order of `HAIR_STYLES`: short, long, bun, tail, thick, cap, bald."""
    return (0.14, 0.32, 0.16, 0.20, 0.09, 0.07, 0.02) if female else (0.52, 0.08, 0.02, 0.04, 0.10, 0.10, 0.14)


def _between(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    place = rng.uniform(0, len(colours) - 1)
    low = int(place)
    high, share = min(low + 1, len(colours) - 1), place - low
    mixed = [a * (1 - share) + b * share for a, b in zip(colours[low], colours[high], strict=True)]
    return _jittered(rng, (mixed[0], mixed[1], mixed[2]), 0.06)


def _jittered(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    r, g, b = (float(np.clip(c * np.exp(rng.normal(0, spread)), 0.0, 1.0)) for c in colour)
    return r, g, b


def _cloth_colour(rng: np.random.Generator) -> Colour:
    if rng.random() < 0.35:  # black, grey, white
        grey = float(rng.choice((0.012, 0.04, 0.12, 0.35, 0.75)))
        return _jittered(rng, (grey, grey, grey), 0.06)
    r, g, b = colorsys.hsv_to_rgb(rng.random(), float(rng.uniform(0.25, 0.95)), float(rng.uniform(0.06, 0.85) ** 1.2))
    return r, g, b


def _cloth(rng: np.random.Generator, patterned: float) -> Cloth:
    pattern = str(rng.choice(PATTERNS[1:])) if rng.random() < patterned else "plain"
    return Cloth(_cloth_colour(rng), _cloth_colour(rng), pattern, float(rng.uniform(0.06, 0.30)))
