"""What the stages hand to each other: frozen dataclasses, shape-checked at construction.

Axes: T frames, P people, J joints, K keypoints. A missing value is NaN with confidence 0, never (0, 0).
Camera frame: OpenCV axes (x right, y down, z forward), metres. World frame: right-handed, Z up, metres.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import ShapeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ImageArray = NDArray[np.uint8]


def check_shape(name: str, array: NDArray[Any], expected: tuple[int | str, ...], sizes: dict[str, int]) -> None:
    """Raise ShapeError unless `array` has the expected shape.

    Args:
        name: how the array is called in the message.
        array: the array to look at.
        expected: one entry an axis; a number is that size, a letter is a size that must agree
            with earlier uses of the letter in `sizes`.
        sizes: sizes learned so far by letter; updated in place.
    """
    fits = array.ndim == len(expected)
    if fits:
        for length, want in zip(array.shape, expected, strict=True):
            if isinstance(want, str):
                fits = fits and sizes.setdefault(want, length) == length
            else:
                fits = fits and want == length
    if not fits:
        spelled = ", ".join(f"{want}={sizes[want]}" if want in sizes else str(want) for want in map(str, expected))
        raise ShapeError(f"'{name}' must have shape ({spelled}), but has {tuple(array.shape)}.")


def check_times(name: str, time_s: FloatArray) -> None:
    """Raise ShapeError unless times are finite and strictly increasing."""
    if not np.all(np.isfinite(time_s)):
        raise ShapeError(f"'{name}' must be finite, but {int(np.sum(~np.isfinite(time_s)))} values are not.")
    if np.any(np.diff(time_s) <= 0):
        raise ShapeError(
            f"'{name}' must increase strictly, but frame {int(np.argmax(np.diff(time_s) <= 0)) + 1} does not."
        )


@dataclass(frozen=True, eq=False)
class KeypointTrack:
    """The 2D evidence of one person over a clip, and the model's own 3D where it has one.

    Frames in which the person was not seen are part of the track, NaN with confidence 0.
    """

    person_id: int
    keypoint_set: str
    """Name in `pose_core.skeletons.KEYPOINT_SETS`."""
    timestamps_s: FloatArray
    """(T,) presentation time of each frame."""
    frame_indices: IntArray
    """(T,) index of each frame in the video."""
    xy_px: FloatArray
    """(T, K, 2) in the pixels of the upright original video; (0, 0) is the outer corner of the first pixel."""
    confidence: FloatArray
    """(T, K) in [0, 1]."""
    image_size: tuple[int, int]
    """(width, height) of the upright video."""
    boxes_px: FloatArray
    """(T, 4) x0, y0, x1, y1 of the person; NaN where unseen."""
    model_joints_m: FloatArray | None = None
    """(T, K, 3) the 2D model's own 3D estimate, camera axes, metres, relative to the middle of the hips; or None."""
    diagnostics: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        check_shape("timestamps_s", self.timestamps_s, ("T",), sizes)
        check_shape("frame_indices", self.frame_indices, ("T",), sizes)
        check_shape("xy_px", self.xy_px, ("T", "K", 2), sizes)
        check_shape("confidence", self.confidence, ("T", "K"), sizes)
        check_shape("boxes_px", self.boxes_px, ("T", 4), sizes)
        if self.model_joints_m is not None:
            check_shape("model_joints_m", self.model_joints_m, ("T", "K", 3), sizes)
        check_times("timestamps_s", self.timestamps_s)
        missing = ~np.all(np.isfinite(self.xy_px), axis=-1)
        if np.any(self.confidence[missing] > 0):
            raise ShapeError("A keypoint without a position must have confidence 0.")
        if not np.all((self.confidence >= 0) & (self.confidence <= 1)):
            raise ShapeError("'confidence' must lie in [0, 1].")

    @property
    def seen(self) -> BoolArray:
        """(T,) whether any keypoint of the frame was seen."""
        return np.asarray(np.any(self.confidence > 0, axis=1))


@dataclass(frozen=True, eq=False)
class LiftedTrack:
    """Root-relative 3D joints of one person, before the solver.

    Joints are those of `pose_core.skeletons.CANONICAL`, in its order.
    """

    joints_m: FloatArray
    """(T, J, 3) camera axes, relative to the pelvis; NaN where unknown."""
    sigma_m: FloatArray
    """(T, J) one standard deviation a joint; NaN where unknown."""
    method: str
    contact_probability: FloatArray | None = None
    """(T, 4) left_heel, left_toe, right_heel, right_toe in [0, 1]; None if the lifter has no opinion."""
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    height_m: float | None = None
    """Height of the person whose joints these are; None if their size says nothing."""
    covariance_m2: FloatArray | None = None
    """(T, J, 3, 3) of each joint, camera axes; NaN where unknown; None if the lifter has none. `sigma_m` stays the one
    number for all axes."""

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        check_shape("joints_m", self.joints_m, ("T", "J", 3), sizes)
        check_shape("sigma_m", self.sigma_m, ("T", "J"), sizes)
        if self.contact_probability is not None:
            check_shape("contact_probability", self.contact_probability, ("T", 4), sizes)
        if self.covariance_m2 is not None:
            check_shape("covariance_m2", self.covariance_m2, ("T", "J", 3, 3), sizes)


@dataclass(frozen=True)
class Progress:
    """How far a job is; sent to command line and add-on alike."""

    stage: str
    """`open`, `track`, `lift`, `solve`, `preview`, `write`."""
    done: int
    total: int
    """0 when unknown."""
    frames_per_s: float = 0.0
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """Share of the stage that is done, in [0, 1]."""
        return min(self.done / self.total, 1.0) if self.total > 0 else 0.0


ProgressCallback = Callable[[Progress], None]
"""Called from the thread that runs the job; must be quick."""

CancelCallback = Callable[[], bool]
"""Returns True once the user wants the job to end."""
