"""How many times fewer keys are left for a largest error, and whether that error holds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_core.lab.bench.mocap import mocap_motion, with_contacts
from pose_core.lab.bench.rigs import layout_rig
from pose_core.motion_file import Motion
from pose_core.retarget import KeyTrack, RigDescription, key_tracks, new_rig_bone_map, new_rig_layout, transfer
from pose_core.retarget.keys.decimate import Planted, decimated
from pose_core.retarget.keys.plan import planted_points
from pose_core.retarget.keys.points import BodyPoints
from pose_core.types import FloatArray

_MOST_FRAMES = 240
# file, clip, first frame, what it is
CLIPS = (
    ("ui_prmd", "m01_s01_e01_inc", 0, "squat"),
    ("cmu_amc", "13_29", 0, "jumping jacks, twists"),
    ("cmu_expmap", "train_walking_20", 0, "walk"),
    ("style100", "elated", 500, "elated walk"),
    ("cmu_daz", "13_14", 0, "laughing"),
    ("cmu_acrnn", "salsa_20", 0, "salsa"),
    ("cmu_daz", "135_01", 200, "karate"),
    ("cmu_amc2", "charleston1", 0, "charleston"),
)


@dataclass(frozen=True, eq=False)
class Dense:
    """A motion on its own armature with a key at every frame."""

    rig: RigDescription
    tracks: list[KeyTrack]
    planted: list[Planted]


@dataclass(frozen=True)
class Fewer:
    """What is left of the keys."""

    times_fewer: float
    seconds: float
    """Processor time."""
    off_mm: float
    """Largest distance of any point of the body from where it was, from the written curves, at all frames."""
    planted_off_mm: float


def dense(motion: Motion) -> Dense:
    """All keys of a motion."""
    rig, bone_map = layout_rig(new_rig_layout(motion)), new_rig_bone_map()
    carried = transfer(motion, rig, bone_map)
    tracks = key_tracks(rig, carried, np.arange(len(carried)) + 1.0)
    return Dense(rig, tracks, planted_points(rig, bone_map, motion, carried.times_s))


def fewer(full: Dense, mm: float, *, curved: bool = True, standing: bool = True) -> Fewer:
    """Leave out keys; `standing`: planted points of the feet are held still."""
    planted = full.planted if standing else []
    begun = time.process_time()
    few = decimated(full.rig, full.tracks, mm, planted=planted, curved=curved)
    seconds = time.process_time() - begun
    body = BodyPoints(full.rig, full.tracks, [(p.bone, p.rest_position) for p in full.planted])
    at = full.tracks[0].frames
    truth = body.place([track.values for track in full.tracks]).points
    off = 1e3 * full.rig.scale * np.linalg.norm(body.place([played(t, at) for t in few]).points - truth, axis=-1)
    held = [off[p.mask, n].max() for p, n in zip(full.planted, body.extra_points, strict=True) if n is not None]
    everything, left = (sum(track.key_count for track in tracks) for tracks in (full.tracks, few))
    return Fewer(everything / left, seconds, float(off.max()), float(max(held, default=0.0)))


def played(track: KeyTrack, at: FloatArray) -> FloatArray:
    """What an animation program makes of keys whose handles reach a third of the way: cubic or straight stretches."""
    if len(track.frames) == 1:
        return np.broadcast_to(track.values, (len(at), track.values.shape[1]))
    k = np.clip(np.searchsorted(track.frames, at, side="right") - 1, 0, len(track.frames) - 2)
    width = (track.frames[k + 1] - track.frames[k])[:, None]
    u = (at - track.frames[k])[:, None] / width
    a, b = track.values[k], track.values[k + 1]
    if track.slopes is None:
        return np.asarray(a + u * (b - a))
    # De Casteljau's points of the Bezier curve whose inner points are the handles
    p, q = a + track.slopes[k] * width / 3, b - track.slopes[k + 1] * width / 3
    return np.asarray((1 - u) ** 3 * a + 3 * u * (1 - u) ** 2 * p + 3 * u**2 * (1 - u) * q + u**3 * b)


def mocap_table(folder: Path) -> list[str]:
    """Markdown lines: real people at the files' rate and at twice that."""
    lines = [
        "| Clip | Frames | 2 mm, 30/s | 2 mm, 60/s | 5 mm, 30/s"
        " | Off at most, 2 mm | Planted | CPU s for 1000 frames |",
        "|---|---|---|---|---|---|---|---|",
    ]
    kept, seconds = [], []
    for file, clip, start, what in CLIPS:
        motions = [
            with_contacts(mocap_motion(folder / f"{file}.npz", clip, start, _MOST_FRAMES, rate))
            for rate in (30.0, 60.0)
        ]
        slow, fast = (dense(motion) for motion in motions)
        rows = [fewer(slow, 2.0), fewer(fast, 2.0), fewer(slow, 5.0)]
        frames = len(motions[0].timestamps_s)
        kept.append([row.times_fewer for row in rows])
        seconds.append(1000 * rows[0].seconds / frames)
        off, held = (max(getattr(row, name) for row in rows[:2]) for name in ("off_mm", "planted_off_mm"))
        ratios = " | ".join(f"{row.times_fewer:.1f}x" for row in rows)
        lines.append(
            f"| {file} `{clip}`, {what} | {frames} | {ratios} | {off:.2f} mm | {held:.2f} mm | {seconds[-1]:.1f} |"
        )
    means = " | ".join(f"**{m:.1f}x**" for m in np.mean(kept, axis=0))
    lines.append(f"| mean | | {means} | | | {np.mean(seconds):.1f} |")
    return lines
