"""The networks that a tracking job needs, opened according to its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pose_core.config import TrackConfig
from pose_core.detect.detection import PersonDetector
from pose_core.errors import ModelError
from pose_core.keypoints.pose import KeypointEstimator

if TYPE_CHECKING:
    from pose_core.runtime.store import ModelStore


@dataclass(frozen=True)
class Networks:
    """A detector and a keypoint network that fits it."""

    detector: PersonDetector
    estimator: KeypointEstimator
    lanes: int
    """How many runs of the keypoint network may go on at once."""
    diagnostics: Mapping[str, Any]


def open_networks(config: TrackConfig, store: ModelStore, *, lanes: int, cores: int) -> Networks:
    """Open the model that the settings name, and the detector paired with it.

    Args:
        config: the settings.
        store: where model files are.
        lanes: how many frames are computed at once.
        cores: processor threads to use in all.
    Raises:
        ModelError: unknown or absent model, or a detector that does not fit.
        RuntimeUnavailableError: nothing on this machine runs it.
    """
    entry = store.entry(config.model)
    threads = max(1, cores // lanes)
    if entry.kind == "blazepose":
        from pose_core.detect.blazepose import BlazePoseDetector
        from pose_core.keypoints.blazepose import BlazePoseLandmarks

        files = store.files(config.model)
        estimator = BlazePoseLandmarks(files["keypoints"], threads=threads, parallel=lanes)
        detector = BlazePoseDetector(files["detector"], least_score=config.detector_score, threads=threads)
        diagnostics = {"keypoints": estimator.diagnostics, "detector": detector.diagnostics}
        return Networks(detector, estimator, lanes, diagnostics)
    raise ModelError(f"Model '{config.model}' is of kind '{entry.kind}', which cannot be tracked with.")
