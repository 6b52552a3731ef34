"""Put a motion on a character: the one road that operator and batch script share."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from pose_core.errors import ConfigError
from pose_core.motion_file import Motion
from pose_core.retarget import (
    BoneMap,
    KeysConfig,
    RigDescription,
    RigMotion,
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
    with_short_gaps,
    without_unseen_legs,
)
from pose_core.retarget.rig.bone_map import PARTS

from .compat import assign_action
from .read.armature_reader import check_target, read_armature
from .read.foot_skin import with_foot_skin
from .read.probe_controls import needs_probing, probe
from .report.mapping_report import mapping_notes, mapping_report
from .report.target_notes import failing_notes, floor_notes, object_notes, size_notes, target_notes
from .report.verify import verify
from .restore.snapshot import Snapshot
from .steps import beside, drain
from .write.action_writer import (
    claim_name,
    keep_lead,
    push_to_nla,
    reset_leftovers,
    set_rotation_modes,
    write_action,
)
from .write.ik_choice import IkChoice, choose_ik, strayed_limbs
from .write.new_armature import create_armature, remove_armature
from .write.scene_time import scene_rate, set_frame_range, set_scene_rate
from .write.switches import key_switches, set_switches, stiff_limbs

FPS_MODES = ("subframes", "resample")


@dataclass(frozen=True)
class ApplyOptions:
    """How a motion is put on a character."""

    clip_name: str = ""
    """Name of the new action (and of a new armature); empty = the video's name."""
    frame_start: int = 1
    """Scene frame at which the video starts."""
    fps_mode: str = "subframes"
    """`subframes`: a key at the exact time of every video frame; `resample`: a key at every whole scene frame."""
    set_scene_fps: bool = True
    """Set the scene's frame rate from the video."""
    set_frame_range: bool = True
    """Set the scene's start and end to the keys."""
    time_zero_s: float | None = None
    """Video time that lands on `frame_start`; None = the motion's first frame."""
    bone_map: BoneMap | None = None
    """Which bones to use; None = find them by name."""
    transfer: TransferConfig = field(default_factory=TransferConfig)
    """How the motion is carried onto the rig."""
    interpolation: str = "LINEAR"
    """Between keys at every frame, where linear plays exactly what was solved."""
    keys: KeysConfig = field(default_factory=KeysConfig)
    """Which keys are written: all or few, in which form, and where the path is."""
    nla: bool = False
    """Push the new action onto an NLA track of its own."""
    replace_action: bool = False
    """Let the new action take the place of an earlier one of the same name instead of standing beside it."""
    verify: bool = True
    """Look at the evaluated rig afterwards and report deviations."""

    def __post_init__(self) -> None:
        if self.fps_mode not in FPS_MODES:
            raise ConfigError(f"fps_mode must be one of {', '.join(FPS_MODES)}, but is '{self.fps_mode}'.")
        if self.interpolation not in ("LINEAR", "BEZIER", "CONSTANT"):
            raise ConfigError(f"interpolation must be LINEAR, BEZIER or CONSTANT, but is '{self.interpolation}'.")

    def clip_name_for(self, motion: Motion) -> str:
        """What the action of a motion is called."""
        return self.clip_name or Path(motion.source).stem or "Motion"


def apply_motion(
    context: bpy.types.Context,
    motion: Motion,
    target: bpy.types.Object | None = None,
    options: ApplyOptions | None = None,
) -> dict[str, Any]:
    """Write a motion as a new action on an armature, or on a new armature made for it.

    Everything is computed and checked before the first change; should a later step fail, the scene is put back.

    Args:
        context: with a scene and a view layer.
        motion: the motion.
        target: an armature object; None makes Pose Core's own.
        options: see `ApplyOptions`.
    Returns:
        A report of plain data: `object`, `action`, `keys`, `bones`, `frames`, `fps`, `family`, `bone_map`, `mapping`
        (see `mapping_report`), `corrections`, `notes`, `failures` (sentences on bones that do not go where
        the motion wants them), `verify` (see `verify`), `timings_s`.
    Raises:
        PoseCoreError: the rig or the motion cannot be used; the scene is as before.
    """
    return drain(apply_steps(context, motion, target, options))


def apply_steps(
    context: bpy.types.Context,
    motion: Motion,
    target: bpy.types.Object | None = None,
    options: ApplyOptions | None = None,
) -> Generator[None, None, dict[str, Any]]:
    """Do what `apply_motion` does in small steps, so that Blender's interface can breathe between them.

    The scene must not be changed by anything else until the last step is done. Closed before that, it puts the
    scene back.
    """
    options = options or ApplyOptions()
    motion, early_notes = with_short_gaps(motion)
    scene = context.scene
    clip = options.clip_name_for(motion)
    start = time.perf_counter()
    timings: dict[str, float] = {}
    if target is not None:
        check_target(target)
        context.view_layer.update()
    snapshot = Snapshot.take(scene, target)
    created: bpy.types.Object | None = None
    action: bpy.types.Action | None = None
    try:
        if target is None:
            target = created = create_armature(context, motion, clip)
        rig = read_armature(target)
        timings["read"] = time.perf_counter() - start
        bone_map = yield from beside(lambda: _bone_map(rig, options))
        rig = with_foot_skin(target, rig, bone_map)
        config = options.transfer
        if created is not None:
            # made in the motion's own sizes: what was solved is right as it is, planted feet too
            config = replace(config, plant_feet=False)
        rig, choice, rig_motion = yield from _carried(context, target, rig, bone_map, motion, config, options)
        bone_map = choice.bone_map
        rate = rate_of_times(motion.timestamps_s) if options.set_scene_fps else scene_rate(scene)
        zero = float(motion.timestamps_s[0]) if options.time_zero_s is None else options.time_zero_s
        frames = frames_of_times(motion.timestamps_s, rate.value, options.frame_start, zero)
        if options.fps_mode == "resample":
            rig_motion, frames = yield from beside(lambda: resampled(rig_motion, frames))
        if options.keys.leave_unseen:
            rig_motion, unseen_notes = without_unseen_legs(bone_map, rig_motion, motion)
            early_notes += unseen_notes
        rig_motion = with_root_motion(rig, bone_map, rig_motion, options.keys)
        tracks = yield from beside(lambda: planned_tracks(rig, bone_map, rig_motion, frames, motion, options.keys))
        timings["compute"] = time.perf_counter() - start - timings["read"]
        action, slot, keys = yield from write_action(target, tracks, clip, options.interpolation)
        # IK starts from where its bones are, so those go to rest too
        passive = rig_motion.driven | rig_motion.unkeyed
        written = [name for name in rig_motion.bone_names if name not in passive]
        reset = reset_leftovers(target, rig, [*written, *rig_motion.locations])
        turned = set_rotation_modes(target, tracks)
        _keep_old_action(target)
        assign_action(target, action, slot)
        limbs = rig_motion.ik_limbs
        stiff = stiff_limbs(target, rig, bone_map, limbs)
        switches = {**rig_motion.switches, **stiff, **choice.off}
        set_switches(target, switches)
        keys += key_switches(target, action, slot, switches, frames[rig_motion.valid][0])
        timings["write"] = time.perf_counter() - start - timings["read"] - timings["compute"]
        notes = early_notes + list(rig_motion.notes) + choice.notes + target_notes(target, rig, written)
        notes += size_notes(target.name, rig_motion.leg_ratio, scene.unit_settings.scale_length)
        if stiff:
            told = ", ".join(f"'{bone}'" for bone, _ in stiff)
            notes.append(f"IK Stretch keyed to 0, so that knees and elbows bend: {told}.")
        if reset:
            notes.append(f"Put back to rest: {', '.join(reset)}.")
        if options.keys.error_mm is not None and rig_motion.driven:
            notes.append(
                "Fewer keys: the largest error holds for the IK controls; elbows and knees may be off by more."
            )
        if turned:
            notes.append(f"Rotation mode changed to {options.keys.rotation_mode}: {', '.join(turned)}.")
        mapping = mapping_report(rig, bone_map, options.keys, options.bone_map is not None)
        notes += mapping_notes(mapping)
        corrected = rig_motion.corrected
        if corrected:
            notes.append(f"Rest pose corrected: {', '.join(part for part in PARTS if part in corrected)}.")
        notes += _show_pose(target)
        keyed = frames[rig_motion.valid]
        if options.set_scene_fps:
            set_scene_rate(scene, rate)
        if options.set_frame_range:
            # from where the video starts: frames without a pose before the first key keep their time in exports
            set_frame_range(scene, np.array([min(float(options.frame_start), keyed[0]), keyed[-1]]))
        found, failures = None, []
        yield  # the first look at the new action makes Blender sort out a control rig anew, which is a tick's worth
        if options.verify:
            found = yield from verify(context, target, rig, bone_map, rig_motion, frames, motion)
            failures = failing_notes(target, found)
            notes += object_notes(target, found) + floor_notes(found)
        keep_lead(action, min(float(options.frame_start), keyed[0]), keyed)
        track = push_to_nla(target, action, slot, clip) if options.nla else None
        # last, as it cannot be undone
        if options.replace_action:
            notes += take_earlier_name(target, action, clip)
        timings["verify"] = time.perf_counter() - start - sum(timings.values())
    except BaseException:
        snapshot.restore(scene)
        if action is not None:
            bpy.data.actions.remove(action)
        if created is not None:
            remove_armature(created)
            context.view_layer.update()  # until then the view layer lists an object that is gone
        raise
    return {
        "object": target.name,
        "new_armature": created is not None,
        "action": action.name,
        "keys": keys,
        "keys_of_every_frame": int(np.sum(rig_motion.valid)) * sum(one.values.shape[1] for one in tracks),
        "nla_track": track,
        "bones": len(rig_motion.bone_names),
        "frames": [float(keyed[0]), float(keyed[-1])],
        "frame_start": options.frame_start,
        "frames_keyed": len(keyed),
        "frames_without_pose": int(np.sum(~motion.valid)),
        "fps": rate.value,
        "fps_setting": [rate.fps, rate.fps_base],
        "fps_mode": options.fps_mode,
        "family": bone_map.family,
        "bone_map": bone_map.to_dict(),
        "mapping": mapping,
        "leg_ratio": rig_motion.leg_ratio,
        "planting": rig_motion.planting.to_data(),
        "ik_limbs": list(limbs),
        "corrections": {**bone_map.corrections, **options.transfer.corrections},
        "notes": notes,
        "failures": failures,
        "verify": found,
        "timings_s": timings,
    }


def take_earlier_name(target: bpy.types.Object, action: bpy.types.Action, clip: str) -> list[str]:
    """Let an action take the place of an earlier one of the clip's name; a note if that cannot be."""
    if claim_name(target, action, clip):
        return []
    return [f"Something else uses the action '{clip}', so it was kept; the new one is '{action.name}'."]


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


def _keep_old_action(obj: bpy.types.Object) -> None:
    """An action that loses its only user would be gone when the file is saved."""
    data = obj.animation_data
    if data is not None and data.action is not None:
        data.action.use_fake_user = True


def _show_pose(obj: bpy.types.Object) -> list[str]:
    notes = []
    if obj.data.pose_position == "REST":
        obj.data.pose_position = "POSE"
        notes.append("The armature was shown in rest position; it is now shown posed.")
    data = obj.animation_data
    if any(not track.mute and len(track.strips) for track in data.nla_tracks) and data.use_nla:
        names = ", ".join(f"'{track.name}'" for track in data.nla_tracks if not track.mute)
        notes.append(f"NLA tracks play beneath the new action: {names}.")
    return notes


__all__ = ["FPS_MODES", "ApplyOptions", "RigMotion", "apply_motion", "apply_steps", "plan_motion"]
