"""From a motion on a rig to the keys that are written: root motion, rotation modes, fewer keys."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pose_core.errors import ConfigError
from pose_core.motion_file import Motion
from pose_core.retarget.keys.decimate import Planted, check_error_mm, decimated
from pose_core.retarget.keys.root_motion import ROOT_MOTIONS, find_root_bone, in_place, on_root_bone
from pose_core.retarget.keys.tracks import KeyTrack, key_tracks, runs_of
from pose_core.retarget.rig.bone_map import SIDES, BoneMap
from pose_core.retarget.rig.description import ROTATION_MODES, RigDescription
from pose_core.retarget.rig.motion import RigMotion
from pose_core.types import BoolArray, FloatArray

KEEP = "KEEP"
# A contact from this on counts as planted.
_PLANTED = 0.5
# Heel from ankle, ball of the foot and knee, as shares of the foot's length; measured on motion capture with heels.
_HEEL_BACK, _HEEL_DOWN = 0.37, 0.21


@dataclass(frozen=True)
class KeysConfig:
    """Which keys are written."""

    error_mm: float | None = None
    """Leave out keys as long as no joint is off by more, millimetres; None = keep a key at every frame."""
    rotation_mode: str = KEEP
    """Form of the rotations: `KEEP` leaves each bone its own, else one of ROTATION_MODES for all keyed bones."""
    root_motion: str = "pelvis"
    """`pelvis`: the path is on the pelvis bone; `root_bone`: on a bone above it, over the floor; `in_place`: none."""
    root_bone: str = ""
    """The bone for `root_bone`; empty = the topmost one above the pelvis."""
    root_heading: bool = True
    """Turn the root bone to where the body faces."""
    root_smoothing_s: float = 0.2
    """Sigma of the smoothing of the root bone's path and heading, seconds: below a step, so that sway stays on the
    pelvis; 0 = none."""

    def __post_init__(self) -> None:
        if self.error_mm is not None:
            check_error_mm(self.error_mm)
        if self.rotation_mode not in (KEEP, *ROTATION_MODES):
            raise ConfigError(
                f"rotation_mode must be {KEEP} or one of {', '.join(ROTATION_MODES)}, but is '{self.rotation_mode}'."
            )
        if self.root_motion not in ROOT_MOTIONS:
            raise ConfigError(f"root_motion must be one of {', '.join(ROOT_MOTIONS)}, but is '{self.root_motion}'.")
        if not (0 <= self.root_smoothing_s <= 10 and math.isfinite(self.root_smoothing_s)):
            raise ConfigError(f"root_smoothing_s must be 0 to 10 seconds, but is {self.root_smoothing_s}.")


def wanted_root(bone_map: BoneMap, config: KeysConfig) -> str | None:
    """The bone that is to carry the path, as far as it is known before the rig is tried."""
    return (config.root_bone or bone_map.root) if config.root_motion == "root_bone" else None


def with_root_motion(rig: RigDescription, bone_map: BoneMap, motion: RigMotion, config: KeysConfig) -> RigMotion:
    """Put the path where the settings want it.

    Raises:
        RigError: a root bone is wanted, but there is none.
    """
    if config.root_motion == "root_bone":
        root = find_root_bone(rig, bone_map, config.root_bone)
        return on_root_bone(rig, motion, root, config.root_heading, config.root_smoothing_s)
    return in_place(rig, motion) if config.root_motion == "in_place" else motion


def planned_tracks(
    rig: RigDescription,
    bone_map: BoneMap,
    rig_motion: RigMotion,
    frames: FloatArray,
    motion: Motion,
    config: KeysConfig,
) -> list[KeyTrack]:
    """The keys to write.

    Args:
        rig: the rig.
        bone_map: its feet tell which points must stay planted.
        rig_motion: T frames.
        frames: (T,) scene frame of each.
        motion: where it came from, for its contacts.
        config: what is wanted.
    """
    modes = {} if config.rotation_mode == KEEP else dict.fromkeys(rig_motion.bone_names, config.rotation_mode)
    tracks = key_tracks(rig, rig_motion, frames, modes)
    if config.error_mm is None:
        return tracks
    planted = planted_points(rig, bone_map, motion, rig_motion.times_s[rig_motion.valid], rig_motion)
    return decimated(rig, tracks, config.error_mm, runs_of(rig_motion.valid), planted)


def planted_points(
    rig: RigDescription,
    bone_map: BoneMap,
    motion: Motion,
    times_s: FloatArray,
    carried: RigMotion | None = None,
) -> list[Planted]:
    """Heels and balls of the feet, with the frames at which they stand.

    Args:
        rig: the rig.
        bone_map: its feet.
        motion: its contacts.
        times_s: (n,) when it is asked.
        carried: the motion on the rig, which knows its soles and IK controls; None = by the bones alone.
    """
    right = np.clip(np.searchsorted(motion.timestamps_s, times_s), 1, max(len(motion.timestamps_s) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(motion.timestamps_s) - 1)
    nearer = times_s - motion.timestamps_s[left] <= motion.timestamps_s[right] - times_s
    contacts = motion.contacts[np.where(nearer, left, right)]
    out: list[Planted] = []
    for s, side in enumerate(SIDES):
        foot, knee = (rig.heads[rig.index(bone_map.bones[f"{side}_{part}"][0])] for part in ("foot", "shin"))
        bone = bone_map.bones[f"{side}_foot"][0]
        toe = bone_map.bone(f"{side}_toe")
        ball = rig.tails[rig.index(bone)] if toe is None else rig.heads[rig.index(toe)]
        up = knee - foot
        heel = foot - _HEEL_BACK * (ball - foot)
        heel -= _HEEL_DOWN * np.linalg.norm(ball - foot) * up / max(float(np.linalg.norm(up)), 1e-12)
        points: FloatArray = np.stack([heel, ball])
        if carried is not None:
            points = foot + carried.soles[bone] if bone in carried.soles else points
            if bone in carried.driven:
                bone = bone_map.ik[f"{side}_leg"].target
        for k, point in enumerate(points):
            mask: BoolArray = contacts[:, 2 * s + k] >= _PLANTED
            if np.any(mask):
                out.append(Planted(bone, point, mask))
    return out
