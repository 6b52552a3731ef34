"""Data sets written by scripts/render_dataset.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import DatasetError
from pose_core.lab.datasets.crops import CropDataset, PersonTable
from pose_core.lab.datasets.images import Picture
from pose_core.lab.datasets.layout import (
    DATASET_FILE,
    FORMAT_VERSION,
    SPLITS,
    SPLITS_FILE,
    image_name,
    read_json,
    read_labels,
)


def read_rendered(folder: Path, splits: Sequence[str] = ("train",), size_px: int | None = None) -> CropDataset:
    """Open splits of a rendered set.

    Args:
        folder: what scripts/render_dataset.py has written.
        splits: of `layout.SPLITS`.
        size_px: side of the pictures to give out; None = as rendered.
    Raises:
        DatasetError: the folder is no rendered set, a shard is unfinished or damaged, or a split is unknown or empty.
    """
    described = read_json(folder / DATASET_FILE)
    if described.get("format_version") != FORMAT_VERSION:
        raise DatasetError(
            f"'{folder}' has format version {described.get('format_version')}, but {FORMAT_VERSION} is expected.",
            "Render it again with this version.",
        )
    unknown = [name for name in splits if name not in SPLITS]
    if unknown:
        raise DatasetError(f"There is no split '{unknown[0]}'.", f"Known splits: {', '.join(SPLITS)}.")
    listed = read_json(folder / SPLITS_FILE)
    shards = [str(name) for split in splits for name in listed.get(split, [])]
    if not shards:
        raise DatasetError(
            f"The splits {', '.join(splits)} of '{folder}' are empty.", "Render more pictures, or smaller shards."
        )
    parts = [read_labels(folder / name) for name in shards]
    pictures = [Picture(folder / name / image_name(i)) for name, part in zip(shards, parts, strict=True)
                for i in range(len(part["joints_px"]))]  # fmt: skip
    labels: dict[str, NDArray[Any]] = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    rendered_px = float(described["size_px"])
    joints_m = labels["joints_m"].astype(np.float64) + labels["root_m"][:, None]
    table = PersonTable(
        pictures=tuple(pictures),
        joints_px=labels["joints_px"].astype(np.float64),
        visible=labels["visible"],
        joints_m=joints_m,
        camera_matrix=labels["camera_matrix"].astype(np.float64),
        centre_px=np.full((len(pictures), 2), rendered_px / 2),
        side_px=np.full(len(pictures), rendered_px),
        subject_names=tuple(map(str, labels["subject"])),
        action_names=tuple(map(str, labels["action"])),
        look_names=tuple(map(str, labels["look"])),
    )
    return CropDataset(table, int(size_px or rendered_px))
