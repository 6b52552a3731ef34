"""BVH: a skeleton's motion as text, in the one convention of all our files.

Centimetres, Y up, a figure that looks along Blender's -Y looks along +Z. Joints turn; only the root, and the pelvis
where it moves against the root, have positions. A joint with positions has the offset 0, so that programs that add
positions to offsets and programs that put them in their place show the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pose_core.errors import ExportError
from pose_core.export.clip import Clip, Skeleton, rigid
from pose_core.maths.rotations import matrix_to_quaternion
from pose_core.retarget.rig.channels import euler_angles
from pose_core.types import FloatArray

CM = 0.01
"""Metres of the file's unit."""
TO_FILE = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
"""Blender's axes to the file's."""
_MOVES_M = 1e-4
# What ends a word or a block in this format, or has a meaning in the paths of programs that read it (three.js).
_BREAKS = re.compile(r"[\s{}\[\].:/]+")


@dataclass(frozen=True, eq=False)
class BvhText:
    """A file's text and what had to be changed for it."""

    text: str
    renamed: dict[str, str]
    """Bone to its name in the file, where that is another."""
    moving: tuple[str, ...]
    """Joints with positions, by their names in the file."""


def write_bvh(skeleton: Skeleton, clip: Clip, root_name: str = "root") -> BvhText:
    """The text of a file.

    Args:
        skeleton: N nodes, metres; the first is the armature object, which becomes the root where there are several
            bones without a parent.
        clip: T frames at even times.
        root_name: what that root is called.
    Raises:
        ExportError: the times are not even.
    """
    times = clip.times_s
    step = float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 1.0 / 30.0
    if len(times) > 2 and np.ptp(np.diff(times)) > 1e-3 * step:
        raise ExportError("A BVH file has one frame rate, but the clip's frames are unevenly spaced.")
    several = len(skeleton.roots) != 1
    first = 0 if several else skeleton.roots[0]
    names = _file_names([root_name if k == 0 else name for k, name in enumerate(skeleton.names)])
    rest, world = rigid(skeleton.rest), rigid(clip.world)
    D = TO_FILE[:3, :3] @ world[..., :3, :3] @ np.swapaxes(rest[:, :3, :3], -1, -2) @ TO_FILE[:3, :3].T
    heads_cm = rest[:, :3, 3] @ TO_FILE[:3, :3].T / CM
    ends_cm = skeleton.tails @ TO_FILE[:3, :3].T / CM - heads_cm
    places_cm = world[..., :3, 3] @ TO_FILE[:3, :3].T / CM
    joints = _Joints(skeleton, D, heads_cm, places_cm, first)
    lines = ["HIERARCHY"]
    columns: list[FloatArray] = []
    _write_joint(lines, columns, joints, names, ends_cm, first, 0)
    values = np.concatenate(columns, axis=1)
    lines += ["MOTION", f"Frames: {len(times)}", f"Frame Time: {step:.9f}"]
    lines += [" ".join(f"{v:.6f}" for v in row) for row in values + 0.0]
    renamed = {old: new for old, new in zip(skeleton.names[1:], names[1:], strict=True) if old != new}
    return BvhText("\n".join(lines) + "\n", renamed, tuple(names[k] for k in joints.moving))


class _Joints:
    """Offsets and channels, joint by joint."""

    def __init__(self, skeleton: Skeleton, D: FloatArray, heads: FloatArray, places: FloatArray, first: int) -> None:
        self.children = {k: [c for c, p in enumerate(skeleton.parents) if p == k] for k in range(len(skeleton.names))}
        self.first = first
        N = len(skeleton.names)
        self.offsets = np.zeros((N, 3))
        self.positions = np.array(places)
        quaternions = matrix_to_quaternion(D)
        for k in range(N):
            above = skeleton.parents[k]
            if k == first or above < 0:
                continue
            turn = np.swapaxes(D[:, above], -1, -2)
            self.offsets[k] = heads[k] - heads[above]
            self.positions[:, k] = np.einsum("tij,tj->ti", turn, places[:, k] - places[:, above])
            quaternions[:, k] = matrix_to_quaternion(turn @ D[:, k])
        self.degrees = np.degrees(euler_angles(quaternions, "XYZ"))
        off = np.linalg.norm(self.positions - self.offsets, axis=-1).max(axis=0) * CM
        inside = self._below(first)
        self.moving = [k for k in inside if k == first or off[k] > _MOVES_M]
        self.offsets[self.moving] = 0.0

    def _below(self, k: int) -> list[int]:
        return [k, *(d for c in self.children[k] for d in self._below(c))]


def _write_joint(lines: list[str], columns: list[FloatArray], joints: _Joints, names: Sequence[str],
                 ends_cm: FloatArray, k: int, depth: int) -> None:  # fmt: skip
    pad = "\t" * depth
    x, y, z = joints.offsets[k] + 0.0
    lines += [f"{pad}{'ROOT' if depth == 0 else 'JOINT'} {names[k]}", f"{pad}{{"]
    lines.append(f"{pad}\tOFFSET {x:.6f} {y:.6f} {z:.6f}")
    turns = "Zrotation Yrotation Xrotation"
    if k in joints.moving:
        lines.append(f"{pad}\tCHANNELS 6 Xposition Yposition Zposition {turns}")
        columns.append(joints.positions[:, k])
    else:
        lines.append(f"{pad}\tCHANNELS 3 {turns}")
    columns.append(joints.degrees[:, k, ::-1])
    for child in joints.children[k]:
        _write_joint(lines, columns, joints, names, ends_cm, child, depth + 1)
    if not joints.children[k]:
        x, y, z = ends_cm[k]
        lines += [f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET {x:.6f} {y:.6f} {z:.6f}", f"{pad}\t}}"]
    lines.append(f"{pad}}}")


def _file_names(names: Sequence[str]) -> list[str]:
    """Names that every reader takes, each once."""
    out: list[str] = []
    for name in names:
        base = _BREAKS.sub("_", name.strip()) or "joint"
        unique, number = base, 1
        while unique in out:
            number += 1
            unique = f"{base}_{number}"
        out.append(unique)
    return out
