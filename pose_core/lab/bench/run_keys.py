"""From a motion to keys by the add-on, by Blender's baking of constraints, and key by key; prints seconds as JSON.

Runs with a Python that has Blender's module. Argument: a motion file.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from blender_addon.bridge.apply_motion import apply_motion  # noqa: E402
from blender_addon.bridge.blender_io import empty_scene  # noqa: E402
from blender_addon.bridge.compat import action_curves, assign_action  # noqa: E402
from blender_addon.bridge.options import ApplyOptions  # noqa: E402
from blender_addon.bridge.read.armature_reader import read_armature  # noqa: E402
from blender_addon.bridge.report.apply_report import ApplyReport  # noqa: E402
from blender_addon.bridge.steps import drain  # noqa: E402
from blender_addon.bridge.write.action_writer import write_action  # noqa: E402
from blender_addon.bridge.write.new_armature import create_armature  # noqa: E402
from pose_core.errors import RigError  # noqa: E402
from pose_core.maths.rotations import matrix_to_quaternion, rotation_vector_to_matrix  # noqa: E402
from pose_core.motion_file import Motion, read_motion  # noqa: E402
from pose_core.retarget import (  # noqa: E402
    KeysConfig,
    KeyTrack,
    RigMotion,
    key_tracks,
    new_rig_bone_map,
)
from pose_core.retarget.rig.channels import same_side  # noqa: E402
from pose_core.types import FloatArray  # noqa: E402

BONES = 65
ROUNDS, REPEATS = 3, 9
LONGER_LEGS = 1.3
QUICK = ApplyOptions(verify=False)

_R = TypeVar("_R")


def make_character(motion: Motion, legs: float = 1.0) -> bpy.types.Object:
    """A humanoid armature of 65 bones: the built-in one with fingers and helpers, and legs that much longer."""
    empty_scene()
    armature = create_armature(bpy.context, motion, "Character")
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for n in range(BONES - len(bones)):
        side = ("left", "right")[n % 2]
        bone = bones.new(f"finger.{n:02d}")
        bone.parent = bones[f"{side}_hand"]
        bone.head = bone.parent.tail
        bone.tail = bone.head + (bone.parent.tail - bone.parent.head) * 0.3
    if legs != 1.0:
        lower = bones["pelvis"].head.z * (legs - 1.0)
        for bone in bones:
            for end in ("head", "tail"):
                place = getattr(bone, end)
                place.z = place.z * legs if bone.name.endswith(("thigh", "shin", "foot", "toe")) else place.z + lower
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def timed(run: Callable[[], _R]) -> tuple[float, _R]:
    """Seconds of a call, and what it returned."""
    begun = time.perf_counter()
    out = run()
    return time.perf_counter() - begun, out


def bake(
    source: bpy.types.Object, target: bpy.types.Object, pairs: Sequence[tuple[str, str]], frames: int, **options: Any
) -> float:
    """Seconds to follow another armature by constraints and have Blender bake it; all channels, or what is asked."""

    def run() -> None:
        for ours, theirs in pairs:
            constraint = target.pose.bones[ours].constraints.new(
                "COPY_TRANSFORMS" if ours == theirs else "COPY_ROTATION"
            )
            constraint.target, constraint.subtarget = source, theirs
        bpy.context.view_layer.objects.active = target
        target.select_set(True)
        bpy.ops.object.mode_set(mode="POSE")
        chosen = {ours for ours, _ in pairs}
        for bone in target.pose.bones:
            owner = bone if hasattr(bone, "select") else bone.bone
            owner.select = bone.name in chosen
        bpy.ops.nla.bake(frame_start=1, frame_end=frames, only_selected=True, visual_keying=True,
                         clear_constraints=True, bake_types={"POSE"}, **options)  # fmt: skip
        bpy.ops.object.mode_set(mode="OBJECT")

    return timed(run)[0]


def insert(armature: bpy.types.Object, curves: Iterable[bpy.types.FCurve]) -> float:
    """Seconds to key the same channels bone by bone and frame by frame."""
    channels: dict[str, list[bpy.types.FCurve]] = {}
    for curve in curves:
        channels.setdefault(curve.data_path, []).append(curve)
    rows: dict[tuple[Any, str], FloatArray] = {}
    for path, own in channels.items():
        values = np.array([[key.co[1] for key in curve.keyframe_points] for curve in own]).T
        bone, _, channel = path.rpartition(".")
        rows[armature.path_resolve(bone), channel] = values
    armature.animation_data_clear()

    def run() -> None:
        for t in range(len(next(iter(rows.values())))):
            for (bone, channel), values in rows.items():
                setattr(bone, channel, values[t])
                bone.keyframe_insert(channel, frame=t + 1)

    return timed(run)[0]


def _write(armature: bpy.types.Object, tracks: Sequence[KeyTrack]) -> tuple[bpy.types.Action, Any, int]:
    return drain(write_action(armature, tracks, "All"))


def curves_of(armature: bpy.types.Object) -> list[bpy.types.FCurve]:
    """All curves of the active action."""
    return list(action_curves(armature.animation_data.action))


def all_bones(motion: Motion) -> dict[str, float]:
    """Seconds to write keys for every one of the bones, and to insert the same keys one by one."""
    armature = make_character(motion)
    rig = read_armature(armature)
    time_s = motion.timestamps_s
    phase = np.random.default_rng(0).uniform(0, 6, (1, len(rig), 3))
    turns = matrix_to_quaternion(rotation_vector_to_matrix(0.4 * np.sin(time_s[:, None, None] + phase)))
    T = len(time_s)
    moved = RigMotion(
        rig.bone_names, same_side(turns), rig.bone_names[0], np.zeros((T, 3)), time_s, np.ones(T, dtype=bool)
    )
    seconds = []
    for _ in range(REPEATS):
        tracks = key_tracks(rig, moved, np.arange(1, T + 1, dtype=np.float64))
        taken, (action, slot, _) = timed(partial(_write, armature, tracks))
        seconds.append(taken)
    assign_action(armature, action, slot)
    return {"write_s": statistics.median(seconds), "insert_s": insert(armature, curves_of(armature))}


def control_rig(motion: Motion) -> dict[str, Any]:
    """The same on a generated Rigify rig: seconds of ours and of baking its controls."""
    source = make_character(motion)
    apply_motion(bpy.context, motion, source, QUICK)
    import addon_utils  # exists only after bpy

    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_basic_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    rig = bpy.context.object
    try:
        seconds, report = timed(lambda: apply_motion(bpy.context, motion, rig, QUICK))
    except RigError as error:
        return {"refused": str(error)}
    ours = new_rig_bone_map().bones
    pairs = [
        (own, ours[part][0])
        for part, names in report.bone_map.to_dict().items()
        if part in ours
        for own in (names[:1] if isinstance(names, list) else [names])
        if own
    ]
    rig.animation_data_clear()
    return {
        "ours_s": seconds,
        "bake_s": bake(source, rig, pairs, len(motion.timestamps_s)),
        "bones": len(rig.pose.bones),
    }


def twin(source: bpy.types.Object) -> bpy.types.Object:
    """A copy of a character without animation."""
    target = source.copy()
    target.data = source.data.copy()
    target.animation_data_clear()
    bpy.context.scene.collection.objects.link(target)
    return target


def ours(motion: Motion, legs: float = 1.0) -> tuple[dict[str, float], ApplyReport]:
    """Median seconds of the add-on's parts, and its last report."""
    rows = []
    for _ in range(REPEATS):
        armature = make_character(motion, legs)
        seconds, report = timed(partial(apply_motion, bpy.context, motion, armature, QUICK))
        rows.append({**report.timings_s, "all": seconds})
    parts = ("read", "compute", "write", "all")
    return {f"{part}_s": statistics.median(row[part] for row in rows) for part in parts}, report


def against(motion: Motion) -> tuple[dict[str, float], ApplyReport]:
    """One round: seconds of the add-on, and of Blender's own ways to the same keys, one after the other."""
    parts, report = ours(motion)
    source = make_character(motion)
    apply_motion(bpy.context, motion, source, QUICK)
    curves, frames = curves_of(source), len(motion.timestamps_s)
    keyed = {curve.data_path.split('"')[1] for curve in curves}
    assert len(keyed) == report.bones
    every, same = twin(source), twin(source)
    parts["bake_s"] = bake(source, every, [(bone.name, bone.name) for bone in every.pose.bones], frames)
    bpy.data.objects.remove(every)
    parts["bake_keyed_s"] = bake(
        source, same, [(name, name) for name in sorted(keyed)], frames, channel_types={"LOCATION", "ROTATION"}
    )
    parts["insert_s"] = insert(source, curves)
    return parts, report


def main() -> None:
    """Measure all ways and print."""
    motion = read_motion(sys.argv[1])
    rounds = []
    for _ in range(ROUNDS):
        parts, report = against(motion)
        rounds.append(parts)
    result: dict[str, Any] = {
        "bones": BONES,
        "keyed_bones": report.bones,
        "frames": len(motion.timestamps_s),
        "keys": report.keys,
    }
    result |= {"rounds": ROUNDS, **{key: statistics.median(row[key] for row in rounds) for key in rounds[0]}}
    longer, solved = ours(motion, LONGER_LEGS)
    assert solved.planting.state == "solved"
    result["longer_legs"] = LONGER_LEGS
    result["longer_legs_s"] = longer["all_s"]
    few = ApplyOptions(verify=False, keys=KeysConfig(error_mm=2.0))
    target = make_character(motion)
    result["few_keys_s"] = timed(lambda: apply_motion(bpy.context, motion, target, few))[0]
    result["all_bones"] = all_bones(motion)
    result["rigify"] = control_rig(motion)
    print(json.dumps(result))


main()
sys.stdout.flush()
os._exit(0)  # some versions of the module crash or hang while they close
