"""The layout of a rendered data set on disk; `docs/dataset_layout.md` describes it for users.

dataset.json         what the set was made with
splits.json          names of the shards of each split
shard_00000/         one person, one look: pictures of one part of the motion capture
    000000.jpg ...
    labels.npz       one row a picture; written last, so a shard without it is unfinished
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import DatasetError
from pose_core.files import atomic_path
from pose_core.skeletons.h36m import H36M

FORMAT_VERSION = 1
DATASET_FILE = "dataset.json"
SPLITS_FILE = "splits.json"
LABELS_FILE = "labels.npz"
LOOKS = ("lab", "wild")
SPLITS = ("train", "validation", "test", "wild_train", "wild_test")

_JOINTS = len(H36M)
# Shape of a row, and the kind of its numbers.
_ROWS: dict[str, tuple[tuple[int, ...], str]] = {
    "joints_px": ((_JOINTS, 2), "f"),
    "joints_m": ((_JOINTS, 3), "f"),
    "root_m": ((3,), "f"),
    "visible": ((_JOINTS,), "b"),
    "camera_matrix": ((3, 3), "f"),
    "T_world_camera": ((4, 4), "f"),
    "box_px": ((4,), "f"),
    "subject": ((), "U"),
    "performer": ((), "U"),
    "action": ((), "U"),
    "clip": ((), "U"),
    "frame": ((), "i"),
    "look": ((), "U"),
}
# Projected labels and pictures would no longer belong together beyond this.
_MOST_REPROJECTION_PX = 0.1


def shard_name(number: int) -> str:
    """The folder of a shard."""
    return f"shard_{number:05d}"


def image_name(row: int) -> str:
    """The picture of a row of a shard."""
    return f"{row:06d}.jpg"


def write_labels(folder: Path, labels: Mapping[str, NDArray[Any]]) -> None:
    """Write the labels of a shard, whole or not at all.

    Raises:
        DatasetError: an array is missing or has another shape or kind than it must.
    """
    check_labels(folder, labels)
    with atomic_path(folder / LABELS_FILE) as path:
        arrays: dict[str, Any] = {name: labels[name] for name in _ROWS}
        np.savez_compressed(path, joint_names=np.array(H36M.names), **arrays)


def read_labels(folder: Path) -> dict[str, NDArray[Any]]:
    """Read and check the labels of a shard.

    Raises:
        DatasetError: there are none, or they are damaged.
    """
    path = folder / LABELS_FILE
    if not path.is_file():
        raise DatasetError(
            f"The shard '{folder}' has no {LABELS_FILE}: it is unfinished.",
            "Run scripts/render_dataset.py with the same options again; it goes on where it stopped.",
        )
    try:
        with np.load(path, allow_pickle=False) as data:
            labels = {name: data[name] for name in (*_ROWS, "joint_names")}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"The labels of the shard '{folder}' are damaged: {error}",
            "Remove the shard's folder and run scripts/render_dataset.py with the same options again.",
        ) from error
    names = tuple(str(name) for name in labels.pop("joint_names"))
    if names != H36M.names:
        raise DatasetError(f"The shard '{folder}' has other joints than the 17 of Human3.6M: {', '.join(names)}.")
    check_labels(folder, labels)
    return labels


def check_labels(folder: Path, labels: Mapping[str, NDArray[Any]]) -> None:
    """Check shapes, kinds, finiteness, and that the joints project to where the labels say.

    Raises:
        DatasetError: something of it does not hold.
    """
    missing = sorted(set(_ROWS) - set(labels))
    if missing:
        raise DatasetError(f"The labels of the shard '{folder}' lack {', '.join(missing)}.")
    rows = len(labels["joints_px"])
    for name, (shape, kind) in _ROWS.items():
        array = labels[name]
        if array.shape != (rows, *shape) or array.dtype.kind != kind:
            raise DatasetError(
                f"'{name}' of the shard '{folder}' must have shape {(rows, *shape)} and kind '{kind}', "
                f"but has {array.shape} and '{array.dtype.kind}'."
            )
        if kind == "f" and not np.all(np.isfinite(array)):
            row = int(np.argmax(~np.isfinite(array).reshape(rows, -1).all(axis=1)))
            raise DatasetError(f"'{name}' of the shard '{folder}' has NaN or infinite numbers, first in row {row}.")
    points = labels["joints_m"].astype(np.float64) + labels["root_m"][:, None].astype(np.float64)
    behind = points[..., 2] <= 0
    if np.any(behind):
        row = int(np.argmax(behind.any(axis=1)))
        raise DatasetError(f"A joint of the shard '{folder}' lies behind the camera in row {row}.")
    homogeneous = np.einsum("bij,bkj->bki", labels["camera_matrix"].astype(np.float64), points)
    error = np.linalg.norm(homogeneous[..., :2] / homogeneous[..., 2:] - labels["joints_px"], axis=-1)
    if np.any(error > _MOST_REPROJECTION_PX):
        row = int(np.argmax((error > _MOST_REPROJECTION_PX).any(axis=1)))
        raise DatasetError(
            f"The 3D joints of the shard '{folder}' do not project to its 2D joints: "
            f"{float(error.max()):.1f} px apart, first in row {row}."
        )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read one of the set's JSON files.

    Raises:
        DatasetError: it is missing or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(
            f"'{path.parent}' is no rendered data set: it has no {path.name}.",
            "Name a folder that scripts/render_dataset.py has written.",
        ) from error
    except ValueError as error:
        raise DatasetError(f"'{path}' is damaged: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"'{path}' should hold a JSON object.")
    return content
