"""Put a motion on a character: the one road that operator and batch share."""

from __future__ import annotations

import time
from collections.abc import Generator

import bpy

from pose_core.motion_file import Motion
from pose_core.retarget import with_short_gaps

from .options import ApplyOptions
from .plan import Plan, plan_take
from .read.armature_reader import check_target, read_armature
from .report.apply_report import ApplyReport, Findings, report_of
from .report.mapping_report import mapping_report
from .report.take_notes import take_notes
from .report.target_notes import failing_notes, floor_notes, object_notes
from .report.verify import verify
from .restore.put_back import put_back_on_failure
from .steps import drain
from .write.new_armature import create_armature
from .write.take import Written, finish_take, write_take


def apply_motion(
    context: bpy.types.Context,
    motion: Motion,
    target: bpy.types.Object | None = None,
    options: ApplyOptions | None = None,
) -> ApplyReport:
    """Write a motion as a new action on an armature, or on a new armature made for it.

    Everything is computed and checked before the first change; should a later step fail, the scene is put back.

    Args:
        context: with a scene and a view layer.
        motion: the motion.
        target: an armature object; None makes Pose Core's own.
        options: see `ApplyOptions`.
    Raises:
        PoseCoreError: the rig or the motion cannot be used; the scene is as before.
    """
    return drain(apply_steps(context, motion, target, options))


def apply_steps(
    context: bpy.types.Context,
    motion: Motion,
    target: bpy.types.Object | None = None,
    options: ApplyOptions | None = None,
) -> Generator[None, None, ApplyReport]:
    """Do what `apply_motion` does in small steps, so that Blender's interface can breathe between them.

    The scene must not be changed by anything else until the last step is done. Closed before that, it puts the
    scene back.
    """
    options = options or ApplyOptions()
    motion, gap_notes = with_short_gaps(motion)
    laps = _Laps()
    if target is not None:
        check_target(target)
        context.view_layer.update()
    with put_back_on_failure(context, target) as made:
        if target is None:
            target = made.armature = create_armature(context, motion, options.clip_name_for(motion))
        rig = read_armature(target)
        laps.end("read")
        plan = yield from plan_take(context, target, rig, motion, options, made.armature is not None)
        laps.end("compute")
        written = yield from write_take(context.scene, plan, made)
        laps.end("write")
        found = yield from _finished(context, plan, written, gap_notes)
        laps.end("verify")
    return report_of(plan, written, found, laps.seconds)


def _finished(
    context: bpy.types.Context, plan: Plan, written: Written, gap_notes: list[str]
) -> Generator[None, None, Findings]:
    """Look at the take that was written, then do what is left to do; failures and notes on the way."""
    target, options = plan.target, plan.options
    mapping = mapping_report(plan.rig, plan.bone_map, options.keys, options.bone_map is not None)
    notes = gap_notes + take_notes(plan, written, mapping, context.scene.unit_settings.scale_length)
    seen, failures = None, []
    yield  # the first look at the new action makes Blender sort out a control rig anew, which is a tick's worth
    if options.verify:
        seen = yield from verify(context, target, plan.rig, plan.bone_map, plan.rig_motion, plan.frames, plan.motion)
        failures = failing_notes(target, seen)
        notes += object_notes(target, seen) + floor_notes(seen)
    track, last_notes = finish_take(plan, written)
    return Findings(mapping, seen, track, (*notes, *last_notes), tuple(failures))


class _Laps:
    """How long each part took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._start = time.perf_counter()

    def end(self, name: str) -> None:
        """End a part; the next one starts."""
        now = time.perf_counter()
        self.seconds[name], self._start = now - self._start, now
