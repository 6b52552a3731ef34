"""How fast knees speed up on rigs of other proportions, against the motion itself; without Blender."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from pose_core.lab.bench.mocap import mocap_motion, with_contacts
from pose_core.lab.bench.rigs import layout_rig
from pose_core.maths.frame_times import second_difference
from pose_core.motion_file import Motion
from pose_core.retarget import (
    NewBone,
    TransferConfig,
    new_rig_bone_map,
    new_rig_layout,
    planted_at,
    pose_bones,
    transfer,
)
from pose_core.retarget.rig.bone_map import SIDES
from pose_core.types import FloatArray

INTRO = """
## Knees

Motion capture of real people, at most 8 seconds a clip, on the built-in armature with longer and shorter legs.
**Knees**: largest angular acceleration of a knee over that of the motion's own; copied rotations would have 1.
**Slip**: as above, largest of all frames, with rotations copied and as written. The first three clips were looked at
while the solution was made, the others only afterwards.

"""
_LENGTHS = {"30 % longer": 1.3, "30 % shorter": 0.7}
_MOST_FRAMES = 240
_CLIPS = (
    ("ui_prmd", "m01_s01_e01_inc", 0, "slow squat"),
    ("cmu_amc", "13_29", 700, "squats"),
    ("ui_prmd", "m03_s07_e08", 0, "lunge"),
    ("ui_prmd", "m01_s03_e04", 0, "slow squat"),
    ("ui_prmd", "m02_s05_e03", 0, "step over a hurdle"),
    ("ui_prmd", "m05_s02_e06", 0, "sit to stand"),
    ("cmu_fbx", "69_70", 0, "picking up an object"),
    ("cmu_expmap", "train_walking_24_b", 0, "walk"),
    ("style100", "rushed", 600, "rushed walk"),
    ("cmu_acrnn", "salsa_27", 200, "salsa"),
    ("cmu_daz", "135_01", 600, "karate"),
)


def with_legs(layout: list[NewBone], times: float) -> list[NewBone]:
    """A layout whose legs are longer, with all else on top of them."""
    lift = next(bone.head_m[2] for bone in layout if bone.name == "pelvis") * (times - 1.0)

    def moved(bone: NewBone, point: tuple[float, float, float]) -> tuple[float, float, float]:
        x, y, z = point
        return x, y, z * times if bone.name.endswith(("thigh", "shin", "foot", "toe")) else z + lift

    return [dataclasses.replace(b, head_m=moved(b, b.head_m), tail_m=moved(b, b.tail_m)) for b in layout]


def fastest_knee(joints: dict[str, FloatArray], names: tuple[str, str, str], time_s: FloatArray) -> float:
    """Largest angular acceleration of both knees, rad/s^2."""
    c, _ = second_difference(time_s)
    out = 0.0
    for side in SIDES:
        hip, knee, ankle = (joints[f"{side}_{name}"] for name in names)
        a, b = knee - hip, ankle - knee
        bend = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))
        out = max(out, float(np.abs(c[:, 0] * bend[:-2] + c[:, 1] * bend[1:-1] + c[:, 2] * bend[2:]).max()))
    return out


def figures(motion: Motion, legs: float, plant: bool) -> tuple[float, float]:
    """Acceleration of the knees over that of the motion, and largest slip of planted points, mm a frame."""
    rig, bone_map = layout_rig(with_legs(list(new_rig_layout(motion)), legs)), new_rig_bone_map()
    moved = transfer(motion, rig, bone_map, TransferConfig(plant_feet=plant))
    heads, R = pose_bones(rig, moved)
    D = R @ np.swapaxes(rig.rest_rotations, -1, -2)
    named = dict(zip(rig.bone_names, np.moveaxis(rig.to_world(heads), 1, 0), strict=True))
    own = {name: motion.joints_world_m[:, j] for j, name in enumerate(motion.joint_names)}
    of_rig = fastest_knee(named, ("thigh", "shin", "foot"), motion.timestamps_s)
    of_motion = fastest_knee(own, ("hip", "knee", "ankle"), motion.timestamps_s)
    feet = [rig.index(foot) for foot in moved.soles]
    levers = np.stack(list(moved.soles.values()))
    soles = heads[:, feet, None] + np.einsum("tfij,fcj->tfci", D[:, feet], levers)
    planted = planted_at(motion, motion.timestamps_s)
    step = np.linalg.norm(np.diff(soles, axis=0), axis=-1)[planted[1:] & planted[:-1]]
    return of_rig / of_motion, 1e3 * float(np.max(step, initial=0.0))


def knee_table(folder: Path) -> str:
    """The section of the results page."""
    lines = ["| Clip | Frames | Legs | Knees | Slip copied | Slip |", "|---|---|---|---|---|---|"]
    for file, clip, start, what in _CLIPS:
        motion = with_contacts(mocap_motion(folder / f"{file}.npz", clip, start, _MOST_FRAMES))
        for label, legs in _LENGTHS.items():
            (_, slid), (knees, held) = (figures(motion, legs, plant) for plant in (False, True))
            lines.append(
                f"| {file} `{clip}`, {what} | {len(motion.timestamps_s)} | {label} | {knees:.2f}x"
                f" | {slid:.1f} mm | {held:.2f} mm |"
            )
    return INTRO + "\n".join(lines) + "\n"
