"""A motion on a rig: what is to be keyed, free of Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pose_core.errors import ShapeError
from pose_core.types import BoolArray, FloatArray, check_shape, check_times


@dataclass(frozen=True)
class FootPlanting:
    """What was done about feet that the motion plants."""

    state: str = "no contacts in the motion"
    """`solved`, `off`, or why nothing had to be done: `same proportions`, `no contacts in the motion`."""
    copied_slip_mm: tuple[float, float] | None = None
    """Largest and mean slip of planted soles a frame with copied rotations; None where nothing had to be done."""
    written_slip_mm: tuple[float, float] | None = None
    """The same of what is written."""
    largest_pelvis_shift_m: float | None = None
    """How far the pelvis had to move for it at most; None where nothing was solved."""

    def to_data(self) -> dict[str, Any]:
        """Plain data; what does not apply is left out."""
        data: dict[str, Any] = {"planting": self.state}
        if self.largest_pelvis_shift_m is not None:
            data["largest_pelvis_shift_m"] = self.largest_pelvis_shift_m
        if self.copied_slip_mm is not None and self.written_slip_mm is not None:
            data["slip_mm_per_frame"] = {"copied": list(self.copied_slip_mm), "written": list(self.written_slip_mm)}
        return data


@dataclass(frozen=True, eq=False)
class RigMotion:
    """Pose channels of the mapped bones over time. Rows of frames without a pose are NaN."""

    bone_names: tuple[str, ...]
    quaternions: FloatArray
    """(T, M, 4) wxyz rotation channel of each mapped bone, continuous in time."""
    root_bone: str
    """Bone that carries the path: the pelvis, or where that cannot move the next one above that can."""
    root_location: FloatArray
    """(T, 3) location channel of the root bone, armature units."""
    times_s: FloatArray
    """(T,) seconds, from the video."""
    valid: BoolArray
    """(T,) frames that carry a pose."""
    locations: Mapping[str, FloatArray] = field(default_factory=dict)
    """Bone to (T, 3) location channel of further bones that move, such as IK controls; armature units."""
    driven: frozenset[str] = frozenset()
    """Mapped bones that the rig itself poses through IK: their channels say what to expect and are not written."""
    unkeyed: frozenset[str] = frozenset()
    """Mapped bones that get no keys: they stay at rest, as their channels say."""
    switches: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(bone, custom property) to the value that makes the rig follow what is written."""
    soles: Mapping[str, FloatArray] = field(default_factory=dict)
    """Foot bone, left then right, to (2, 3): heel and ball of the foot at the sole, from the bone's head at rest, along
    the armature's axes and in its units."""
    pelvis: str = ""
    """The pelvis bone; empty = `root_bone`."""
    leg_ratio: float = 1.0
    """Length of the rig's legs over the motion's."""
    ik_limbs: tuple[str, ...] = ()
    """Limbs that are posed through their IK controls."""
    solved_again: frozenset[str] = frozenset()
    """Parts of limbs, without a side, whose directions differ so that feet or hands are where the motion's are."""
    corrected: tuple[str, ...] = ()
    """Parts whose rest pose a person corrected, sorted; they point elsewhere on purpose."""
    planting: FootPlanting = FootPlanting()
    notes: tuple[str, ...] = ()
    """What a person should know of it."""

    def __post_init__(self) -> None:
        sizes = {"M": len(self.bone_names)}
        check_shape("times_s", self.times_s, ("T",), sizes)
        check_shape("quaternions", self.quaternions, ("T", "M", 4), sizes)
        check_shape("root_location", self.root_location, ("T", 3), sizes)
        check_shape("valid", self.valid, ("T",), sizes)
        check_times("times_s", self.times_s)
        for name, values in self.locations.items():
            check_shape(f"locations of {name}", values, ("T", 3), sizes)
        if self.root_bone not in self.bone_names:
            raise ShapeError(f"The root bone '{self.root_bone}' must be one of the mapped bones.")
        # a sum is finite only if all of its terms are
        sums = np.sum(self.quaternions.reshape(len(self.times_s), -1), axis=1) + np.sum(self.root_location, axis=1)
        if not np.all(np.isfinite(sums[self.valid])):
            raise ShapeError("Frames that are valid must be finite.")

    @property
    def all_locations(self) -> dict[str, FloatArray]:
        """Location channels of the root bone and of all others that move."""
        return {self.root_bone: self.root_location, **self.locations}

    def __len__(self) -> int:
        return len(self.times_s)
