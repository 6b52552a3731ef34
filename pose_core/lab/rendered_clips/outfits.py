"""What people of rendered clips wear, and who they are: data without Blender."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from pose_core.errors import ConfigError
from pose_core.lab.mannequin.hanging import HangingCut
from pose_core.lab.mannequin.shape import Shape, draw_shape, shaped_points
from pose_core.lab.rendered_people.people import Person, draw_person

_SHORTS_HEM_M = 0.56
_LONG_HEM_M = 0.075


@dataclass(frozen=True)
class Outfit:
    """Clothes over a person."""

    coat_thick_m: float | None = None
    """How far a coat or loose shirt stands off; None = a fitted shirt alone."""
    sleeve_end: float = 0.95
    hanging: HangingCut | None = None
    """Cloth round both legs."""
    hanging_cloth: str = "coat"
    """Whose colour it has: "coat", or "skirt" for a colour of its own."""
    front_m: float = 0.0
    """Half-width of a strip down the front in another colour: where a coat is buttoned, or a cardigan stands open."""
    wide_trousers: bool = False
    bare_legs: bool = False
    bag: str = ""
    """"" , "backpack" or "shoulder"."""
    hair: str = ""
    """One of `head.HAIR_STYLES`; "" = by chance."""


OUTFITS: dict[str, Outfit] = {
    "fitted": Outfit(),
    "long coat": Outfit(0.030, 0.97, HangingCut(0.86, 0.226, 0.175, 0.06), front_m=0.016),
    "knee coat": Outfit(0.028, 0.97, HangingCut(0.56, 0.222, 0.172, 0.05), front_m=0.020, hair="long"),
    "cardigan": Outfit(0.014, 0.92, HangingCut(0.66, 0.205, 0.158, 0.03), front_m=0.075, hair="bun"),
    "long skirt": Outfit(
        hanging=HangingCut(0.94, 0.185, 0.140, 0.17, 0.014), hanging_cloth="skirt", bare_legs=True, hair="long"
    ),
    "short skirt": Outfit(
        0.006, 0.30, HangingCut(0.46, 0.185, 0.142, 0.12, 0.012), "skirt", bare_legs=True, hair="tail"
    ),
    "dress": Outfit(0.008, -0.40, HangingCut(0.74, 0.190, 0.145, 0.13, 0.012), bare_legs=True, hair="thick"),
    "loose shirt": Outfit(0.012, 0.30, HangingCut(0.24, 0.205, 0.158, 0.02)),
    "wide trousers": Outfit(wide_trousers=True),
    "wide all over": Outfit(0.016, 0.90, HangingCut(0.28, 0.212, 0.165, 0.02), wide_trousers=True, hair="cap"),
    "coat and backpack": Outfit(0.024, 0.97, HangingCut(0.30, 0.218, 0.168, 0.02), bag="backpack", hair="cap"),
    "coat and bag": Outfit(
        0.028, 0.97, HangingCut(0.62, 0.222, 0.172, 0.05), front_m=0.012, bag="shoulder", hair="long"
    ),
}

CLOTHING: dict[str, str] = {
    "fitted": "fitted", "wide trousers": "wide trousers", "wide all over": "wide trousers",
    "loose shirt": "loose shirt", "coat and backpack": "loose shirt", "long coat": "coat", "knee coat": "coat",
    "cardigan": "coat", "coat and bag": "coat", "long skirt": "skirt", "short skirt": "skirt", "dress": "skirt",
}  # fmt: skip
"""The kind that an outfit counts as in tables."""


@dataclass(frozen=True)
class Body:
    """Who wears it."""

    height_m: float = 1.70
    legs: float = 1.0
    """Length of the legs for that height, relative to average."""
    female: bool = False
    child: bool = False


def person_of(outfit: str, body: Body, rng: np.random.Generator) -> Person:
    """A person in an outfit.

    Raises:
        ConfigError: there is no such outfit.
    """
    if outfit not in OUTFITS:
        raise ConfigError(f"There is no outfit '{outfit}'.", f"Known outfits: {', '.join(OUTFITS)}.")
    worn = OUTFITS[outfit]
    person = draw_person(rng, 0.3)
    return dataclasses.replace(
        person,
        shape=shape_of(body, rng),
        beard=person.beard and not (body.female or body.child),
        hair_style=worn.hair or person.hair_style,
        hem_z_m=_SHORTS_HEM_M if worn.bare_legs else _LONG_HEM_M,
        skirt_hem_m=None,
    )


def shape_of(body: Body, rng: np.random.Generator) -> Shape:
    """A body that is exactly as tall as asked for; other proportions by chance, within what is usual."""
    shape = draw_shape(rng)
    heads = 1.18 if body.child else 1.0
    shape = dataclasses.replace(
        shape,
        size=1.0,
        trunk=1.0 + 0.5 * (1.0 - body.legs),
        legs=body.legs,
        shoulders=0.93 if body.female or body.child else 1.02,
        hips=1.04 if body.female else 0.98,
        head=(heads, heads, heads),
        limb_girth=0.95 if body.child else shape.limb_girth,
        breast_m=0.02 if body.female and not body.child else 0.0,
        belly_m=min(shape.belly_m, 0.03),
    )
    return dataclasses.replace(shape, size=body.height_m / float(shaped_points(shape)["head_top"][2]))
