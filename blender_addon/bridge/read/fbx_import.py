"""Read FBX files by whichever of Blender's importers can, and say in one line why none could."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy

from .. import compat
from ..blender_io import enable_addon

_KINDS = ("objects", "meshes", "armatures", "materials", "lights", "cameras", "images", "textures", "actions",
          "collections", "node_groups", "curves", "shape_keys")  # fmt: skip
# What the text of an operator's error says of the place and not of the cause.
_NO_REASON = ("Traceback", "Error: Python: Traceback", "File ", "Location:", "~", "^")


def import_fbx(path: Path) -> None:
    """Import an FBX file into the present scene.

    From Blender 5.0 on the newer importer goes first: the older one fails there on files with lights. What a failed
    importer leaves is removed before the other one tries.

    Raises:
        RuntimeError: none can read the file; with the reasons of the last one.
    """
    importers = _importers()
    for importer in importers[:-1]:
        before = _all_data()
        try:
            importer(path)
        except RuntimeError:
            _remove_new(before)
        else:
            return
    importers[-1](path)


def reason_of(error: Exception) -> str:
    """What an operator's error says in the first line that says something; of a traceback, its last words."""
    lines = [line.rstrip() for line in str(error).splitlines() if line.strip()]
    plain = [line for line in lines if not line.startswith(" ") and not line.startswith(_NO_REASON)]
    return plain[0].removeprefix("Error: ").strip() if plain else "no reason given"


def _importers() -> list[Callable[[Path], None]]:
    """Blender's importers, best first."""
    if not compat.has_native_fbx_import():
        return [_legacy]
    return [_native, _legacy] if bpy.app.version >= (5, 0, 0) else [_legacy, _native]


# Blender's own offset of one frame would shift every key.
def _native(path: Path) -> None:
    bpy.ops.wm.fbx_import(filepath=str(path), anim_offset=0.0)


def _legacy(path: Path) -> None:
    enable_addon("io_scene_fbx")
    bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)


def _all_data() -> dict[str, set[int]]:
    return {kind: {one.as_pointer() for one in getattr(bpy.data, kind)} for kind in _KINDS}


def _remove_new(before: dict[str, set[int]]) -> None:
    new = [one for kind in _KINDS for one in getattr(bpy.data, kind) if one.as_pointer() not in before[kind]]
    bpy.data.batch_remove(new)
