"""Skeletons beside each other: what was seen, and what different methods make of its depth. No footage is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pose_core.config import CameraConfig, SolveConfig
from pose_core.errors import InsufficientDataError
from pose_core.lab.evaluation.real import cached_track
from pose_core.lift import lift_by_model_depth, lift_track, repair_track
from pose_core.skeletons import CANONICAL, joint_mapping
from pose_core.solve import solve_motion
from pose_core.solve.intrinsics import choose_intrinsics
from pose_core.types import FloatArray, KeypointTrack

_MOMENTS = 7
LEFT, RIGHT, MIDDLE = "#0072b2", "#d55e00", "#444444"
_ROWS = (
    "keypoints, as the camera sees them",
    "the 2D model's own 3D, from the side",
    "lifted by the network, from the side",
    "solved motion, from the side",
    "solved motion, as the camera sees it",
)


def draw_clip(video: Path, cache: Path, path: Path, frames: int | None = None) -> bool:
    """Draw one clip's most prominent person at moments spread over the clip.

    Args:
        video: the clip.
        cache: folder in which 2D tracks are kept.
        path: PNG to write.
        frames: only so many of the clip; None = all.
    Returns:
        Whether there was enough of a person to draw.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    track = cached_track(video, cache / f"{video.stem}.npz", frames)
    try:
        rows = _rows(track, video.name)
    except InsufficientDataError:
        return False
    seen = np.flatnonzero(np.isfinite(rows[3][:, :, 0]).all(axis=1) & (np.sum(track.confidence > 0.3, axis=1) > 10))
    if len(seen) < _MOMENTS:
        return False
    picked = seen[np.linspace(0, len(seen) - 1, _MOMENTS).round().astype(int)]
    figure, panels = plt.subplots(len(rows), _MOMENTS, figsize=(1.9 * _MOMENTS, 2.1 * len(rows)), dpi=70)
    for r, (title, points) in enumerate(zip(_ROWS, rows, strict=True)):
        for c, frame in enumerate(picked):
            _draw_skeleton(panels[r, c], points[frame])
            if r == 0:
                panels[r, c].set_title(f"{track.timestamps_s[frame]:.1f} s", fontsize=9)
        panels[r, 0].text(-0.02, 0.5, title.replace(", ", ",\n"), transform=panels[r, 0].transAxes, fontsize=8,
                          rotation=90, ha="right", va="center", multialignment="center")  # fmt: skip
    figure.suptitle(f"{video.stem}: left side blue, right side orange; from the side, the camera is on the left")
    figure.tight_layout(rect=(0.03, 0, 1, 0.99))
    figure.savefig(path)
    plt.close(figure)
    return True


def _rows(track: KeypointTrack, source: str) -> list[FloatArray]:
    """(T, J, 2) points to draw for each of _ROWS, y up."""
    K, _ = choose_intrinsics(CameraConfig(), track.image_size)
    repaired, _ = repair_track(track)
    lifted = lift_track(repaired, K)
    motion = solve_motion(repaired, lifted, source, SolveConfig())
    solved = motion.joints_camera_m[:, [motion.joint_names.index(name) for name in CANONICAL.names]]
    seen = joint_mapping(track.keypoint_set).positions(track.xy_px) * np.array([1.0, -1.0])
    return [
        seen, _from_the_side(lift_by_model_depth(track).joints_m), _from_the_side(lifted.joints_m),
        _from_the_side(solved - solved[:, :1]), (solved - solved[:, :1])[..., :2] * np.array([1.0, -1.0]),
    ]  # fmt: skip


def _from_the_side(joints_m: FloatArray) -> FloatArray:
    return np.stack([joints_m[..., 2], -joints_m[..., 1]], axis=-1)


def _draw_skeleton(panel: Any, points: FloatArray) -> None:
    for j, p in enumerate(CANONICAL.parents):
        if p >= 0 and np.all(np.isfinite(points[[j, p]])):
            side = CANONICAL.names[j].partition("_")[0]
            colour = {"left": LEFT, "right": RIGHT}.get(side, MIDDLE)
            panel.plot(*points[[p, j]].T, "-", color=colour, lw=1.8, solid_capstyle="round")
    finite = points[np.all(np.isfinite(points), axis=-1)]
    if len(finite):
        middle = (finite.max(axis=0) + finite.min(axis=0)) / 2
        reach = max(float(np.max(np.ptp(finite, axis=0))) * 0.55, 1e-6)
        # people of 1.7 m in the same scale throughout; keypoints fill their panel
        reach = max(reach, 0.95) if reach < 3 else reach
        panel.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    panel.set_aspect("equal")
    panel.axis("off")
