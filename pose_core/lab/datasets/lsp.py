"""Leeds Sports Pose and its extended set: `joints.mat` and `images/im0001.jpg` ..."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pose_core.errors import ConfigError, DatasetError
from pose_core.lab.datasets.crops import CropDataset, PersonTable, nothing_3d, square_around
from pose_core.lab.datasets.images import Picture
from pose_core.lab.datasets.joint_sets import LSP_14, to_h36m
from pose_core.lab.datasets.matlab import read_matlab
from pose_core.types import BoolArray, FloatArray

_TRAINING_SHARE_OF_ORIGINAL = 1000
_ORIGINAL = 2000


def read_lsp(folder: Path, part: str = "all", size_px: int = 256) -> CropDataset:
    """Open the people.

    Args:
        folder: with `joints.mat` and `images/`.
        part: "all", or of the original set "train" (the first 1000 pictures) or "test" (the others).
        size_px: side of the crops.
    Raises:
        DatasetError: files are missing, damaged, or in another layout.
        ConfigError: there is no such part.
    """
    if part not in ("all", "train", "test"):
        raise ConfigError(f"There is no part '{part}' of LSP.", "Use all, train or test.")
    values = np.asarray(read_matlab(folder / "joints.mat", ("joints",))["joints"], dtype=np.float64)
    pixels, seen = _unpacked(folder, values)
    rows = np.arange(len(pixels))
    if part != "all":
        rows = (
            rows[rows < _TRAINING_SHARE_OF_ORIGINAL] if part == "train" else rows[rows >= _TRAINING_SHARE_OF_ORIGINAL]
        )
    digits = 4 if len(pixels) <= _ORIGINAL else 5
    joints = to_h36m(pixels, LSP_14)[rows]
    visible = to_h36m(seen[..., None].astype(np.float64), LSP_14)[rows, :, 0] == 1.0
    if len(rows) and not np.isfinite(joints).any(axis=(1, 2)).all():
        kept = np.isfinite(joints).any(axis=(1, 2))
        rows, joints, visible = rows[kept], joints[kept], visible[kept]
    centre, side = square_around(joints)
    joints_m, camera_matrix = nothing_3d(len(rows))
    return CropDataset(
        PersonTable(
            pictures=tuple(Picture(folder / "images" / f"im{i + 1:0{digits}d}.jpg") for i in rows),
            joints_px=joints,
            visible=visible & np.isfinite(joints).all(axis=-1),
            joints_m=joints_m,
            camera_matrix=camera_matrix,
            centre_px=centre,
            side_px=side,
            subject_names=("unknown",) * len(rows),
            action_names=("sport",) * len(rows),
            look_names=("wild",) * len(rows),
        ),
        size_px,
    )


def _unpacked(folder: Path, values: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Pixels (N, 14, 2) and visibility (N, 14).

    The original set is (3, 14, N) and flags hidden joints; the extended one is (14, 3, N) and flags labelled ones.
    """
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[:2] not in ((3, 14), (14, 3)):
        raise DatasetError(
            f"'joints' of '{folder / 'joints.mat'}' must be (3, 14, N) or (14, 3, N), but is {values.shape}."
        )
    extended = values.shape[0] == 14
    table = np.moveaxis(values, -1, 0) if extended else np.transpose(values, (2, 1, 0))
    flags = table[..., 2]
    labelled = (flags > 0) if extended else np.ones(flags.shape, dtype=bool)
    seen = labelled if extended else flags == 0
    # MATLAB counts from the middle of pixel 1.
    pixels = np.where(labelled[..., None], table[..., :2] - 0.5, np.nan)
    return pixels, np.asarray(seen)
