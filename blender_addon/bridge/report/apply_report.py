"""What applying a motion came to: typed for the code, plain data for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pose_core.retarget import BoneMap, SceneRate
from pose_core.retarget.rig.motion import FootPlanting

from ..plan import Plan
from ..write.take import Written
from .mapping_report import MappingReport


@dataclass(frozen=True, eq=False)
class ApplyReport:
    """One motion on one character."""

    object_name: str
    new_armature: bool
    """Whether the armature was made for the motion."""
    action_name: str
    keys: int
    keys_of_every_frame: int
    """How many there would be with a key at every frame."""
    nla_track: str | None
    bones: int
    frames: tuple[float, float]
    """Scene frames of the first and the last key."""
    frame_start: int
    """Scene frame at which the video starts."""
    frames_keyed: int
    frames_without_pose: int
    rate: SceneRate
    fps_mode: str
    bone_map: BoneMap
    mapping: MappingReport
    leg_ratio: float
    """Length of the rig's legs over the motion's."""
    planting: FootPlanting
    ik_limbs: tuple[str, ...]
    corrections: Mapping[str, tuple[float, ...]]
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    """Sentences on bones that do not go where the motion wants them."""
    verify: Mapping[str, Any] | None
    """See `verify`; None if nobody looked."""
    timings_s: Mapping[str, float]

    def to_data(self) -> dict[str, Any]:
        """Plain data, as reports on disk hold it."""
        return {
            "object": self.object_name,
            "new_armature": self.new_armature,
            "action": self.action_name,
            "keys": self.keys,
            "keys_of_every_frame": self.keys_of_every_frame,
            "nla_track": self.nla_track,
            "bones": self.bones,
            "frames": list(self.frames),
            "frame_start": self.frame_start,
            "frames_keyed": self.frames_keyed,
            "frames_without_pose": self.frames_without_pose,
            "fps": self.rate.value,
            "fps_setting": [self.rate.fps, self.rate.fps_base],
            "fps_mode": self.fps_mode,
            "family": self.bone_map.family,
            "bone_map": self.bone_map.to_dict(),
            "mapping": self.mapping.to_data(),
            "leg_ratio": self.leg_ratio,
            "planting": self.planting.to_data(),
            "ik_limbs": list(self.ik_limbs),
            "corrections": dict(self.corrections),
            "notes": list(self.notes),
            "failures": list(self.failures),
            "verify": None if self.verify is None else dict(self.verify),
            "timings_s": dict(self.timings_s),
        }


@dataclass(frozen=True, eq=False)
class Findings:
    """What the finished take looked like, and what is to be said of it."""

    mapping: MappingReport
    verify: Mapping[str, Any] | None
    nla_track: str | None
    notes: tuple[str, ...]
    failures: tuple[str, ...]


def report_of(plan: Plan, written: Written, found: Findings, timings_s: Mapping[str, float]) -> ApplyReport:
    """Put plan, what was written and what was found together."""
    rig_motion, options, keyed = plan.rig_motion, plan.options, plan.keyed_frames
    return ApplyReport(
        object_name=plan.target.name,
        new_armature=plan.is_new,
        action_name=written.action.name,
        keys=written.keys,
        keys_of_every_frame=int(np.sum(rig_motion.valid)) * sum(one.values.shape[1] for one in plan.tracks),
        nla_track=found.nla_track,
        bones=len(rig_motion.bone_names),
        frames=(float(keyed[0]), float(keyed[-1])),
        frame_start=options.frame_start,
        frames_keyed=len(keyed),
        frames_without_pose=int(np.sum(~plan.motion.valid)),
        rate=plan.rate,
        fps_mode=options.fps_mode,
        bone_map=plan.bone_map,
        mapping=found.mapping,
        leg_ratio=rig_motion.leg_ratio,
        planting=rig_motion.planting,
        ik_limbs=rig_motion.ik_limbs,
        corrections={**plan.bone_map.corrections, **options.transfer.corrections},
        notes=found.notes,
        failures=found.failures,
        verify=found.verify,
        timings_s=timings_s,
    )
