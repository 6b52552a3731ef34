"""What a person should know of a take that was written."""

from __future__ import annotations

from collections.abc import Iterable

from pose_core.retarget.rig.bone_map import PARTS

from ..plan import Plan
from ..write.take import Written
from .mapping_report import MappingReport, mapping_notes
from .target_notes import size_notes, target_notes


def take_notes(plan: Plan, written: Written, mapping: MappingReport, unit_scale: float) -> list[str]:
    """Sentences on a take, in the order in which things were done.

    Args:
        plan: what was to be written.
        written: what was.
        mapping: its bones.
        unit_scale: metres a Blender unit.
    """
    rig_motion, keys = plan.rig_motion, plan.options.keys
    notes = [*plan.notes, *target_notes(plan.target, plan.rig, plan.written_bones)]
    notes += size_notes(plan.target.name, rig_motion.leg_ratio, unit_scale)
    if written.stiff:
        notes.append(f"IK Stretch keyed to 0, so that knees and elbows bend: {_quoted(written.stiff)}.")
    if written.reset:
        notes.append(f"Put back to rest: {', '.join(written.reset)}.")
    if keys.error_mm is not None and rig_motion.driven:
        notes.append("Fewer keys: the largest error holds for the IK controls; elbows and knees may be off by more.")
    if written.turned:
        notes.append(f"Rotation mode changed to {keys.rotation_mode}: {', '.join(written.turned)}.")
    notes += mapping_notes(mapping)
    if rig_motion.corrected:
        notes.append(f"Rest pose corrected: {', '.join(part for part in PARTS if part in rig_motion.corrected)}.")
    return [*notes, *written.shown]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
