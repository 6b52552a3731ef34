"""Export one character with its active action as plain FBX."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from .character import export_character
from .presets import export_preset


def export_fbx(context: bpy.types.Context, armature: bpy.types.Object, path: str | os.PathLike[str]) -> Path:
    """Write an armature, its meshes and its motion; see `export_character`.

    Joints, times and frame rate come back the same on import (with an animation offset of 0); no leaf bones are added
    and no keys thinned out. Keys are at the whole frames of the scene's range.
    """
    return export_character(context, armature, path, export_preset("fbx"))
