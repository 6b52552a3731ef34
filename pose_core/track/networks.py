"""The networks that a tracking job needs, opened according to its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.config import TrackConfig
from pose_core.detect.detection import PersonDetector
from pose_core.errors import ModelError
from pose_core.keypoints.pose import KeypointEstimator
from pose_core.runtime.catalogue import DETECTOR_KINDS, ModelEntry
from pose_core.runtime.session import require_litert_device

if TYPE_CHECKING:
    from pose_core.detect.blazepose import BlazePoseDetector
    from pose_core.detect.rtmdet import RtmdetDetector
    from pose_core.detect.yolox import YoloxDetector
    from pose_core.keypoints.pose_network import PoseNetworkKeypoints
    from pose_core.keypoints.topdown import TopDownKeypoints
    from pose_core.runtime.store import ModelStore


@dataclass(frozen=True)
class Networks:
    """A detector and a keypoint network that fits it."""

    detector: PersonDetector
    estimator: KeypointEstimator
    diagnostics: Mapping[str, Any]


def open_networks(config: TrackConfig, store: ModelStore, *, lanes: int, cores: int) -> Networks:
    """Open the model that the settings name, and the detector paired with it.

    Args:
        config: the settings.
        store: where model files are.
        lanes: how many frames are computed at once.
        cores: processor threads to use in all.
    Returns:
        The networks.
    Raises:
        ModelError: unknown or absent model, or a detector that does not fit.
        RuntimeUnavailableError: nothing on this machine runs it.
    """
    entry = store.entry(config.model)
    threads = max(1, cores // lanes)
    if entry.kind == "blazepose":
        return _open_blazepose(config, store, lanes, threads)
    if entry.kind in DETECTOR_KINDS:
        raise ModelError(f"'{config.model}' only finds boxes.", "Choose a model with keypoints: pose-core models list")
    return _open_topdown(config, store, entry, threads)


def _open_blazepose(config: TrackConfig, store: ModelStore, lanes: int, threads: int) -> Networks:
    from pose_core.detect.blazepose import BlazePoseDetector
    from pose_core.keypoints.blazepose import BlazePoseLandmarks

    if config.detector != "auto":
        raise ModelError(
            f"'{config.model}' brings its own detector, but detector '{config.detector}' was asked for.",
            "Leave the detector on 'auto'.",
        )
    require_litert_device(config.device, config.model)
    files = store.files(config.model)
    estimator = BlazePoseLandmarks(files["keypoints"], threads=threads, parallel=lanes)
    detector = BlazePoseDetector(files["detector"], least_score=config.detector_score, threads=threads)
    return Networks(detector, estimator, {"keypoints": estimator.diagnostics, "detector": detector.diagnostics})


def _open_topdown(config: TrackConfig, store: ModelStore, entry: ModelEntry, threads: int) -> Networks:
    estimator = _open_estimator(config, store, entry, threads)
    name, why = _choose_detector(config, store, entry)
    detector = _open_detector(config, store, name, estimator.aspect, threads)
    diagnostics = {
        "keypoints": estimator.diagnostics,
        "detector": detector.diagnostics,
        "detector_model": name,
        "detector_choice": why,
    }
    return Networks(detector, estimator, diagnostics)


def _open_detector(
    config: TrackConfig, store: ModelStore, name: str, aspect: float, threads: int
) -> BlazePoseDetector | YoloxDetector | RtmdetDetector:
    from pose_core.detect.blazepose import BlazePoseDetector
    from pose_core.detect.rtmdet import RtmdetDetector
    from pose_core.detect.yolox import YoloxDetector

    kind = store.entry(name).kind
    if kind == "blazepose":
        path = store.files(name)["detector"]
        return BlazePoseDetector(path, least_score=config.detector_score, threads=threads, aspect=aspect)
    if kind not in DETECTOR_KINDS:
        raise ModelError(
            f"'{name}' is no person detector.", f"Detectors are of kind blazepose, {' or '.join(DETECTOR_KINDS)}."
        )
    detector_class = YoloxDetector if kind == "yolox" else RtmdetDetector
    return detector_class(
        store.path(name), least_score=config.detector_score, aspect=aspect, device=config.device, threads=threads
    )


def _open_estimator(
    config: TrackConfig, store: ModelStore, entry: ModelEntry, threads: int
) -> TopDownKeypoints | PoseNetworkKeypoints:
    from pose_core.keypoints.pose_network import PoseNetworkKeypoints
    from pose_core.keypoints.topdown import TopDownKeypoints

    path = store.path(entry.name)
    if entry.kind == "pose3d":
        return PoseNetworkKeypoints(path, keypoint_set=entry.keypoint_set, device=config.device, threads=threads)
    return TopDownKeypoints(
        path, head=entry.kind, keypoint_set=entry.keypoint_set, device=config.device, threads=threads
    )


def _choose_detector(config: TrackConfig, store: ModelStore, entry: ModelEntry) -> tuple[str, str]:
    """Name of the detector, and why it."""
    if config.detector != "auto":
        return config.detector, "asked for"
    if store.status(entry.detector).state == "ready":
        return entry.detector, "paired with the model in the catalogue"
    for status in store.list():
        if status.entry.kind in (*DETECTOR_KINDS, "blazepose") and status.state == "ready":
            return status.entry.name, f"'{entry.detector}', paired with the model, is not on this machine"
    return entry.detector, "paired with the model in the catalogue"  # whose absence is reported when it is opened


def files_needed(config: TrackConfig, store: ModelStore) -> dict[str, Path]:
    """Files that a job with these settings reads, by role; fetches nothing.

    Raises:
        ModelError: an unknown model, or one of which a file is not here or damaged; the same of its detector.
    """
    entry = store.entry(config.model)
    files = store.files(config.model)
    if entry.kind == "blazepose" or entry.kind in DETECTOR_KINDS:
        return files
    return {**store.files(_choose_detector(config, store, entry)[0]), **files}
