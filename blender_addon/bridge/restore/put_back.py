"""Put the file back as it was if a take cannot be finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy

from ..write.new_armature import remove_armature
from .snapshot import Snapshot


@dataclass
class Made:
    """What a take has added to the file so far."""

    armature: bpy.types.Object | None = None
    action: bpy.types.Action | None = None


@contextmanager
def put_back_on_failure(context: bpy.types.Context, target: bpy.types.Object | None) -> Iterator[Made]:
    """Undo everything that happens inside if it ends with an error, or is closed before its end.

    Args:
        context: with the scene and the view layer.
        target: the armature object that is written on, if there is one yet.
    Yields:
        Where what is added to the file is to be named, as soon as it exists.
    """
    scene = context.scene
    snapshot = Snapshot.take(scene, target)
    made = Made()
    try:
        yield made
    except BaseException:
        snapshot.restore(scene)
        if made.action is not None:
            bpy.data.actions.remove(made.action)
        if made.armature is not None:
            remove_armature(made.armature)
            context.view_layer.update()  # until then the view layer lists an object that is gone
        raise
