"""Write keys as a new action, all keys of a curve at once."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import bpy
import numpy as np

from pose_core.retarget import KeyTrack, RigDescription
from pose_core.retarget.keys.tracks import LOCATION

from .. import compat

# Leftovers below this (share of the bone's length, of the scale, radians) are rounding of importers: not reported.
_WORTH_TELLING = 1e-3
_LEAD_FRAMES = 0.5
_ROTATION_PATHS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


def write_action(
    obj: bpy.types.Object, tracks: Sequence[KeyTrack], name: str, interpolation: str = "LINEAR"
) -> Generator[None, None, tuple[bpy.types.Action, Any, int]]:
    """Make a new action with keys, bone by bone; it is not assigned yet.

    Args:
        obj: the armature object the action is for.
        tracks: the keys; those of a bone follow each other.
        name: the action's name; Blender adds a number if it is taken.
        interpolation: of keys of tracks without slopes.
    Returns:
        The action, its slot (None before 4.4), and the number of keys.
    """
    action, slot, curves, groups = compat.new_action_curves(name, obj)
    try:
        straight, smooth = compat.interpolation_code(interpolation), compat.interpolation_code("BEZIER")
        group = None
        for track in tracks:
            pose_bone = obj.pose.bones[track.bone]
            if group is None or group.name != track.bone:
                group = groups.new(track.bone)
            path = pose_bone.path_from_id(_property(track))
            keys = _KeyArrays.of(track, straight, smooth)
            color = "AUTO_YRGB" if track.values.shape[1] == 4 else "AUTO_RGB"
            for i in range(track.values.shape[1]):
                curve = curves.new(path, index=i)
                curve.group = group
                curve.color_mode = color
                keys.write(curve, i)
            yield
    except BaseException:
        bpy.data.actions.remove(action)
        raise
    return action, slot, sum(track.key_count for track in tracks)


def _property(track: KeyTrack) -> str:
    if track.channel == LOCATION:
        return "location"
    return _ROTATION_PATHS.get(track.mode, "rotation_euler")


@dataclass(frozen=True)
class _KeyArrays:
    """What Blender takes for the keys of a track: one row of (frame, value) a channel, and codes."""

    co: np.ndarray
    """(C, 2 n) float32"""
    interpolation: np.ndarray
    """(n,)"""
    handles: tuple[np.ndarray, np.ndarray] | None
    """(C, 2 n) left and right, for smooth curves."""

    @classmethod
    def of(cls, track: KeyTrack, straight: int, smooth: int) -> Self:
        """Arrays of a track."""
        n = len(track.frames)
        interpolation = np.full(n, straight, dtype=np.int32)
        if track.slopes is None:
            return cls(_pairs(track.frames, track.values), interpolation, None)
        interpolation[:] = smooth
        step = np.diff(track.frames)
        before, after = np.concatenate([[1.0], step]), np.concatenate([step, [1.0]])
        if track.smooth is not None:
            interpolation[~track.smooth] = straight
            # a handle into a stretch without a pose has nothing to shape
            before[1:][~track.smooth[:-1]] = 1.0
            after[~track.smooth] = 1.0
        left, right = (
            _pairs(track.frames + third, track.values + track.slopes * third[:, None])
            for third in (-before / 3.0, after / 3.0)
        )
        return cls(_pairs(track.frames, track.values), interpolation, (left, right))

    def write(self, curve: bpy.types.FCurve, channel: int) -> None:
        """Put the keys of a channel on an empty curve."""
        points = curve.keyframe_points
        points.add(len(self.interpolation))
        points.foreach_set("co", self.co[channel])
        points.foreach_set("interpolation", self.interpolation)
        if self.handles is not None:
            codes = np.full(len(self.interpolation), compat.handle_code("ALIGNED"), dtype=np.int32)
            for side, places in zip(("left", "right"), self.handles, strict=True):
                points.foreach_set(f"handle_{side}_type", codes)
                points.foreach_set(f"handle_{side}", places[channel])
        curve.update()


def _pairs(frames: np.ndarray, values: np.ndarray) -> np.ndarray:
    out = np.empty((values.shape[1], len(frames), 2), dtype=np.float32)
    out[:, :, 0] = frames
    out[:, :, 1] = values.T
    return out.reshape(values.shape[1], -1)


def keep_lead(action: bpy.types.Action, first: float, keyed: np.ndarray) -> None:
    """Have an action know that its clip starts before its first key, where the video shows nobody at first."""
    if keyed[0] - first > _LEAD_FRAMES:
        action.use_frame_range = True
        action.frame_start, action.frame_end = first, float(keyed[-1])


def push_to_nla(obj: bpy.types.Object, action: bpy.types.Action, slot: Any, name: str) -> str:
    """Move the active action to an NLA track of its own, on top of the others, where it plays the same.

    Returns:
        The track's name.
    """
    data = obj.animation_data
    track = data.nla_tracks.new()
    try:
        track.name = name
        first, last = action.curve_frame_range
        strip = track.strips.new(action.name, int(np.floor(first)), action)
        compat.strip_slot(strip, slot)
        strip.action_frame_start, strip.action_frame_end = first, last
        strip.frame_start, strip.frame_end = first, last
        # the first take holds its ends; one above it must not cover the others outside its own time
        strip.extrapolation = "HOLD" if len(data.nla_tracks) == 1 else "NOTHING"
        data.action = None
    except BaseException:
        data.nla_tracks.remove(track)
        raise
    return str(track.name)


def claim_name(obj: bpy.types.Object, action: bpy.types.Action, name: str) -> bool:
    """Let an action take the place of an older one of this name, which is removed unless something else uses it.

    NLA tracks of the object that play nothing but the older one go with it.

    Returns:
        Whether the action has the name now.
    """
    old = bpy.data.actions.get(name)
    if old is None or old == action or old.library is not None:
        return bool(action.name == name)
    tracks = obj.animation_data.nla_tracks
    own = [track for track in tracks if len(track.strips) and all(strip.action == old for strip in track.strips)]
    others = old.users - int(old.use_fake_user) - sum(len(track.strips) for track in own)
    if others > 0:
        return False
    for track in own:
        tracks.remove(track)
    bpy.data.actions.remove(old)
    action.name = name
    return bool(action.name == name)


def reset_leftovers(obj: bpy.types.Object, rig: RigDescription, bone_names: Sequence[str]) -> list[str]:
    """Put to rest what an earlier action or pose left behind and the new keys do not cover.

    These are: location and scale of mapped bones, everything of the bones above them, and everything that the still
    active action moves. Poses of other bones (a fist made by hand) are kept.

    Returns:
        Names of the bones that were not at rest.
    """
    keyed = set(bone_names)
    above = {rig.bone_names[a] for bone in keyed for a in rig.ancestors(rig.index(bone))} - keyed
    moved = _bones_moved_by_active_action(obj) - keyed
    changed: list[str] = []
    for bone in obj.pose.bones:
        if bone.name in keyed:
            moved_here = _reset_location_scale(bone)
        elif bone.name in above or bone.name in moved:
            moved_here = _reset_location_scale(bone) | _reset_rotation(bone)
        else:
            continue
        if moved_here:
            changed.append(bone.name)
    return changed


def set_rotation_modes(obj: bpy.types.Object, tracks: Sequence[KeyTrack]) -> list[str]:
    """Give bones the rotation mode that their keys are in.

    Returns:
        Names of the bones that had another one.
    """
    changed = []
    for track in tracks:
        bone = obj.pose.bones[track.bone]
        if bone.rotation_mode != track.mode:
            bone.rotation_mode = track.mode
            changed.append(track.bone)
    return changed


def _bones_moved_by_active_action(obj: bpy.types.Object) -> set[str]:
    action, slot = compat.active_action(obj)
    if action is None:
        return set()
    paths = {curve.data_path.rpartition(".")[0] for curve in compat.action_curves(action, slot)}
    return {bone.name for bone in obj.pose.bones if bone.path_from_id() in paths}


def _reset_location_scale(bone: bpy.types.PoseBone) -> bool:
    least = _WORTH_TELLING * bone.bone.length
    changed = any(abs(v) > least for v in bone.location) or any(abs(v - 1) > _WORTH_TELLING for v in bone.scale)
    bone.location = (0.0, 0.0, 0.0)
    bone.scale = (1.0, 1.0, 1.0)
    return changed


def _reset_rotation(bone: bpy.types.PoseBone) -> bool:
    changed = bone.matrix_basis.to_quaternion().angle > _WORTH_TELLING
    bone.rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    bone.rotation_euler = (0.0, 0.0, 0.0)
    bone.rotation_axis_angle = (0.0, 0.0, 1.0, 0.0)
    return changed
