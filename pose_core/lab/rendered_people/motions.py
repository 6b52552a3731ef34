"""Which poses the people take: moments of motion capture, put on their bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose_core.lab.datasets.mocap import HELD_OUT_SOURCES, HELD_OUT_SUBJECTS, MOCAP_FPS, MocapSet
from pose_core.lab.mannequin.pose import Pose, solve_pose
from pose_core.lab.mannequin.skeleton import Points
from pose_core.lab.train.lifter.bodies import mirror_bodies
from pose_core.skeletons import CANONICAL
from pose_core.types import FloatArray, IntArray

# Of the performers that training never sees: those that validation sees; the others are for tests.
_VALIDATION_PERFORMERS = frozenset({"cmu_35", "cmu_127", "ui_s02"})

_CONTEXT_FRAMES = 20
_LONGEST_FRAMES = 240
_LEAST_GAP_FRAMES = 9
# A performer whose standing foot is this far from the floor climbs, hangs, or has no known floor.
_FLOOR_TOLERANCE_M = 0.08
_USUAL_ANKLE_M = 0.09
_STILL_M_S = 0.2


@dataclass(frozen=True, eq=False)
class Moment:
    """One pose of one performer on one body."""

    D: FloatArray
    """(B, 3, 3) rotations of the bones relative to rest."""
    root_m: FloatArray
    """(3,) pelvis; the floor is at Z = 0."""
    performer: str
    action: str
    clip: str
    frame: int


def clips_of_split(mocap: MocapSet, split: str) -> IntArray:
    """Clips that a split's people perform; no performer is in two of train, validation and test.

    Clips without the joints that a body is posed by are left out.
    """
    held = [s in HELD_OUT_SUBJECTS or o in HELD_OUT_SOURCES for s, o in zip(mocap.subject, mocap.source, strict=True)]
    validation = [s in _VALIDATION_PERFORMERS for s in mocap.subject]
    kind = np.where(held, np.where(validation, "validation", "test"), "train")
    wanted = {"wild_train": "train", "wild_test": "test"}.get(split, split)
    needed = [j for j, name in enumerate(CANONICAL.names) if "heel" not in name and name != "pelvis"]
    complete = np.all(mocap.joint_weight[:, needed] > 0, axis=1) & (mocap.clip_length >= 15)
    return np.flatnonzero((kind == wanted) & complete)


def draw_moments(
    mocap: MocapSet, clips: IntArray, count: int, points: Points, rng: np.random.Generator, per_clip: int = 6
) -> list[Moment]:
    """Random poses, several of each clip drawn, on a body with the rest pose `points`."""
    # A square root between "every clip alike" and "every second alike": short clips hold most of the rare moves.
    odds = mocap.clip_weight[clips] * np.sqrt(mocap.clip_length[clips])
    odds = odds / odds.sum()
    found: list[Moment] = []
    while len(found) < count:
        clip = int(rng.choice(clips, p=odds))
        found += _from_clip(mocap, clip, min(per_clip, count - len(found)), points, rng)
    return found


def _from_clip(mocap: MocapSet, clip: int, count: int, points: Points, rng: np.random.Generator) -> list[Moment]:
    first, length = int(mocap.clip_start[clip]), int(mocap.clip_length[clip])
    span = min(length, _LONGEST_FRAMES)
    start = int(rng.integers(length - span + 1))
    joints = mocap.joints_m[first + start : first + start + span].astype(np.float64)
    joints = joints - [0.0, 0.0, float(mocap.floor_m[clip])]
    if rng.random() < 0.5:
        joints = mirror_bodies(joints[None], np.array([True]))[0]
    pose = solve_pose(joints, points, on_floor=_stands(joints))
    # The ends of a piece have no neighbours to be smoothed with.
    inner = np.arange(min(_CONTEXT_FRAMES, span // 4), span - min(_CONTEXT_FRAMES, span // 4))
    step = max(_LEAST_GAP_FRAMES, len(inner) // max(count, 1))
    frames = inner[int(rng.integers(max(1, min(step, len(inner))))) :: step][:count]
    return [_moment(mocap, clip, pose, int(f), start, points, rng) for f in frames if _is_sound(pose, int(f))]


def _stands(joints_m: FloatArray) -> bool:
    """Whether the lower foot, when it is still, is as high as a standing foot."""
    ankles = joints_m[:, CANONICAL.indices("left_ankle", "right_ankle")]
    speed = np.linalg.norm(np.gradient(ankles, axis=0), axis=-1) * MOCAP_FPS
    still = ankles[..., 2][speed < _STILL_M_S]
    upright = np.median(joints_m[:, CANONICAL.index("neck"), 2] - joints_m[:, 0, 2]) > 0.2
    return bool(upright and len(still) and abs(np.median(still) - _USUAL_ANKLE_M) < _FLOOR_TOLERANCE_M)


def _is_sound(pose: Pose, frame: int) -> bool:
    return bool(np.all(np.isfinite(pose.D[frame])) and np.all(np.isfinite(pose.root_m[frame])))


def _moment(
    mocap: MocapSet, clip: int, pose: Pose, frame: int, start: int, points: Points, rng: np.random.Generator
) -> Moment:
    turn = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(turn), np.sin(turn)
    R = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    root = np.array([0.0, 0.0, pose.root_m[frame, 2]])
    return Moment(
        R @ pose.D[frame], root, mocap.subject[clip], mocap.action[clip], f"{mocap.source[clip]}:{clip}", start + frame
    )
