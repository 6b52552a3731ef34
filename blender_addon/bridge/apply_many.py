"""Put several motions on several characters in one go: all of them, or none."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import bpy
import numpy as np

from pose_core.errors import ConfigError
from pose_core.motion_file import Motion

from .apply_motion import apply_steps
from .options import ApplyOptions
from .read.armature_reader import check_target
from .report.apply_report import ApplyReport
from .restore.snapshot import Snapshot
from .steps import drain
from .write.new_armature import remove_armature
from .write.scene_time import set_frame_range
from .write.take import take_earlier_name


@dataclass(frozen=True, eq=False)
class Casting:
    """Who does what."""

    motion: Motion
    target: bpy.types.Object | None = None
    """An armature object; None makes Pose Core's own."""
    options: ApplyOptions = field(default_factory=ApplyOptions)


def apply_motions(context: bpy.types.Context, castings: Sequence[Casting]) -> list[ApplyReport]:
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
) -> Generator[None, None, list[ApplyReport]]:
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
    done: list[tuple[Snapshot, ApplyReport]] = []
    try:
        for casting in castings:
            snapshot = Snapshot.take(scene, casting.target)
            # an earlier action that is taken away cannot come back, so that waits until all are done
            options = replace(casting.options, replace_action=False)
            report = yield from apply_steps(context, casting.motion, casting.target, options)
            done.append((snapshot, report))
        _widen_range(scene, [report for _, report in done], castings)
    except BaseException:
        for snapshot, report in reversed(done):
            _take_back(scene, snapshot, report)
        before.restore(scene)
        context.view_layer.update()
        raise
    return [_renamed(report, casting) for casting, (_, report) in zip(castings, done, strict=True)]


def from_the_left(context: bpy.types.Context, objects: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """The armatures among objects, as the scene's camera sees them from left to right; without one, as the front view
    does."""
    camera = context.scene.camera

    def place(obj: bpy.types.Object) -> float:
        if camera is None:
            return float(obj.matrix_world.translation.x)
        seen = camera.matrix_world.normalized().inverted() @ obj.matrix_world.translation
        flat = camera.type == "CAMERA" and camera.data.type == "ORTHO"
        return float(seen.x if flat else seen.x / max(-seen.z, 1e-6))

    return sorted((obj for obj in objects if obj.type == "ARMATURE"), key=place)


def _renamed(report: ApplyReport, casting: Casting) -> ApplyReport:
    """The report after the action has taken an earlier one's place, where that is wanted."""
    if not casting.options.replace_action:
        return report
    action = bpy.data.actions[report.action_name]
    clip = casting.options.clip_name_for(casting.motion)
    notes = take_earlier_name(bpy.data.objects[report.object_name], action, clip)
    return replace(report, action_name=action.name, notes=(*report.notes, *notes))


def _take_back(scene: bpy.types.Scene, snapshot: Snapshot, report: ApplyReport) -> None:
    """Undo what one casting did."""
    obj, action = bpy.data.objects[report.object_name], bpy.data.actions[report.action_name]
    snapshot.restore(scene)
    if obj.animation_data is not None:
        tracks = obj.animation_data.nla_tracks
        for track in [track for track in tracks if any(strip.action == action for strip in track.strips)]:
            tracks.remove(track)
    bpy.data.actions.remove(action)
    if report.new_armature:
        remove_armature(obj)


def _widen_range(scene: bpy.types.Scene, reports: Sequence[ApplyReport], castings: Sequence[Casting]) -> None:
    """Let the scene's range hold every take that wants it to."""
    wanted = [r.frames for r, c in zip(reports, castings, strict=True) if c.options.set_frame_range]
    if wanted:
        set_frame_range(scene, np.array([min(first for first, _ in wanted), max(last for _, last in wanted)]))
