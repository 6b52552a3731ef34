"""What is written as keys: per bone one track for its rotation and, where it moves, one for its location."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pose_core.errors import ShapeError
from pose_core.retarget.rig.channels import rotation_channels
from pose_core.retarget.rig.description import RigDescription
from pose_core.retarget.rig.motion import RigMotion
from pose_core.types import BoolArray, FloatArray, IntArray, check_shape

ROTATION, LOCATION = "rotation", "location"


@dataclass(frozen=True, eq=False)
class KeyTrack:
    """Keys of all channels of one bone's rotation or location; they are keyed together."""

    bone: str
    channel: str
    """`rotation` or `location`."""
    mode: str
    """The rotation's form, one of ROTATION_MODES; what a location's bone has."""
    frames: FloatArray
    """(n,) increasing scene frames."""
    values: FloatArray
    """(n, C)"""
    slopes: FloatArray | None = None
    """(n, C) slope a frame at each key; None = straight lines between keys."""
    smooth: BoolArray | None = None
    """(n,) whether the stretch behind a key is a smooth curve; else it is straight. None = all like `slopes` says."""

    def __post_init__(self) -> None:
        if self.channel not in (ROTATION, LOCATION):
            raise ShapeError(f"A key track is of '{ROTATION}' or '{LOCATION}', not '{self.channel}'.")
        channels = 3 if self.channel == LOCATION or len(self.mode) == 3 else 4
        sizes: dict[str, int] = {}
        check_shape("frames", self.frames, ("n",), sizes)
        check_shape("values", self.values, ("n", channels), sizes)
        if self.slopes is not None:
            check_shape("slopes", self.slopes, ("n", channels), sizes)
        if self.smooth is not None:
            check_shape("smooth", self.smooth, ("n",), sizes)

    @property
    def key_count(self) -> int:
        """Number of keys over all channels."""
        return int(self.values.size)


def key_tracks(
    rig: RigDescription, motion: RigMotion, frames: FloatArray, modes: Mapping[str, str] | None = None
) -> list[KeyTrack]:
    """A key for every channel at every frame that carries a pose.

    Args:
        rig: says in which form each bone takes its rotation.
        motion: T frames.
        frames: (T,) scene frame of each.
        modes: rotation mode of bones that get another one than they have.
    Returns:
        Tracks in the order of the motion's bones, each bone's rotation before its location.
    """
    at = np.asarray(frames, dtype=np.float64)[motion.valid]
    quaternions = motion.quaternions if np.all(motion.valid) else motion.quaternions[motion.valid]
    tracks: list[KeyTrack] = []
    locations = motion.all_locations
    chosen = {name: rig.rotation_modes[rig.index(name)] for name in motion.bone_names} | dict(modes or {})
    rotations: dict[int, FloatArray] = {}
    for mode in sorted({chosen[name] for name in motion.bone_names}):
        # all bones of a form at once
        columns = [m for m, name in enumerate(motion.bone_names) if chosen[name] == mode]
        own = quaternions if len(columns) == len(motion.bone_names) else quaternions[:, columns]
        values = rotation_channels(own, mode)
        rotations.update({m: values[:, i] for i, m in enumerate(columns)})
    for m, name in enumerate(motion.bone_names):
        if name in motion.driven:
            continue
        tracks.append(KeyTrack(name, ROTATION, chosen[name], at, rotations[m]))
        if name in locations:
            tracks.append(KeyTrack(name, LOCATION, chosen[name], at, locations[name][motion.valid]))
    for name in sorted(set(locations) - set(motion.bone_names)):
        mode = rig.rotation_modes[rig.index(name)]
        tracks.append(KeyTrack(name, LOCATION, mode, at, locations[name][motion.valid]))
    return tracks


def runs_of(valid: BoolArray) -> IntArray:
    """(R,) positions, among the valid frames, at which a run without a gap begins."""
    index = np.flatnonzero(valid)
    return np.asarray(np.flatnonzero(np.concatenate([[True], np.diff(index) > 1])))
