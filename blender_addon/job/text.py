"""Fitting text into panels."""

from __future__ import annotations

import textwrap

import bpy

# A region's pixels that are no text: margins, box borders, an icon.
MARGIN_PX = 56
CHARACTER_PX = 6.3
FALLBACK_CHARACTERS = 44


def characters_that_fit(context: bpy.types.Context) -> int:
    """About how many characters a line of the region has room for."""
    region = context.region
    if region is None:
        return FALLBACK_CHARACTERS
    scale = context.preferences.system.ui_scale
    return max(16, int((region.width - MARGIN_PX * scale) / (CHARACTER_PX * scale)))


def draw_text(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE") -> None:
    """Draw a text over as many lines as it needs, the icon at the first."""
    column = layout.column(align=True)
    column.scale_y = 0.85
    lines = textwrap.wrap(text, characters_that_fit(context)) or [""]
    for number, line in enumerate(lines):
        if number == 0:
            column.label(text=line, icon=icon)  # type: ignore[arg-type]  # any icon's name
        else:
            column.label(text=line, icon="NONE" if icon == "NONE" else "BLANK1")


def shortened(text: str, characters: int = 36) -> str:
    """A text that is no longer than so many characters, its middle left out."""
    if len(text) <= characters:
        return text
    half = (characters - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where due."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
