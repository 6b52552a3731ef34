"""RTMDet person detectors, with suppression of overlaps inside the network.

Source: Lyu et al., RTMDet (2022), as exported by MMDeploy: outputs `dets` (N, M, 5) and `labels` (N, M).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pose_core.detect.box_detector import BoxDetector
from pose_core.types import ImageArray

MEAN_BGR = np.array([103.53, 116.28, 123.675], dtype=np.float32)
STD_BGR = np.array([57.375, 57.12, 58.395], dtype=np.float32)


class RtmdetDetector(BoxDetector):
    """RTMDet with finished boxes; input of any size, 320 x 320 as usual."""

    USUAL_SIZE = (320, 320)

    def _normalised(self, bgr: ImageArray) -> NDArray[Any]:
        return np.asarray((bgr - MEAN_BGR) / STD_BGR)
