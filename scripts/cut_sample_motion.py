"""Cut the motion of the sample clip out of public motion capture and splice it into one piece.

    python scripts/cut_sample_motion.py MOCAP_FOLDER [--out samples/mannequin_walk.motion_source.npz]

The result is committed; this is how it was made. A performer walks, turns left, stops; then one waves.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "scripts")]

from pose_core.lab.mannequin.pose import pose_joints, solve_pose  # noqa: E402
from pose_core.skeletons import CANONICAL  # noqa: E402
from pose_core.types import FloatArray  # noqa: E402

FPS = 30.0
_SWING_M_S = 0.2
_SWING_FRAMES = 10
_ENTRY_HEADING_DEG = 200.0
SOURCE = (
    "CMU Graphics Lab Motion Capture Database, trials 16_17 (walk, 90-degree left turn), 16_34 (slow walk, stop) and "
    "14_25 (direct traffic, wave, point), cut, spliced and put on a mannequin. The data used in this project was "
    "obtained from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217."
)


@dataclass(frozen=True)
class Piece:
    """A stretch of one recording, and where to look for the way out of it into the next."""

    file: str
    clip: str
    start_s: float
    leave_s: tuple[float, float]
    """First and last time at which the next piece may take over."""
    enter_s: tuple[float, float]
    """First and last time at which this piece may take over from the one before."""
    blend_s: float
    """Time over which this piece takes over."""


PIECES = (
    Piece("cmu_amc2.npz", "16_17", 1.25, (2.9, 3.6), (0.0, 0.0), 0.0),
    Piece("cmu_amc2.npz", "16_34", 0.0, (2.3, 2.7), (0.25, 1.4), 0.40),
    Piece("cmu_amc2.npz", "14_25", 0.0, (4.95, 4.95), (0.27, 0.7), 0.5),
)


def load_joints(folder: Path, piece: Piece) -> FloatArray:
    """(T, 24, 3) joints of a whole recording on the mannequin, metres, the floor at 0."""
    data = np.load(folder / piece.file, allow_pickle=False)
    number = list(data["clip_name"]).index(piece.clip)
    first, count = int(data["clip_start"][number]), int(data["clip_length"][number])
    offsets = data["offsets"][first : first + count]
    joints = np.where(offsets == -32768, np.nan, offsets * 1e-4) + data["root"][first : first + count, None]
    joints[..., 2] -= float(data["floor_z"][number])
    return pose_joints(solve_pose(joints))


def _heading(joints: FloatArray) -> FloatArray:
    """Where the hips and shoulders face, radians about Z."""
    left = sum(
        joints[..., CANONICAL.index(f"left_{n}"), :] - joints[..., CANONICAL.index(f"right_{n}"), :]
        for n in ("hip", "shoulder")
    )
    return np.arctan2(-left[..., 0], left[..., 1])


def _turned(joints: FloatArray, by_rad: float) -> FloatArray:
    c, s = np.cos(by_rad), np.sin(by_rad)
    return joints @ np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]).T


def _aligned(joints: FloatArray, at: int, onto: FloatArray) -> FloatArray:
    """A recording turned about Z and moved along the floor so that frame `at` lies on the frame `onto`."""
    moved = _turned(joints, float(_heading(onto) - _heading(joints[at])))
    feet = CANONICAL.indices("left_toe", "left_ankle", "right_toe", "right_ankle", "pelvis")
    return moved + (onto[feet] - moved[at][feet]).mean(axis=0) * [1.0, 1.0, 0.0]


def _best_splice(a: FloatArray, b: FloatArray, frames_a: range, frames_b: range) -> tuple[int, int]:
    """Frames of two recordings at which poses and speeds agree best."""

    def mismatch(i: int, j: int) -> float:
        placed = _aligned(b, j, a[i])
        pose = placed[j] - a[i]
        speed = (placed[j + 1] - placed[j - 1]) - (a[i + 1] - a[i - 1])
        return float(np.mean(pose**2) + 4.0 * np.mean(speed**2))

    return min(((i, j) for i in frames_a for j in frames_b), key=lambda pair: mismatch(*pair))


def _with_planted_feet(joints: FloatArray, at: int, onto: FloatArray) -> FloatArray:
    """A recording whose feet stand at frame `at` where those of the frame `onto` stand.

    Each foot keeps its offset and its turn for as long as it stays on the floor, and loses them in its next swings.
    """
    joints = joints.copy()
    for side in ("left", "right"):
        ankle, toe, heel = CANONICAL.indices(f"{side}_ankle", f"{side}_toe", f"{side}_heel")
        shift = (onto[toe] - joints[at, toe]) * [1.0, 1.0, 0.0]
        yaw = _yaw(onto[toe] - onto[ankle]) - _yaw(joints[at, toe] - joints[at, ankle])
        yaw = (yaw + np.pi) % (2 * np.pi) - np.pi
        speed = np.linalg.norm(np.gradient(joints[:, toe], axis=0), axis=-1) * FPS
        swinging = np.where(np.arange(len(joints)) > at, speed > _SWING_M_S, False)
        left_over = 1.0 - np.minimum(np.cumsum(swinging) / _SWING_FRAMES, 1.0)
        left_over = left_over**2 * (3 - 2 * left_over)
        for frame in np.flatnonzero(left_over > 0):
            pivot = joints[frame, toe].copy()
            for joint in (ankle, toe, heel):
                turned = _turned(joints[frame, joint] - pivot, yaw * left_over[frame])
                joints[frame, joint] = pivot + turned + shift * left_over[frame]
    return joints


def _yaw(direction: FloatArray) -> float:
    return float(np.arctan2(direction[1], direction[0]))


def splice(folder: Path) -> FloatArray:
    """(T, 24, 3) joints of the whole motion on the mannequin, metres."""
    motion = load_joints(folder, PIECES[0])[round(PIECES[0].start_s * FPS) :]
    began = PIECES[0].start_s
    for before, piece in pairwise(PIECES):
        following = load_joints(folder, piece)
        leave = [min(round((t - began) * FPS), len(motion) - 2) for t in before.leave_s]
        enter = [max(round(t * FPS), 1) for t in piece.enter_s]
        i, j = _best_splice(motion, following, range(leave[0], leave[1] + 1), range(enter[0], enter[1] + 1))
        following = _with_planted_feet(_aligned(following, j, motion[i]), j, motion[i])
        half = min(round(piece.blend_s * FPS / 2), len(motion) - 1 - i, j)
        share = np.linspace(0.0, 1.0, 2 * half + 1)
        share = (share * share * (3 - 2 * share))[:, None, None]
        mixed = motion[i - half : i + half + 1] * (1 - share) + following[j - half : j + half + 1] * share
        print(f"{before.clip} frame {i + round(began * FPS)} -> {piece.clip} frame {j}, {2 * half + 1} frames mixed")
        began = (j - i) / FPS
        motion = np.concatenate([motion[: i - half], mixed, following[j + half + 1 :]])
    last = round((PIECES[-1].leave_s[1] - began) * FPS)
    return pose_joints(solve_pose(motion[:last]))


def placed_for_camera(joints: FloatArray) -> FloatArray:
    """The motion turned so that the walk enters along -X, and moved so that it ends near the origin."""
    entry = joints[25, 0] - joints[0, 0]
    joints = _turned(joints, np.radians(_ENTRY_HEADING_DEG) - float(np.arctan2(entry[1], entry[0])))
    joints[..., :2] -= joints[-90:, 0, :2].mean(axis=0)
    return joints


def main() -> None:
    """Cut, centre the path of the feet on the origin, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mocap", type=Path, help="folder with the motion capture archives")
    parser.add_argument("--out", type=Path, default=_ROOT / "samples" / "mannequin_walk.motion_source.npz")
    arguments = parser.parse_args()
    joints = splice(arguments.mocap)
    joints = placed_for_camera(joints)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        arguments.out, joints_m=joints.astype(np.float32), joint_names=np.array(CANONICAL.names), fps=FPS, source=SOURCE
    )
    print(f"{len(joints)} frames, {len(joints) / FPS:.1f} s -> {arguments.out}")


if __name__ == "__main__":
    main()
