"""Video times and the frames of a scene: exact subframes, or whole frames by resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from pose_core.errors import ConfigError, InsufficientDataError
from pose_core.retarget.rig.channels import same_side
from pose_core.retarget.rig.motion import RigMotion
from pose_core.types import BoolArray, FloatArray, IntArray

# Rates that cameras and editors really use.
_COMMON_RATES = tuple(
    Fraction(n, d)
    for n, d in (
        (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1), (90, 1),
        (100, 1), (120000, 1001), (120, 1), (200, 1), (240, 1), (12, 1), (15, 1), (10, 1), (20, 1),
    )
)  # fmt: skip
# A measured rate this near (relative) to a common one is taken for it: containers round times to a millisecond.
_COMMON_TOLERANCE = 2.5e-4
# If every key lies this near to a frame of its own, the keys are put on whole frames: rounding of the container.
_SNAP_FRAMES = 0.05
# A near-parallel pair of quaternions is mixed straight.
_SLERP_COSINE = 0.9995


@dataclass(frozen=True)
class SceneRate:
    """Frames a second as Blender stores them: `fps / fps_base`."""

    fps: int
    fps_base: float

    def __post_init__(self) -> None:
        if self.fps < 1 or not (self.fps_base > 0 and math.isfinite(self.fps_base)):
            raise ConfigError(f"A frame rate needs fps >= 1 and fps_base > 0, but has {self.fps} / {self.fps_base}.")

    @property
    def value(self) -> float:
        """Frames a second."""
        return self.fps / self.fps_base


def split_rate(rate: float | Fraction) -> SceneRate:
    """Write a rate as whole frames over a base: 29.97 is 30 / 1.001.

    Args:
        rate: frames a second, 0.01 to 10000.
    Raises:
        ConfigError: outside that range.
    """
    value = float(rate)
    if not 0.01 <= value <= 10000:
        raise ConfigError(f"A frame rate must be 0.01 to 10000 a second, but is {value}.")
    fps = max(1, round(value))
    return SceneRate(fps, fps / value)


def rate_of_times(times_s: FloatArray) -> SceneRate:
    """The frame rate of a video from its frame times; for a variable rate its usual step.

    Args:
        times_s: (T,) strictly increasing.
    Returns:
        A common rate where one fits; 30 for a single frame.
    """
    if len(times_s) < 2:
        return SceneRate(30, 1.0)
    steps = np.diff(times_s)
    usual = float(np.median(steps))
    steady = np.abs(steps - usual) < 0.25 * usual
    # dropped frames leave whole multiples of the step, which count as that many
    counts = np.round(steps / usual)
    mean = (
        float(np.sum(steps) / np.sum(counts))
        if np.all(np.abs(steps - counts * usual) < 0.25 * usual)
        else float(np.mean(steps[steady]))
    )
    rate = 1.0 / mean
    # rounded times blur the rate of short clips
    blur = 2e-3 / max(float(times_s[-1] - times_s[0]), 1e-9) if _rounded_to_ms(times_s) else 0.0
    tolerance = max(_COMMON_TOLERANCE, min(blur, 0.01))
    near = min(_COMMON_RATES, key=lambda common: abs(float(common) - rate))
    return split_rate(near if abs(float(near) / rate - 1) <= tolerance else rate)


def _rounded_to_ms(times_s: FloatArray) -> bool:
    ms = times_s * 1000
    return bool(np.all(np.abs(ms - np.round(ms)) < 1e-6))


def frames_of_times(times_s: FloatArray, rate: float, frame_start: float, time_zero_s: float) -> FloatArray:
    """Frame numbers of video times.

    Args:
        times_s: (T,) seconds.
        rate: the scene's frames a second.
        frame_start: frame at which the video starts.
        time_zero_s: time of the video's first frame.
    Returns:
        (T,) frames, fractional where the video's times fall between frames; exactly whole where all of them lie
        within the rounding of the container of frames of their own.
    """
    frames = frame_start + (np.asarray(times_s) - time_zero_s) * rate
    whole = np.round(frames)
    if np.all(np.abs(frames - whole) <= _SNAP_FRAMES) and np.all(np.diff(whole) > 0):
        return np.asarray(whole)
    return np.asarray(frames)


def resampled(motion: RigMotion, frames: FloatArray) -> tuple[RigMotion, FloatArray]:
    """Put a motion on whole frames: rotations by slerp, locations straight.

    Args:
        motion: T frames.
        frames: (T,) scene frame of each, increasing.
    Returns:
        The motion on N whole frames, and these (N,). Whole frames inside a gap without a pose are left out.
    Raises:
        InsufficientDataError: no whole frame lies within the motion.
    """
    valid = motion.valid
    at, times = frames[valid], motion.times_s[valid]
    if len(at) == 0:
        raise InsufficientDataError("The motion has no frame with a pose.")
    first, last = math.ceil(at[0] - _SNAP_FRAMES), math.floor(at[-1] + _SNAP_FRAMES)
    wanted = np.arange(first, last + 1, dtype=np.float64)
    if len(wanted) == 0:
        raise InsufficientDataError("The motion is shorter than one frame of the scene.", "Raise the frame rate.")
    if len(at) == 1:
        left = np.zeros(len(wanted), dtype=np.int64)
        share, right = np.zeros(len(wanted)), left
    else:
        left = np.clip(np.searchsorted(at, wanted, side="right") - 1, 0, len(at) - 2)
        right = left + 1
        share = np.clip((wanted - at[left]) / (at[right] - at[left]), 0.0, 1.0)
    keep = ~_inside_gap(valid, left, right, share)
    wanted, left, right, share = wanted[keep], left[keep], right[keep], share[keep]
    if len(wanted) == 0:
        raise InsufficientDataError("All whole frames lie in gaps of the motion.", "Use subframes.")
    q = same_side(motion.quaternions[valid])
    new_times = times[left] + share * (times[right] - times[left])
    new = replace(
        motion,
        quaternions=same_side(slerp(q[left], q[right], share[:, None])),
        root_location=_mix(motion.root_location[valid], left, right, share),
        locations={bone: _mix(values[valid], left, right, share) for bone, values in motion.locations.items()},
        times_s=new_times,
        valid=np.ones(len(wanted), dtype=np.bool_),
    )
    return new, wanted


def _inside_gap(valid: BoolArray, left: IntArray, right: IntArray, share: FloatArray) -> BoolArray:
    """(N,) frames that lie strictly between two poses with frames without a pose between them."""
    index = np.flatnonzero(valid)
    return np.asarray((index[right] - index[left] > 1) & (share > 0) & (share < 1))


def _mix(values: FloatArray, left: IntArray, right: IntArray, share: FloatArray) -> FloatArray:
    return np.asarray(values[left] + share[:, None] * (values[right] - values[left]))


def slerp(a: FloatArray, b: FloatArray, share: FloatArray) -> FloatArray:
    """Spherical interpolation of unit quaternions along the shorter way.

    Args:
        a: (..., 4).
        b: (..., 4).
        share: (...) 0 gives `a`, 1 gives `b`.
    Returns:
        (..., 4) unit quaternions.
    Source: Shoemake 1985.
    """
    cosine = np.sum(a * b, axis=-1)
    b = np.where(cosine[..., None] < 0, -b, b)
    cosine = np.clip(np.abs(cosine), 0.0, 1.0)
    angle = np.arccos(cosine)
    sine = np.where(cosine > _SLERP_COSINE, 1.0, np.sin(angle))
    wa = np.where(cosine > _SLERP_COSINE, 1 - share, np.sin((1 - share) * angle) / sine)
    wb = np.where(cosine > _SLERP_COSINE, share, np.sin(share * angle) / sine)
    q = wa[..., None] * a + wb[..., None] * b
    return np.asarray(q / np.linalg.norm(q, axis=-1, keepdims=True))
