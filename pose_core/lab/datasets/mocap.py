"""Motion capture for training: clips in canonical joints, split by subject and source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import InsufficientDataError, MotionFileError
from pose_core.skeletons import CANONICAL
from pose_core.types import BoolArray, FloatArray, IntArray

MOCAP_FPS = 30.0

# A whole source held out tells how the lifter does on another laboratory's idea of a skeleton.
HELD_OUT_SOURCES = frozenset({"style100", "fair"})

# Varied performers: everyday actions and boxing, dance and leaps, karate, running, walking, physiotherapy.
HELD_OUT_SUBJECTS = frozenset({"cmu_13", "cmu_49", "cmu_135", "cmu_127", "cmu_35", "ui_s02", "ui_s07"})

# How often a second of a source is shown, beside one of the CMU files: few movements, stiff or stylised data less.
_SOURCE_WEIGHTS = {"ui_prmd": 0.25, "reactidle": 0.12, "kaykit": 0.6, "cmu_bvh": 0.5}

_ABSENT = -32768
_UNIT_M = 1e-4


@dataclass(frozen=True, eq=False)
class MocapSet:
    """Clips one after the other in one array."""

    joints_m: NDArray[np.float32]
    """(N, J, 3) world, Z up; absent joints are estimated or put on their parents, see `joint_weight`."""
    clip_start: IntArray
    clip_length: IntArray
    """(C,) frames of each clip."""
    clip_weight: FloatArray
    """(C,) how often a frame of the clip is shown, relative to others."""
    joint_weight: NDArray[np.float32]
    """(C, J) what an error of a joint counts: 1 measured, less where estimated, 0 where unknown."""
    floor_m: FloatArray
    """(C,) height of the floor."""
    timed: BoolArray
    """(C,) whether speeds are true."""
    source: tuple[str, ...]
    subject: tuple[str, ...]
    action: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.clip_start)

    def take(self, clips: IntArray) -> MocapSet:
        """A set of some of the clips."""
        lengths = self.clip_length[clips]
        frames = [np.arange(self.clip_start[c], self.clip_start[c] + self.clip_length[c]) for c in clips]
        return MocapSet(
            self.joints_m[np.concatenate(frames)] if frames else self.joints_m[:0],
            np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64) if len(clips) else lengths,
            lengths,
            self.clip_weight[clips],
            self.joint_weight[clips],
            self.floor_m[clips],
            self.timed[clips],
            tuple(self.source[c] for c in clips),
            tuple(self.subject[c] for c in clips),
            tuple(self.action[c] for c in clips),
        )


@dataclass(frozen=True, eq=False)
class MocapSplit:
    """Training clips, held-out subjects of known sources, and sources never seen in training."""

    train: MocapSet
    subjects: MocapSet
    sources: MocapSet


def read_mocap(paths: Iterable[Path]) -> MocapSet:
    """Read motion capture archives.

    Args:
        paths: `.npz` files with `root`, `offsets`, clip tables and `joint_kind` in canonical joints at 30 frames/s.
    Returns:
        All clips.
    Raises:
        MotionFileError: a file is not in this form.
        InsufficientDataError: no clip at all.
    """
    parts = [_read_file(Path(path)) for path in paths]
    if not parts or not any(len(part) for part in parts):
        raise InsufficientDataError("There is no motion capture to read.", "Name a folder with .npz or .bvh files.")
    return join_sets(parts)


def join_sets(parts: list[MocapSet]) -> MocapSet:
    """Put sets one after the other."""
    offsets = np.concatenate([[0], np.cumsum([len(part.joints_m) for part in parts])])
    return MocapSet(
        np.concatenate([part.joints_m for part in parts]),
        np.concatenate([part.clip_start + offset for part, offset in zip(parts, offsets[:-1], strict=True)]),
        np.concatenate([part.clip_length for part in parts]),
        np.concatenate([part.clip_weight for part in parts]),
        np.concatenate([part.joint_weight for part in parts]),
        np.concatenate([part.floor_m for part in parts]),
        np.concatenate([part.timed for part in parts]),
        tuple(name for part in parts for name in part.source),
        tuple(name for part in parts for name in part.subject),
        tuple(name for part in parts for name in part.action),
    )


def split_mocap(
    mocap: MocapSet,
    held_out_subjects: frozenset[str] = HELD_OUT_SUBJECTS,
    held_out_sources: frozenset[str] = HELD_OUT_SOURCES,
) -> MocapSplit:
    """Split by subject and source, never by frame; a subject is the same person in every file."""
    source = np.array([name in held_out_sources for name in mocap.source], dtype=bool)
    subject = np.array([name in held_out_subjects for name in mocap.subject], dtype=bool) & ~source
    return MocapSplit(
        mocap.take(np.flatnonzero(~source & ~subject)),
        mocap.take(np.flatnonzero(subject)),
        mocap.take(np.flatnonzero(source)),
    )


def estimate_heels(joints_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., J, 3) with both heels put where they lie on average, from knee, ankle and ball of the foot.

    Source: fitted on the marker data of UI-PRMD, 15 mm rms.
    """
    out = joints_m.copy()
    for side in ("left", "right"):
        knee, ankle, toe, heel = CANONICAL.indices(*(f"{side}_{n}" for n in ("knee", "ankle", "toe", "heel")))
        foot = joints_m[..., toe, :] - joints_m[..., ankle, :]
        shank = joints_m[..., knee, :] - joints_m[..., ankle, :]
        length = np.linalg.norm(foot, axis=-1, keepdims=True)
        up = shank / np.maximum(np.linalg.norm(shank, axis=-1, keepdims=True), 1e-6)
        out[..., heel, :] = joints_m[..., ankle, :] - 0.37 * foot - 0.21 * length * up
    return out


def _read_file(path: Path) -> MocapSet:
    try:
        with np.load(path, allow_pickle=False) as data:
            offsets, root = data["offsets"], data["root"]
            names = tuple(str(n) for n in data["joint_names"])
            start, length = data["clip_start"].astype(np.int64), data["clip_length"].astype(np.int64)
            kind, floor = data["joint_kind"].astype(np.int64), data["floor_z"].astype(np.float64)
            source, subject, action = ([str(n) for n in data[key]] for key in ("source", "subject", "action"))
            timed = np.broadcast_to(data["time_true"], (len(start),)).astype(bool)
    except (OSError, KeyError, ValueError) as error:
        raise MotionFileError(f"'{path}' is not a motion capture archive: {error}") from error
    if names != CANONICAL.names:
        raise MotionFileError(f"'{path}' has other joints than the canonical skeleton.")
    joints = offsets.astype(np.float32) * _UNIT_M
    joints += root.astype(np.float32)[:, None]
    joints[offsets == _ABSENT] = np.nan
    return from_joints(joints, start, length, kind, floor, timed, tuple(source), tuple(subject), tuple(action))


def from_joints(
    joints_m: NDArray[np.float32],
    clip_start: IntArray,
    clip_length: IntArray,
    joint_kind: IntArray,
    floor_m: FloatArray,
    timed: BoolArray,
    source: tuple[str, ...],
    subject: tuple[str, ...],
    action: tuple[str, ...],
) -> MocapSet:
    """A set from joints with NaN where absent and `joint_kind` (C, J): 2 measured, 1 estimated, 0 absent."""
    weight = np.array([0.0, 0.7, 1.0], dtype=np.float32)[np.asarray(joint_kind)]
    weight[:, 0] = 0.0  # every method puts the pelvis at zero
    joints = joints_m
    heels = CANONICAL.indices("left_heel", "right_heel")
    without = np.flatnonzero(weight[:, heels[0]] == 0)
    for clip in without:
        frames = slice(int(clip_start[clip]), int(clip_start[clip] + clip_length[clip]))
        joints[frames] = estimate_heels(joints[frames])
        weight[clip, heels] = 0.3
    # joints nobody knows sit on their parents: finite for the arithmetic, of weight 0 in the loss
    for j, p in enumerate(CANONICAL.parents):
        if p >= 0:
            absent = ~np.isfinite(joints[:, j, 0])
            joints[absent, j] = joints[absent, p]
    share = np.array([_SOURCE_WEIGHTS.get(name, 1.0) for name in source])
    return MocapSet(joints, clip_start, clip_length, share, weight, floor_m, timed, source, subject, action)
