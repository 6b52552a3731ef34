"""The motions that are exported: one walk, at the rates and start frames that programs disagree about."""

from pathlib import Path

import numpy as np

from pose_core.motion_file import Motion, write_motion

LENGTH_S = 2.0
FIRST_S = 1.0
"""Where in the sample clip the walk is well under way."""


def times_of(kind: str) -> np.ndarray:
    """Seconds of the frames of a kind of video."""
    if kind == "variable":
        steps = np.tile([0.033, 0.041, 0.050, 0.033, 0.027], 16)
        times = np.concatenate([[0.0], np.cumsum(steps)])
        return times[times <= LENGTH_S]
    rate = {"walk": 30.0, "ntsc": 30000 / 1001, "slow": 12.5, "late": 24.0}[kind]
    return np.arange(int(LENGTH_S * rate) + 1) / rate


def motion_of(kind: str) -> Motion:
    """The sample walk at the times of a kind of video."""
    # Blender's Python has no scipy, and needs but the names of this module
    from scipy.interpolate import CubicSpline

    from tests.support.motions import motion_of_joints, sample_motion, with_contacts

    walk = sample_motion()
    spline = CubicSpline(walk.timestamps_s - walk.timestamps_s[0], walk.joints_world_m)
    times = times_of(kind)
    return with_contacts(motion_of_joints(spline(FIRST_S + times), times, f"{kind}.mp4"))


KINDS = ("walk", "ntsc", "slow", "variable", "late")
START_FRAMES = {"late": 1001}


def write_motions(folder: Path) -> None:
    """A motion file of each kind."""
    for kind in KINDS:
        write_motion(folder / f"{kind}.motion.npz", motion_of(kind))
