"""Networks that give joints in 2D and 3D right away, as `pose_core.lab.train.lifter` exports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import ModelError
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose import PoseSample
from pose_core.keypoints.topdown import pose_from_unit
from pose_core.runtime.session import open_session
from pose_core.skeletons import KEYPOINT_SETS
from pose_core.types import FloatArray

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame


class PoseNetworkKeypoints:
    """A network with input `image` (1, 3, H, W), RGB from 0 to 255, and outputs `joints_px`, `confidence` and, where it
    has 3D, `joints_m`.

    Args:
        path: the ONNX file.
        keypoint_set: name in `KEYPOINT_SETS`; must have as many keypoints as the network.
        device: as in `TrackConfig.device`.
        threads: processor threads of one run.
    Raises:
        ModelError: other inputs or outputs.
    """

    sure_score = 0.55

    def __init__(self, path: Path, *, keypoint_set: str, device: str = "auto", threads: int = 1) -> None:
        self.keypoint_set = keypoint_set
        self._session = open_session(path, device=device, threads=threads)
        names = [output.name for output in self._session.outputs]
        shape = self._session.inputs[0].shape if self._session.inputs else ()
        if len(shape) != 4 or shape[1] != 3 or not shape[2] or not shape[3] or "joints_px" not in names[:1]:
            raise ModelError(
                f"A network with input (1, 3, H, W) and outputs joints_px, confidence, joints_m was expected, "
                f"but '{path.name}' takes {shape} and gives {', '.join(names)}.",
                "Register networks that scripts/train_network.py exported, or another kind.",
            )
        self._names = names
        self._size = (int(shape[3]), int(shape[2]))

    @property
    def aspect(self) -> float:
        """Width over height of the network's input."""
        return self._size[0] / self._size[1]

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """What runs it."""
        return self._session.diagnostics

    def estimate(self, frame: VideoFrame, region: Region) -> PoseSample | None:
        """As `KeypointEstimator.estimate`."""
        if not region.is_usable:
            return None
        crop = frame.warp_rgb(region.M_crop_from_frame(self._size), self._size, 0)
        tensor = np.ascontiguousarray(crop.transpose(2, 0, 1), dtype=np.float32)[None]
        values = dict(zip(self._names, self._session.run({self._session.inputs[0].name: tensor}), strict=True))
        expected = len(KEYPOINT_SETS[self.keypoint_set])
        joints_px = np.asarray(values["joints_px"][0], dtype=np.float64)
        if joints_px.shape != (expected, 2):
            raise ModelError(
                f"The network reports {len(joints_px)} keypoints, but set '{self.keypoint_set}' has {expected}.",
                "Register the model with the keypoint set that it was trained on.",
            )
        pose = pose_from_unit(region, joints_px / np.array(self._size), values["confidence"][0], self.aspect)
        if pose is None or "joints_m" not in values:
            return pose
        return replace(pose, joints_m=_turned(values["joints_m"][0], region.rotation_rad))


def _turned(joints_m: FloatArray, angle_rad: float) -> FloatArray:
    """Joints of a crop that was turned, in the axes of the whole picture."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    joints = np.asarray(joints_m, dtype=np.float64)
    return np.asarray(joints @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]).T)
