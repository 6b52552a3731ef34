"""Change the scene for an export and put everything back: nothing of it may be seen afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import bpy

from .. import compat

_CHANNELS = ("location", "scale", "rotation_quaternion", "rotation_euler", "rotation_axis_angle")


@contextmanager
def only_selected(context: bpy.types.Context, objects: Sequence[bpy.types.Object]) -> Iterator[None]:
    """Have just these objects selected and visible, the first one active."""
    layer = context.view_layer
    selected = [(obj, obj.select_get()) for obj in layer.objects]
    active = layer.objects.active
    hidden = [(obj, obj.hide_viewport, obj.hide_get()) for obj in objects]
    selectable = [(obj, obj.hide_select) for obj in objects]
    try:
        for obj in objects:
            obj.hide_viewport = False
            obj.hide_select = False
            obj.hide_set(False)
        for obj in layer.objects:
            obj.select_set(obj in objects)
        layer.objects.active = objects[0]
        yield
    finally:
        for obj, was in selected:
            obj.select_set(was)
        for obj, was in selectable:
            obj.hide_select = was
        for obj, in_viewports, in_layer in hidden:
            obj.hide_set(in_layer)
            obj.hide_viewport = in_viewports
        layer.objects.active = active


@contextmanager
def kept_time(scene: bpy.types.Scene) -> Iterator[None]:
    """Put frame and range back."""
    frame, subframe = scene.frame_current, scene.frame_subframe
    first, last = scene.frame_start, scene.frame_end
    try:
        yield
    finally:
        scene.frame_start, scene.frame_end = first, last
        scene.frame_start = first  # Blender moves one if the other passes it
        scene.frame_set(frame, subframe=subframe)


@contextmanager
def kept_animation(obj: bpy.types.Object) -> Iterator[None]:
    """Put an object's action, slot, NLA and pose back."""
    data = obj.animation_data
    action, slot = compat.active_action(obj)
    # names of tracks need not be unique
    tracks = {} if data is None else {track.as_pointer(): (track.mute, track.is_solo) for track in data.nla_tracks}
    strips = {} if data is None else {
        strip.as_pointer(): (strip.name, strip.mute) for track in data.nla_tracks for strip in track.strips
    }  # fmt: skip
    use_nla = data is not None and data.use_nla
    pose = {bone.name: _channels(bone) for bone in obj.pose.bones}
    try:
        yield
    finally:
        data = obj.animation_data
        if data is not None:
            for track in [track for track in data.nla_tracks if track.as_pointer() not in tracks]:
                data.nla_tracks.remove(track)
            for track in data.nla_tracks:
                mute, solo = tracks[track.as_pointer()]
                if track.is_solo != solo:
                    track.is_solo = solo
                track.mute = mute
                for strip in track.strips:
                    strip.name, strip.mute = strips[strip.as_pointer()]
            if data.use_nla != use_nla:
                data.use_nla = use_nla
            if data.action != action or (slot is not None and data.action_slot != slot):
                compat.assign_action(obj, action, slot)
        for bone in obj.pose.bones:
            for name, value in pose[bone.name].items():
                if tuple(getattr(bone, name)) != value:
                    setattr(bone, name, value)


def _channels(bone: bpy.types.PoseBone) -> dict[str, tuple[float, ...]]:
    return {name: tuple(getattr(bone, name)) for name in _CHANNELS}


@contextmanager
def kept_position(armature: bpy.types.Object) -> Iterator[None]:
    """Put back whether the armature is shown posed or at rest."""
    shown = armature.data.pose_position
    try:
        yield
    finally:
        armature.data.pose_position = shown


@contextmanager
def renamed(obj: bpy.types.Object, name: str) -> Iterator[None]:
    """Have an object bear a name, whoever has it now."""
    if not name or obj.name == name:
        yield
        return
    own = obj.name
    other = bpy.data.objects.get(name)
    try:
        if other is not None:
            other.name = f"{name} (set aside)"
        obj.name = name
        yield
    finally:
        obj.name = own
        if other is not None:
            other.name = name


@contextmanager
def export_state(
    context: bpy.types.Context, armature: bpy.types.Object, objects: Sequence[bpy.types.Object], name: str
) -> Iterator[None]:
    """All of the above for one export."""
    with ExitStack() as stack:
        guards: list[Any] = [
            kept_position(armature),
            kept_animation(armature),
            kept_time(context.scene),
            only_selected(context, objects),
            renamed(armature, name),
        ]
        for guard in guards:
            stack.enter_context(guard)
        yield
