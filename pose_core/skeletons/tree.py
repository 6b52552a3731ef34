"""A tree of joints and its forward kinematics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pose_core.errors import ShapeError
from pose_core.types import FloatArray, IntArray


def mirrored_name(name: str) -> str:
    """The name of the joint on the other side; the same name for joints in the middle."""
    for a, b in (("left_", "right_"), ("right_", "left_")):
        if name.startswith(a):
            return b + name[len(a) :]
    return name


@dataclass(frozen=True)
class Skeleton:
    """Joints in an order where every parent comes before its children.

    `R_world[j] = R_world[parent] @ R_local[j]` and `x[j] = x[parent] + R_world[parent] @ rest_offset[j]`:
    a joint's rotation moves its children, not itself.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """Index of the parent; -1 for the root, which is joint 0."""

    def __post_init__(self) -> None:
        if len(self.names) != len(self.parents) or len(set(self.names)) != len(self.names):
            raise ShapeError("A skeleton needs as many parents as names, and no name twice.")
        if not self.parents or self.parents[0] != -1 or any(not 0 <= p < j for j, p in enumerate(self.parents) if j):
            raise ShapeError("A skeleton needs joint 0 as its only root, and parents before children.")

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Position of a joint in the order of `names`."""
        return self.names.index(name)

    def indices(self, *names: str) -> list[int]:
        """Positions of several joints."""
        return [self.names.index(name) for name in names]

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each joint the indices of its children."""
        return tuple(tuple(c for c, p in enumerate(self.parents) if p == j) for j in range(len(self)))

    @cached_property
    def mirror(self) -> IntArray:
        """(J,) index of the joint on the other side."""
        return np.array([self.names.index(mirrored_name(name)) for name in self.names])

    def forward_kinematics(
        self, R_local: FloatArray, rest_offsets_m: FloatArray, root_translation_m: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Joint positions and world rotations.

        Args:
            R_local: (..., J, 3, 3) local rotations.
            rest_offsets_m: (J, 3) offset of each joint from its parent at rest, metres.
            root_translation_m: (..., 3) position of the root.
        Returns:
            joints_m (..., J, 3) and R_world (..., J, 3, 3).
        """
        # joint by joint in memory of its own: strided products take several times as long
        turns = self.world_rotations(np.ascontiguousarray(np.moveaxis(R_local, -3, 0)))
        places = [np.asarray(root_translation_m, dtype=np.float64)]
        for j, p in enumerate(self.parents[1:], 1):
            places.append(places[p] + turns[p] @ rest_offsets_m[j])
        return np.stack(places, axis=-2), np.stack(turns, axis=-3)

    def world_rotations(self, R_local: FloatArray) -> list[FloatArray]:
        """World rotations (..., 3, 3), joint by joint, of local ones (J, ..., 3, 3)."""
        turns = [R_local[0]]
        for j, p in enumerate(self.parents[1:], 1):
            turns.append(turns[p] @ R_local[j])
        return turns
