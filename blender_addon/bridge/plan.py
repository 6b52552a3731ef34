"""What is to be written on a character: computed and checked before the first change."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial

import bpy

from pose_core.motion_file import Motion
from pose_core.retarget import (
    BoneMap,
    KeyTrack,
    RigDescription,
    RigMotion,
    SceneRate,
    TransferConfig,
    check_bone_map,
    frames_of_times,
    ik_limbs,
    keyed_bones,
    map_bones,
    planned_tracks,
    rate_of_times,
    resampled,
    switches_of,
    transfer,
    wanted_root,
    with_root_motion,
    without_unseen_legs,
)
from pose_core.types import FloatArray

from .options import ApplyOptions
from .read.armature_reader import read_armature
from .read.foot_skin import with_foot_skin
from .read.probe_controls import needs_probing, probe
from .steps import beside
from .write.ik_choice import IkChoice, choose_ik, strayed_limbs
from .write.scene_time import scene_rate


@dataclass(frozen=True, eq=False)
class Plan:
    """A take that has been computed; writing it needs no more decisions."""

    target: bpy.types.Object
    is_new: bool
    """Whether the armature was made for this motion."""
    options: ApplyOptions
    motion: Motion
    rig: RigDescription
    """The rig, with what its controls hang on."""
    bone_map: BoneMap
    rig_motion: RigMotion
    """T frames, after resampling."""
    frames: FloatArray
    """(T,) scene frames."""
    rate: SceneRate
    tracks: tuple[KeyTrack, ...]
    switched_off: dict[tuple[str, str], float]
    """Switches that take the influence from constraints; see `write.switches`."""
    notes: tuple[str, ...]
    """What a person should know before anything is written."""

    @property
    def clip(self) -> str:
        """What the action is called, if the name is free."""
        return self.options.clip_name_for(self.motion)

    @property
    def keyed_frames(self) -> FloatArray:
        """Scene frames of the frames with a pose."""
        return self.frames[self.rig_motion.valid]

    @property
    def first_frame(self) -> float:
        """Where the take starts: frames without a pose before the first key keep their time in exports."""
        return min(float(self.options.frame_start), float(self.keyed_frames[0]))

    @property
    def written_bones(self) -> list[str]:
        """Mapped bones that get keys."""
        passive = self.rig_motion.driven | self.rig_motion.unkeyed
        return [name for name in self.rig_motion.bone_names if name not in passive]


def plan_take(
    context: bpy.types.Context,
    target: bpy.types.Object,
    rig: RigDescription,
    motion: Motion,
    options: ApplyOptions,
    is_new: bool,
) -> Generator[None, None, Plan]:
    """Find the bones, carry the motion over and compute all keys, in small steps.

    Args:
        context: with the scene.
        target: an armature object.
        rig: its description.
        motion: short gaps filled.
        options: see `ApplyOptions`.
        is_new: whether the armature was made for this motion.
    Raises:
        PoseCoreError: the rig or the motion cannot be used.
    """
    bone_map = yield from beside(lambda: _bone_map(rig, options))
    rig = with_foot_skin(target, rig, bone_map)
    config = options.transfer
    if is_new:
        # made in the motion's own sizes: what was solved is right as it is, planted feet too
        config = replace(config, plant_feet=False)
    rig, choice, rig_motion = yield from _carried(context, target, rig, bone_map, motion, config, options)
    bone_map = choice.bone_map
    rate = rate_of_times(motion.timestamps_s) if options.set_scene_fps else scene_rate(context.scene)
    zero = float(motion.timestamps_s[0]) if options.time_zero_s is None else options.time_zero_s
    frames = frames_of_times(motion.timestamps_s, rate.value, options.frame_start, zero)
    if options.fps_mode == "resample":
        rig_motion, frames = yield from beside(partial(resampled, rig_motion, frames))
    notes: list[str] = []
    if options.keys.leave_unseen:
        rig_motion, notes = without_unseen_legs(bone_map, rig_motion, motion)
    rig_motion = with_root_motion(rig, bone_map, rig_motion, options.keys)
    tracks = yield from beside(partial(planned_tracks, rig, bone_map, rig_motion, frames, motion, options.keys))
    return Plan(
        target=target,
        is_new=is_new,
        options=options,
        motion=motion,
        rig=rig,
        bone_map=bone_map,
        rig_motion=rig_motion,
        frames=frames,
        rate=rate,
        tracks=tuple(tracks),
        switched_off=choice.off,
        notes=(*notes, *rig_motion.notes, *choice.notes),
    )


def plan_motion(target: bpy.types.Object, options: ApplyOptions | None = None) -> BoneMap:
    """Find the bone map that `apply_motion` would use, without changing anything.

    Raises:
        RigError: the rig cannot be used.
    """
    return _bone_map(read_armature(target), options or ApplyOptions())


def _bone_map(rig: RigDescription, options: ApplyOptions) -> BoneMap:
    if options.bone_map is None:
        return map_bones(rig)
    check_bone_map(rig, options.bone_map)
    return options.bone_map


def _carried(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    rig: RigDescription,
    bone_map: BoneMap,
    motion: Motion,
    config: TransferConfig,
    options: ApplyOptions,
) -> Generator[None, None, tuple[RigDescription, IkChoice, RigMotion]]:
    """The rig with what its controls hang on, what is done about its IK, and the motion on it.

    IK that is found to lead a limb elsewhere is switched off, and the motion carried onto the limb's bones instead.
    """
    strayed: list[str] = []
    off: dict[tuple[str, str], float] = {}
    while True:
        choice = choose_ik(obj, rig, bone_map, config.controls, strayed)
        off |= choice.off  # what was switched off before counts as idle by now
        choice = replace(choice, off=off)
        known = _with_controls(context, obj, rig, choice, options)
        moved = yield from beside(partial(transfer, motion, known, choice.bone_map, config))
        limbs = moved.ik_limbs if config.controls == "auto" else ()
        found = yield from strayed_limbs(context, obj, known, choice.bone_map, moved, limbs)
        if not found:
            return known, choice, moved
        strayed += found


def _with_controls(
    context: bpy.types.Context, obj: bpy.types.Object, rig: RigDescription, choice: IkChoice, options: ApplyOptions
) -> RigDescription:
    """The rig with what its controls hang on, where constraints or drivers make that unclear."""
    bone_map = choice.bone_map
    limbs = ik_limbs(bone_map, options.transfer.controls)
    keyed = keyed_bones(rig, bone_map, limbs)
    root = wanted_root(bone_map, options.keys)
    if root is not None and root in rig.bone_names:
        keyed = replace(keyed, turning=(*keyed.turning, root), moving=(*keyed.moving, root))
    if not needs_probing(rig, keyed):
        return rig
    return probe(context, obj, rig, keyed, {**switches_of(bone_map, limbs), **choice.off})
