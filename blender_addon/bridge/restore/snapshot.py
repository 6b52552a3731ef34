"""Remember what applying a motion may change, so that a failure can put it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import bpy

from .. import compat

# the mode first: changing it converts the values of the others
_CHANNELS = ("rotation_mode", "location", "scale", "rotation_quaternion", "rotation_euler", "rotation_axis_angle")


@dataclass(frozen=True)
class Snapshot:
    """Scene times and, of one armature, its pose, active action and display; names, not Blender's objects."""

    scene_values: dict[str, Any]
    render_values: dict[str, Any]
    object_name: str | None
    had_animation_data: bool
    action_name: str | None
    action_fake_user: bool
    slot_handle: int | None
    pose_position: str
    pose: dict[str, dict[str, str | tuple[float, ...]]]
    switches: dict[str, dict[str, float]]
    """Numeric custom properties of the pose bones."""
    ik_stretch: dict[str, float]
    """Of the bones that have some."""

    @classmethod
    def take(cls, scene: bpy.types.Scene, obj: bpy.types.Object | None) -> Self:
        """Remember the state of a scene and of an armature object, if there is one yet."""
        action, slot = compat.active_action(obj) if obj is not None else (None, None)
        return cls(
            {name: getattr(scene, name) for name in ("frame_start", "frame_end", "frame_current")},
            {name: getattr(scene.render, name) for name in ("fps", "fps_base")},
            None if obj is None else obj.name,
            obj is not None and obj.animation_data is not None,
            None if action is None else action.name,
            action is not None and action.use_fake_user,
            None if slot is None else slot.handle,
            "" if obj is None else obj.data.pose_position,
            {}
            if obj is None
            else {bone.name: {c: _plain(getattr(bone, c)) for c in _CHANNELS} for bone in obj.pose.bones},
            {} if obj is None else {bone.name: _numbers(bone) for bone in obj.pose.bones if bone.keys()},
            {} if obj is None else {bone.name: bone.ik_stretch for bone in obj.pose.bones if bone.ik_stretch > 0},
        )

    def restore(self, scene: bpy.types.Scene) -> None:
        """Put everything back."""
        for owner, values in ((scene.render, self.render_values), (scene, self.scene_values)):
            for name, value in values.items():
                setattr(owner, name, value)
        scene.frame_start = self.scene_values["frame_start"]
        if self.object_name is None:
            return
        obj = bpy.data.objects[self.object_name]
        if self.action_name is not None:
            action = bpy.data.actions[self.action_name]
            slot = None
            if self.slot_handle is not None:
                slot = next(slot for slot in action.slots if slot.handle == self.slot_handle)
            compat.assign_action(obj, action, slot)
            action.use_fake_user = self.action_fake_user
        elif self.had_animation_data:
            compat.assign_action(obj, None)
        else:
            obj.animation_data_clear()
        if obj.data.pose_position != self.pose_position:
            obj.data.pose_position = self.pose_position
        for name, channels in self.pose.items():
            bone = obj.pose.bones[name]
            for channel, value in channels.items():
                if channel != "rotation_mode" or bone.rotation_mode != value:
                    setattr(bone, channel, value)
        for name, stretch in self.ik_stretch.items():
            if obj.pose.bones[name].ik_stretch != stretch:
                obj.pose.bones[name].ik_stretch = stretch
        for name, numbers in self.switches.items():
            for key, number in numbers.items():
                if obj.pose.bones[name][key] != number:
                    obj.pose.bones[name][key] = number
                    obj.update_tag()


def _plain(value: Any) -> str | tuple[float, ...]:
    return value if isinstance(value, str) else tuple(value)


def _numbers(bone: bpy.types.PoseBone) -> dict[str, float]:
    return {key: value for key, value in bone.items() if isinstance(value, (bool, int, float))}
