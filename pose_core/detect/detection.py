"""What a person detector says of one frame, and what such a detector looks like to the tracker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pose_core.keypoints.crop import Region
from pose_core.types import FloatArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame


@dataclass(frozen=True, eq=False)
class Detection:
    """A person found in a frame."""

    box_px: FloatArray
    """(4,) x0, y0, x1, y1 about the whole body, pixels; may reach beyond the picture."""
    score: float
    region: Region
    """Where the keypoint network is to look."""


class PersonDetector(Protocol):
    """A network that finds people in a whole picture; called from several threads."""

    def detect(self, frame: VideoFrame, window: Region | None = None) -> list[Detection]:
        """People in the frame, or in a window of it, most certain first."""
        ...
