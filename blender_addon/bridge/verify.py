"""Look at the evaluated rig and say how far it is from the motion."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from pose_core.motion_file import Motion
from pose_core.retarget import BoneMap, RigDescription, RigMotion, pose_bones

_LIMBS = {
    f"{s}_{part}": (f"{s}_{child}", f"{s}_{a}", f"{s}_{b}")
    for s in ("left", "right")
    for part, child, a, b in (
        ("upper_arm", "forearm", "shoulder", "elbow"), ("forearm", "hand", "elbow", "wrist"),
        ("thigh", "shin", "hip", "knee"), ("shin", "foot", "knee", "ankle"),
    )
}  # fmt: skip


def evaluated_bones(
    context: bpy.types.Context, obj: bpy.types.Object, names: list[str], frames: np.ndarray
) -> Generator[None, None, np.ndarray]:
    """Pose matrices of bones as Blender evaluates them, frame by frame; the current frame is as before afterwards.

    Returns:
        (N, M, 4, 4) in armature space, for N frames and M bones.
    """
    scene = context.scene
    before = scene.frame_current, scene.frame_subframe
    out = np.empty((len(frames), len(names), 4, 4))
    try:
        for i, frame in enumerate(frames):
            whole = int(np.floor(frame))
            scene.frame_set(whole, subframe=float(frame - whole))
            pose = obj.evaluated_get(context.evaluated_depsgraph_get()).pose
            for j, name in enumerate(names):
                out[i, j] = pose.bones[name].matrix
            yield
    finally:
        scene.frame_set(before[0], subframe=before[1])
    return out


def verify(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    rig: RigDescription,
    bone_map: BoneMap,
    rig_motion: RigMotion,
    frames: np.ndarray,
    motion: Motion,
    samples: int = 24,
) -> Generator[None, None, dict[str, Any]]:
    """Compare, frame by frame, the evaluated rig with what was written and with the motion.

    Args:
        rig_motion: what was written, T frames.
        frames: (T,) scene frames.
        motion: where it came from.
        samples: how many of the frames to look at, evenly spread.
    Returns:
        `max_joint_deviation_m` and the bone and frame where it is, `max_rotation_deviation_deg`,
        `max_limb_direction_deg` (against the motion itself) and its limb, `frames_checked`, and
        `deviation_by_bone_m` of bones off by more than a tenth of a millimetre.
    """
    usable = np.flatnonzero(rig_motion.valid)
    picked = usable[np.unique(np.linspace(0, len(usable) - 1, min(samples, len(usable))).astype(int))]
    part = replace(
        rig_motion,
        quaternions=rig_motion.quaternions[picked],
        root_location=rig_motion.root_location[picked],
        locations={bone: values[picked] for bone, values in rig_motion.locations.items()},
        times_s=rig_motion.times_s[picked],
        valid=rig_motion.valid[picked],
    )
    names = list(rig_motion.bone_names)
    columns = [rig.index(name) for name in names]
    heads, rotations = pose_bones(rig, part)
    seen = yield from evaluated_bones(context, obj, names, np.asarray(frames)[picked])
    off_m = np.linalg.norm(seen[..., :3, 3] - heads[:, columns], axis=-1) * rig.scale
    off_deg = np.degrees(_angle_between(seen[..., :3, :3], rotations[:, columns]))
    at, bone = np.unravel_index(int(np.argmax(off_m)), off_m.shape)
    limb_deg, limb = _limb_deviation(rig, bone_map, names, seen[..., :3, 3], part.times_s, motion)
    worst = off_m.max(axis=0)
    return {
        "frames_checked": len(picked),
        "max_joint_deviation_m": float(off_m[at, bone]),
        "worst_bone": names[bone],
        "worst_frame": float(np.asarray(frames)[picked][at]),
        "max_rotation_deviation_deg": float(off_deg.max()),
        "max_limb_direction_deg": limb_deg,
        "worst_limb": limb,
        "deviation_by_bone_m": {name: float(v) for name, v in zip(names, worst, strict=True) if v > 1e-4},
    }


def _angle_between(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    A = A / np.linalg.norm(A, axis=-2, keepdims=True)
    # the chord is accurate for small angles, where the trace is not
    chord = np.linalg.norm(A - B, axis=(-2, -1)) / np.sqrt(8)
    return 2 * np.arcsin(np.clip(chord, 0, 1))


def _limb_deviation(
    rig: RigDescription, bone_map: BoneMap, names: list[str], heads: np.ndarray, times_s: np.ndarray, motion: Motion
) -> tuple[float, str]:
    """Largest angle between a limb of the rig and of the motion, degrees, and the limb's part."""
    world = rig.to_world(heads)
    index = {name: i for i, name in enumerate(motion.joint_names)}
    worst = (0.0, "")
    valid = motion.valid
    for limb, (child, start, end) in _LIMBS.items():
        if child not in bone_map:
            continue
        a, b = (names.index(bone_map.bones[p][0]) for p in (limb, child))
        of_rig = world[:, b] - world[:, a]
        of_motion = np.stack(
            [
                np.interp(times_s, motion.timestamps_s[valid], values)
                for values in (motion.joints_world_m[valid, index[end]] - motion.joints_world_m[valid, index[start]]).T
            ],
            axis=-1,
        )
        angles = np.arctan2(np.linalg.norm(np.cross(of_rig, of_motion), axis=-1), np.sum(of_rig * of_motion, axis=-1))
        worst = max(worst, (float(np.degrees(angles.max())), limb))
    return worst
