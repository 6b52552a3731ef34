"""How large a picture may be: known before it is decoded, as decoding is what costs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from pose_core.errors import VideoError

MOST_PIXELS = 50_000_000
"""Of a stored and of a displayed picture: 8K video has 33 million. Ten such pictures still fit beside the networks."""
MOST_SIDE = 16384
MOST_PIXEL_ASPECT = 8
"""Widest and tallest pixels; anamorphic film has 2."""
MOST_FPS = 1000
"""A higher stated rate is no rate."""


def check_size(width: int, height: int, path: Path) -> None:
    """Refuse pictures that are too large.

    Args:
        width, height: pixels, stored or displayed; 0 where they are not known yet.
        path: for the message.
    Raises:
        VideoError: beyond `MOST_PIXELS` or `MOST_SIDE`.
    """
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise VideoError(
            f"expected pictures of at most {MOST_PIXELS // 10**6} million pixels and {MOST_SIDE} a side, but "
            f"'{path}' has {width}x{height}.",
            "Scale it down first.",
        )


def check_pixel_aspect(aspect: Fraction, path: Path) -> None:
    """Refuse pixels of an impossible shape.

    Raises:
        VideoError: wider or taller than 1 to `MOST_PIXEL_ASPECT`.
    """
    if aspect > MOST_PIXEL_ASPECT or aspect < Fraction(1, MOST_PIXEL_ASPECT):
        raise VideoError(
            f"expected pixels at most {MOST_PIXEL_ASPECT} times as wide as high, or as high as wide, but those of "
            f"'{path}' are {float(aspect):.6g} times as wide as high.",
            "Convert it to square pixels.",
        )
