"""Keypoints of everybody in a clip, by a model of the catalogue or one beside it; run once, then kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.config import TrackConfig, VideoConfig
from pose_core.errors import ModelError
from pose_core.files import atomic_path
from pose_core.runtime.catalogue import ModelEntry
from pose_core.runtime.store import ModelStore
from pose_core.track.run import track_people
from pose_core.types import KeypointTrack
from pose_core.video import open_video

FULL, HEAVY = "blazepose-full", "blazepose-heavy"
_HEAVY_FILE = "pose_landmark_heavy.tflite"
_HEAVY_SHA256 = "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe"


class LabModels(ModelStore):
    """The store with `blazepose-heavy` beside its models, where the catalogue does not know it.

    Args:
        folder: where its file lies; None or a folder that is not there = only what the store knows.
    """

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self._heavy = None if folder is None else folder / _HEAVY_FILE

    def entries(self) -> dict[str, ModelEntry]:
        """All models by name."""
        known = super().entries()
        if HEAVY not in known:
            known[HEAVY] = dataclasses.replace(known[FULL], name=HEAVY, title="BlazePose heavy")
        return known

    def files(self, name: str) -> dict[str, Path]:
        """All files of a model by role; fetches nothing.

        Raises:
            ModelError: unknown, not here, or damaged.
        """
        if name != HEAVY or HEAVY in super().entries():
            return super().files(name)
        if self._heavy is None or not self._heavy.is_file():
            raise ModelError(f"{_HEAVY_FILE} is not here.", "Name the folder that has it by --models.")
        if self._hashes.sha256(self._heavy) != _HEAVY_SHA256:
            raise ModelError(f"'{self._heavy}' is damaged or another file.", f"Its SHA-256 must be {_HEAVY_SHA256}.")
        return {**super().files(FULL), "keypoints": self._heavy}

    def has(self, name: str) -> bool:
        """Whether a model can be run."""
        try:
            return bool(self.files(name))
        except ModelError:
            return False


def cached_tracks(
    video: Path, model: str, people: int, cache: Path, store: ModelStore, span: VideoConfig | None = None
) -> list[KeypointTrack]:
    """Everybody's keypoints, most prominent first.

    Args:
        video: the clip.
        model: name in the store.
        people: how many at most.
        cache: folder that keeps them.
        store: where models are.
        span: a part of the clip; None = all of it.
    """
    part = span or VideoConfig()
    suffix = "" if span is None else f"-{part.start_s:g}-{part.end_s:g}"
    path = cache / f"{video.stem}{suffix}-{model}-{people}.npz"
    if not path.is_file():
        with open_video(str(video), start_s=part.start_s, end_s=part.end_s) as reader:
            found = track_people(reader, TrackConfig(model=model, people=people), store).tracks
        cache.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, Path(temporary).open("wb") as file:
            np.savez_compressed(file, **{k: v for n, track in enumerate(found) for k, v in _arrays(n, track).items()})
    with np.load(path, allow_pickle=False) as data:
        numbers = sorted({int(key.partition("_")[0]) for key in data.files})
        return [_track(n, {k.partition("_")[2]: data[k] for k in data.files if k.startswith(f"{n}_")}) for n in numbers]


def _arrays(number: int, track: KeypointTrack) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "set": np.array(track.keypoint_set), "time": track.timestamps_s, "frames": track.frame_indices,
        "xy": track.xy_px, "confidence": track.confidence, "size": np.array(track.image_size),
        "boxes": track.boxes_px,
    }  # fmt: skip
    if track.model_joints_m is not None:
        kept["joints"] = track.model_joints_m
    return {f"{number}_{key}": value for key, value in kept.items()}


def _track(number: int, data: Mapping[str, Any]) -> KeypointTrack:
    width, height = (int(v) for v in data["size"])
    return KeypointTrack(
        number + 1, str(data["set"]), data["time"], data["frames"], data["xy"], data["confidence"], (width, height),
        data["boxes"], data.get("joints"),
    )  # fmt: skip
