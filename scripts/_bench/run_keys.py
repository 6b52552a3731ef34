"""Keys of 65 bones over 1000 frames by the add-on's writer, and bone by bone as scripts often do; prints seconds.

Runs with a Python that has Blender's module.
"""

import json
import os
import sys
import time
from pathlib import Path

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from blender_addon.bridge.action_writer import write_action  # noqa: E402
from blender_addon.bridge.armature_reader import read_armature  # noqa: E402
from blender_addon.bridge.steps import drain  # noqa: E402
from pose_core.retarget.rig_motion import RigMotion  # noqa: E402
from pose_core.rotations import continuous_quaternions, matrix_to_quaternion, rotation_vector_to_matrix  # noqa: E402

BONES, FRAMES = 65, 1000


def make_armature() -> bpy.types.Object:
    """A chain of bones in an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.object.armature_add()
    armature = bpy.context.object
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for n in range(1, BONES):
        bone = bones.new(f"Bone.{n:03d}")
        bone.head, bone.tail = (0, 0, n), (0, 0, n + 1)
        bone.parent = bones[n - 1]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def make_motion(names: tuple[str, ...]) -> RigMotion:
    """Smooth turns of every bone."""
    time_s = np.arange(FRAMES) / 30.0
    phase = np.random.default_rng(0).uniform(0, 6, (1, len(names), 3))
    turns = rotation_vector_to_matrix(0.4 * np.sin(time_s[:, None, None] + phase))
    quaternions = continuous_quaternions(matrix_to_quaternion(turns))
    return RigMotion(names, quaternions, names[0], np.zeros((FRAMES, 3)), time_s, np.ones(FRAMES, dtype=bool))


def main() -> None:
    """Measure both ways and print."""
    armature = make_armature()
    rig = read_armature(armature)
    motion = make_motion(rig.bone_names)
    frames = np.arange(FRAMES) + 1.0
    bulk = []
    for _ in range(5):
        begun = time.perf_counter()
        drain(write_action(armature, rig, motion, frames, "Bench"))
        bulk.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    for t in range(FRAMES):
        for m, name in enumerate(motion.bone_names):
            bone = armature.pose.bones[name]
            bone.rotation_quaternion = motion.quaternions[t, m]
            bone.keyframe_insert("rotation_quaternion", frame=t + 1)
    inserted = time.perf_counter() - begun
    print(json.dumps({"bones": BONES, "frames": FRAMES, "bulk_s": sorted(bulk)[2], "insert_s": inserted}))


main()
sys.stdout.flush()
os._exit(0)  # some versions of the module crash or hang while they close
