"""What a keypoint network says of one person in one frame, and what such a network looks like to the tracker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pose_core.keypoints.crop import Region
from pose_core.types import FloatArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame


@dataclass(frozen=True, eq=False)
class PoseSample:
    """One person in one frame; K keypoints."""

    xy_px: FloatArray
    """(K, 2) pixels, corner convention; may lie outside the picture."""
    confidence: FloatArray
    """(K,) in [0, 1]."""
    score: float
    """How sure the network is that a person is there at all, [0, 1]."""
    box_px: FloatArray
    """(4,) x0, y0, x1, y1 around the sure keypoints."""
    next_region: Region
    """Where to look in the next frame."""
    joints_m: FloatArray | None = None
    """(K, 3) the network's own 3D, camera axes, metres, relative to the middle of the hips."""

    @property
    def mean_confidence(self) -> float:
        """Over all keypoints."""
        return float(np.mean(self.confidence))


class KeypointEstimator(Protocol):
    """A network that finds the keypoints of the one person in a region; called from several threads."""

    @property
    def keypoint_set(self) -> str:
        """Name in `KEYPOINT_SETS`."""
        ...

    @property
    def sure_score(self) -> float:
        """Mean `PoseSample.score` over a stretch of frames below which it is probably no person."""
        ...

    def estimate(self, frame: VideoFrame, region: Region) -> PoseSample | None:
        """Keypoints of the person in the region, None if the network sees none there."""
        ...
