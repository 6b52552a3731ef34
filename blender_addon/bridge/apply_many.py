"""Put several motions on several characters in one go: all of them, or none."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from pose_core.errors import ConfigError
from pose_core.motion_file import Motion

from .apply_motion import ApplyOptions, apply_steps
from .armature_reader import check_target
from .new_armature import remove_armature
from .scene_time import set_frame_range
from .snapshot import Snapshot
from .steps import drain


@dataclass(frozen=True, eq=False)
class Casting:
    """Who does what."""

    motion: Motion
    target: bpy.types.Object | None = None
    """An armature object; None makes Pose Core's own."""
    options: ApplyOptions = field(default_factory=ApplyOptions)


def apply_motions(context: bpy.types.Context, castings: Sequence[Casting]) -> list[dict[str, Any]]:
    """Write each motion as a new action on its character; see `apply_motion`.

    Args:
        context: with a scene and a view layer.
        castings: motions and their targets; times start together unless the options say otherwise.
    Returns:
        One report for each.
    Raises:
        ConfigError: nothing was given, or two motions for one character.
        PoseCoreError: a rig or a motion cannot be used; every character and the scene are as before.
    """
    return drain(apply_many_steps(context, castings))


def apply_many_steps(
    context: bpy.types.Context, castings: Sequence[Casting]
) -> Generator[None, None, list[dict[str, Any]]]:
    """Do what `apply_motions` does in small steps; closed before the last, everything is put back."""
    if not castings:
        raise ConfigError("No motion was given.", "Choose at least one.")
    names = [casting.target.name for casting in castings if casting.target is not None]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"Two motions were given for one character ({', '.join(twice)}).", "Give each a character of its own."
        )
    for casting in castings:
        if casting.target is not None:
            check_target(casting.target)
    scene = context.scene
    before = Snapshot.take(scene, None)
    done: list[tuple[Snapshot, dict[str, Any]]] = []
    try:
        for casting in castings:
            snapshot = Snapshot.take(scene, casting.target)
            report = yield from apply_steps(context, casting.motion, casting.target, casting.options)
            done.append((snapshot, report))
        _widen_range(scene, [report for _, report in done], castings)
    except BaseException:
        for snapshot, report in reversed(done):
            snapshot.restore(scene)
            bpy.data.actions.remove(bpy.data.actions[report["action"]])
            if report["new_armature"]:
                remove_armature(bpy.data.objects[report["object"]])
        before.restore(scene)
        context.view_layer.update()
        raise
    return [report for _, report in done]


def _widen_range(scene: bpy.types.Scene, reports: Sequence[dict[str, Any]], castings: Sequence[Casting]) -> None:
    """Let the scene's range hold every take that wants it to."""
    wanted = [r["frames"] for r, c in zip(reports, castings, strict=True) if c.options.set_frame_range]
    if wanted:
        set_frame_range(scene, np.array([min(first for first, _ in wanted), max(last for _, last in wanted)]))
