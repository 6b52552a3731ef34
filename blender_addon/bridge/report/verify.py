"""Look at the evaluated rig and say how far it is from the motion, and whether planted feet slide."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from pose_core.motion_file import Motion
from pose_core.retarget import (
    BoneMap,
    RigDescription,
    RigMotion,
    motion_limb_angles,
    planted_at,
    pose_bones,
    witness_bones,
)
from pose_core.retarget.rig.figure_height import figure_height_m

from .floor_check import lowest_mesh, skin_slip

# A joint further off than this share of the figure's height does not follow the motion.
FAILING_SHARE = 0.01
_WORTH_NAMING_M = 1e-4
_SLIP_PAIRS = 12


def evaluated_bones(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    names: list[str],
    frames: np.ndarray,
    worlds: list[np.ndarray] | None = None,
) -> Generator[None, None, np.ndarray]:
    """Pose matrices of bones as Blender evaluates them, frame by frame; the current frame is as before afterwards.

    Args:
        context: with the scene.
        obj: the armature object.
        names: M bones.
        frames: N scene frames.
        worlds: gets the object's (4, 4) world matrix at each frame, if given.
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
            evaluated = obj.evaluated_get(context.evaluated_depsgraph_get())
            pose = evaluated.pose
            if worlds is not None:
                worlds.append(np.array(evaluated.matrix_world))
            for j, name in enumerate(names):
                out[i, j] = np.array(pose.bones[name].matrix)
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
    """Compare, frame by frame, the evaluated rig with what the motion wants of it.

    Joints are looked at where the mesh hangs on them: on control rigs at the bones that the controls move.

    Args:
        rig_motion: what was written, T frames.
        frames: (T,) scene frames.
        motion: where it came from.
        samples: how many of the frames to look at, evenly spread.
    Returns:
        `max_joint_deviation_m`, `worst_bone` and `worst_frame`; `max_rotation_deviation_deg`; `deviation_by_bone_m` of
        bones off by more than a tenth of a millimetre; `failing_bones`, off by more than a hundredth of the height
        `height_m`; `max_limb_direction_deg` against the motion itself and its `worst_limb` (legs that were solved again
        are left out); `object_moves_m`: how far the object itself carries joints off during the take; `frames_checked`;
        `slip`, see `planted_slip`; and `floor`, see `lowest_mesh`.
    """
    usable = np.flatnonzero(rig_motion.valid)
    picked = usable[np.unique(np.linspace(0, len(usable) - 1, min(samples, len(usable))).astype(int))]
    part = _at(rig_motion, picked)
    names = [name for _, _, name in bone_map]
    columns = [rig.index(name) for name in names]
    witnesses = witness_bones(rig, names)
    heads, rotations = pose_bones(rig, part)
    worlds: list[np.ndarray] = []
    seen = yield from evaluated_bones(context, obj, list(witnesses), np.asarray(frames)[picked], worlds)
    off_m = np.linalg.norm(seen[..., :3, 3] - heads[:, columns], axis=-1) * rig.scale
    turned = _unscaled(seen) @ np.swapaxes(rig.rest_rotations[[rig.index(name) for name in witnesses]], -1, -2)
    off_deg = np.degrees(_angle_between(turned @ rig.rest_rotations[columns], rotations[:, columns]))
    at, bone = np.unravel_index(int(np.argmax(off_m)), off_m.shape)
    solved_again = motion_limb_angles(rig, bone_map, rig_motion, seen[..., :3, 3], part.times_s, motion)
    worst_limb = max(solved_again, key=lambda limb: solved_again[limb], default="")
    worst = off_m.max(axis=0)
    height = figure_height_m(rig, bone_map)
    slip = yield from planted_slip(context, obj, rig, rig_motion, frames, motion)
    floor = yield from lowest_mesh(context, obj, np.asarray(frames)[picked], context.scene.unit_settings.scale_length)
    return {
        "frames_checked": len(picked),
        "height_m": height,
        "max_joint_deviation_m": float(off_m[at, bone]),
        "worst_bone": names[bone],
        "worst_frame": float(np.asarray(frames)[picked][at]),
        "max_rotation_deviation_deg": float(off_deg.max()),
        "max_limb_direction_deg": solved_again.get(worst_limb, 0.0),
        "worst_limb": worst_limb,
        "deviation_by_bone_m": {n: float(v) for n, v in zip(names, worst, strict=True) if v > _WORTH_NAMING_M},
        "failing_bones": [n for n, v in zip(names, worst, strict=True) if v > FAILING_SHARE * height],
        "object_moves_m": _moved_by_object(rig, heads[:, columns], worlds),
        "slip": slip,
        "floor": floor,
    }


def _moved_by_object(rig: RigDescription, heads: np.ndarray, worlds: list[np.ndarray]) -> float:
    """How far at most a joint is carried off because the object itself moves during the take, world metres."""
    moved = np.stack(worlds) - rig.matrix_world
    return float(np.max(np.linalg.norm(heads @ np.swapaxes(moved[:, :3, :3], 1, 2) + moved[:, None, :3, 3], axis=-1)))


def planted_slip(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    rig: RigDescription,
    rig_motion: RigMotion,
    frames: np.ndarray,
    motion: Motion,
) -> Generator[None, None, dict[str, Any]]:
    """How far planted soles slide from one frame to the next on the evaluated rig.

    Twelve pairs of neighbouring frames are looked at, spread over the frames in which the motion plants a foot.

    Returns:
        `pairs`, and `max_mm`, `mean_mm` a frame of heels and balls of the feet that are planted in both frames; and of
        the skin under these `skin_max_mm`, `skin_mean_mm`, where there is a mesh.
    """
    planted = planted_at(motion, rig_motion.times_s)
    both = planted[1:] & planted[:-1] & (rig_motion.valid[1:] & rig_motion.valid[:-1])[:, None, None]
    starts = np.flatnonzero(both.any(axis=(1, 2)))
    if len(starts) == 0 or len(rig_motion.soles) < 2:
        return {"pairs": 0, "max_mm": 0.0, "mean_mm": 0.0}
    starts = starts[np.unique(np.linspace(0, len(starts) - 1, min(_SLIP_PAIRS, len(starts))).astype(int))]
    feet = list(rig_motion.soles)
    witnesses = witness_bones(rig, feet)
    wanted = np.asarray(frames)[np.stack([starts, starts + 1], axis=1)].ravel()
    seen = yield from evaluated_bones(context, obj, list(witnesses), wanted)
    D = _unscaled(seen) @ np.swapaxes(rig.rest_rotations[[rig.index(name) for name in witnesses]], -1, -2)
    soles = np.stack([rig_motion.soles[name] for name in feet])
    points = seen[:, :, None, :3, 3] + np.einsum("nfij,fcj->nfci", D, soles)
    moved = np.linalg.norm(points[1::2] - points[0::2], axis=-1)[both[starts]] * rig.scale * 1e3
    A = rig.matrix_world
    height = float(np.ptp(np.concatenate([rig.heads, rig.tails]) @ A[2, :3]))
    skin = yield from skin_slip(
        context,
        obj,
        wanted.reshape(-1, 2),
        (points[0::2] @ A[:3, :3].T + A[:3, 3]).reshape(len(starts), -1, 3),
        both[starts].reshape(len(starts), -1),
        height,
        context.scene.unit_settings.scale_length,
    )
    return {"pairs": len(starts), "max_mm": float(moved.max()), "mean_mm": float(moved.mean()), **skin}


def _at(motion: RigMotion, picked: np.ndarray) -> RigMotion:
    return replace(
        motion,
        quaternions=motion.quaternions[picked],
        root_location=motion.root_location[picked],
        locations={name: values[picked] for name, values in motion.locations.items()},
        times_s=motion.times_s[picked],
        valid=motion.valid[picked],
    )


def _unscaled(matrices: np.ndarray) -> np.ndarray:
    R = matrices[..., :3, :3]
    return R / np.linalg.norm(R, axis=-2, keepdims=True)


def _angle_between(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    # the chord is accurate for small angles, where the trace is not
    chord = np.linalg.norm(A - B, axis=(-2, -1)) / np.sqrt(8)
    return 2 * np.arcsin(np.clip(chord, 0, 1))
