"""What retargeting needs to know of an armature, free of Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pose_core.errors import RigError
from pose_core.types import BoolArray, FloatArray, check_shape

ROTATION_MODES = ("QUATERNION", "AXIS_ANGLE", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
"""How a bone's rotation channels are written: Blender's names."""

# A bone shorter than this share of the rig's extent has no direction.
_LEAST_LENGTH_SHARE = 1e-6
# Axes of a rest matrix may deviate this much from orthonormal; rest matrices come as float32.
_ORTHONORMAL_TOLERANCE = 1e-3
# An object's three scales may differ this much (relative) and still count as uniform.
_UNIFORM_TOLERANCE = 1e-3


def _named(names: list[str], limit: int = 6) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


@dataclass(frozen=True, eq=False)
class Follow:
    """What a control hangs on in truth, where constraints and drivers stand between it and its parent.

    It inherits rotation from one bone and place from another, each with a constant offset.
    """

    rotation_of: int
    """Index of the bone whose rotation is inherited; -1 = the armature object."""
    R_offset: FloatArray
    """(3, 3) what is inherited, relative to rest, while that bone is at rest."""
    location_of: int
    """Index of the bone that carries the head along; -1 = the armature object."""
    point: FloatArray
    """(3,) the control's head, before its own location, while that bone is at rest; armature space."""


@dataclass(frozen=True, eq=False)
class RigDescription:
    """The rest pose of an armature and how it hangs in the world; parents come before children."""

    name: str
    bone_names: tuple[str, ...]
    parents: tuple[int, ...]
    """(B,) index of the parent, -1 for roots."""
    rest_matrices: FloatArray
    """(B, 4, 4) bone to armature space; the origin is the head, +Y points to the tail."""
    lengths: FloatArray
    """(B,) head to tail, armature units."""
    matrix_world: FloatArray
    """(4, 4) armature space to world, metres."""
    rotation_modes: tuple[str, ...]
    """(B,) one of ROTATION_MODES."""
    inherit_rotation: BoolArray
    """(B,) whether the bone turns with its parent."""
    local_location: BoolArray
    """(B,) whether location channels are along the bone's own axes."""
    inherit_full_scale: BoolArray
    """(B,) whether scale is inherited in the plain way."""
    connected: BoolArray
    """(B,) whether the head is glued to the parent's tail, so that location channels do nothing."""
    deform: BoolArray
    """(B,) whether the bone moves the mesh."""
    constrained: BoolArray
    """(B,) whether a live constraint or driver may overrule the bone's channels."""
    follows: Mapping[int, Follow] = field(default_factory=dict)
    """Bone index to what it hangs on, for bones that do not simply hang on their parent."""
    overruled: tuple[str, ...] = ()
    """Bones that do not go where their channels say, whatever these are: found by trying."""
    hints: Mapping[str, Any] = field(default_factory=dict)
    """What else the reader noticed, for example `rigify_generated`."""
    skin: Mapping[str, FloatArray] = field(default_factory=dict)
    """Bone of a foot or of toes to (P, 3) points of the mesh that hang on it, rest pose, armature space."""

    def __post_init__(self) -> None:
        if not self.bone_names:
            raise RigError(f"The armature '{self.name}' has no bones.", "Choose an armature with a humanoid skeleton.")
        sizes = {"B": len(self.bone_names)}
        check_shape("rest_matrices", self.rest_matrices, ("B", 4, 4), sizes)
        check_shape("matrix_world", self.matrix_world, (4, 4), sizes)
        for name in ("lengths", "inherit_rotation", "local_location", "inherit_full_scale",
                     "connected", "deform", "constrained"):  # fmt: skip
            check_shape(name, getattr(self, name), ("B",), sizes)
        check_shape("parents", np.asarray(self.parents), ("B",), sizes)
        check_shape("rotation_modes", np.asarray(self.rotation_modes), ("B",), sizes)
        self._check_tree()
        self._check_geometry()
        self._check_object()
        unknown = [n for n, m in zip(self.bone_names, self.rotation_modes, strict=True) if m not in ROTATION_MODES]
        if unknown:
            raise RigError(f"Bones of '{self.name}' have an unknown rotation mode: {_named(unknown)}.")

    def _check_tree(self) -> None:
        if len(set(self.bone_names)) != len(self.bone_names):
            twice = sorted({n for n in self.bone_names if self.bone_names.count(n) > 1})
            raise RigError(f"Bone names of '{self.name}' occur twice: {_named(twice)}.", "Rename them.")
        loops = [self.bone_names[b] for b, p in enumerate(self.parents) if not -1 <= p < b]
        if loops:
            raise RigError(f"Parents of '{self.name}' must come before their children, but not for {_named(loops)}.")

    def _check_geometry(self) -> None:
        names = np.array(self.bone_names, dtype=object)
        finite = np.all(np.isfinite(self.rest_matrices), axis=(1, 2)) & np.isfinite(self.lengths)
        if not np.all(finite):
            raise RigError(f"Rest positions of '{self.name}' are not finite: {_named(list(names[~finite]))}.")
        R = self.rest_rotations
        gram = np.swapaxes(R, -1, -2) @ R
        bad = np.max(np.abs(gram - np.eye(3)), axis=(1, 2)) > _ORTHONORMAL_TOLERANCE
        bad |= np.linalg.det(R) < 0
        if np.any(bad):
            raise RigError(f"Rest matrices of '{self.name}' are no plain rotations: {_named(list(names[bad]))}.")
        extent = max(float(np.max(np.ptp(self.heads, axis=0))), float(np.max(self.lengths)), 1e-30)
        short = self.lengths <= extent * _LEAST_LENGTH_SHARE
        if np.any(short):
            raise RigError(
                f"Bones of '{self.name}' have no length: {_named(list(names[short]))}.", "Give them one in edit mode."
            )

    def _check_object(self) -> None:
        if not np.all(np.isfinite(self.matrix_world)):
            raise RigError(f"The object transform of '{self.name}' is not finite.")
        linear = self.matrix_world[:3, :3]
        scales = np.linalg.norm(linear, axis=0)
        if np.min(scales) < 1e-9:
            raise RigError(f"The object '{self.name}' has scale 0.", "Set its scale to 1.")
        if np.linalg.det(linear) < 0:
            raise RigError(
                f"The object '{self.name}' is mirrored (negative scale), so left and right would swap.",
                "Apply its scale first (Ctrl-A in the viewport).",
            )
        gram = linear.T @ linear / np.mean(scales) ** 2
        if np.max(np.abs(gram - np.eye(3))) > 2 * _UNIFORM_TOLERANCE:
            raise RigError(
                f"The object '{self.name}' is scaled differently along its axes ({scales[0]:.4g}, {scales[1]:.4g},"
                f" {scales[2]:.4g}).",
                "Apply its scale first (Ctrl-A in the viewport).",
            )

    def __len__(self) -> int:
        return len(self.bone_names)

    def index(self, name: str) -> int:
        """Position of a bone.

        Raises:
            RigError: no such bone.
        """
        if name not in self._positions:
            raise RigError(f"The armature '{self.name}' has no bone '{name}'.")
        return self._positions[name]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: b for b, name in enumerate(self.bone_names)}

    @cached_property
    def rest_rotations(self) -> FloatArray:
        """(B, 3, 3) rest rotation of each bone in armature space."""
        return np.asarray(self.rest_matrices[:, :3, :3], dtype=np.float64)

    @cached_property
    def heads(self) -> FloatArray:
        """(B, 3) rest heads in armature space."""
        return np.asarray(self.rest_matrices[:, :3, 3], dtype=np.float64)

    @cached_property
    def tails(self) -> FloatArray:
        """(B, 3) rest tails in armature space."""
        return np.asarray(self.heads + self.rest_rotations[:, :, 1] * self.lengths[:, None])

    @cached_property
    def scale(self) -> float:
        """World metres per armature unit."""
        return float(np.cbrt(np.linalg.det(self.matrix_world[:3, :3])))

    @cached_property
    def R_world_armature(self) -> FloatArray:
        """(3, 3) rotation part of the object transform."""
        U, _, Vt = np.linalg.svd(self.matrix_world[:3, :3])
        return np.asarray(U @ Vt)

    def to_world(self, points: FloatArray) -> FloatArray:
        """Armature space to world: (..., 3) to (..., 3)."""
        return np.asarray(points @ self.matrix_world[:3, :3].T + self.matrix_world[:3, 3])

    def to_armature(self, points: FloatArray) -> FloatArray:
        """World to armature space: (..., 3) to (..., 3)."""
        return np.asarray((points - self.matrix_world[:3, 3]) @ self._world_to_armature.T)

    @cached_property
    def _world_to_armature(self) -> FloatArray:
        return np.asarray(np.linalg.inv(self.matrix_world[:3, :3]))

    def ancestors(self, bone: int) -> list[int]:
        """Indices from the parent of a bone up to its root."""
        out: list[int] = []
        bone = self.parents[bone]
        while bone >= 0:
            out.append(bone)
            bone = self.parents[bone]
        return out

    def hangs_on(self, bone: int) -> tuple[int, ...]:
        """Indices of the bones that carry a bone along."""
        follow = self.follows.get(bone)
        of = (self.parents[bone],) if follow is None else (follow.rotation_of, follow.location_of)
        return tuple(b for b in of if b >= 0)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Indices of all bones, each after the bones it hangs on.

        Raises:
            RigError: bones hang on each other in a circle.
        """
        if not self.follows:
            return tuple(range(len(self)))
        needs = [set(self.hangs_on(b)) for b in range(len(self))]
        out: list[int] = []
        done: set[int] = set()
        left = list(range(len(self)))
        while left:
            ready = [b for b in left if needs[b] <= done]
            if not ready:
                raise RigError(
                    f"Bones of '{self.name}' hang on each other: {_named([self.bone_names[b] for b in left])}."
                )
            out.extend(ready)
            done.update(ready)
            left = [b for b in left if b not in done]
        return tuple(out)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each bone the indices of its children."""
        out: list[list[int]] = [[] for _ in self.bone_names]
        for b, p in enumerate(self.parents):
            if p >= 0:
                out[p].append(b)
        return tuple(tuple(c) for c in out)
