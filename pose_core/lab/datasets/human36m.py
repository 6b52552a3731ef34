"""Human3.6M in the layouts that users have it in.

`annotations/Human36M_subject1_data.json`, `..._camera.json`, `..._joint_3d.json` and `images/`: the layout of the
common JSON conversion. `S1/annotations.npz` and the pictures below `S1/`: plain arrays without Python objects, with
`image` (N) paths below the subject's folder, `action` (N), `joints_camera_mm` (N, 17 or 32, 3) and
`camera_matrix` (N, 3, 3).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pose_core.errors import ConfigError, DatasetError
from pose_core.lab.datasets.crops import CropDataset, PersonTable, square_around
from pose_core.lab.datasets.images import Picture
from pose_core.lab.datasets.joint_sets import H36M_32, to_h36m
from pose_core.maths.cameras import project_points
from pose_core.skeletons.h36m import H36M
from pose_core.types import FloatArray

TRAINING_SUBJECTS = {1: (1, 5, 6, 7, 8), 2: (1, 5, 6, 7, 8, 9)}
"""By protocol. Source: Ionescu et al. 2014; Bogo et al. 2016 and others for protocol 2 (one more subject trains)."""
TEST_SUBJECTS = {1: (9, 11), 2: (11,)}
EVERY_FRAME = {1: 5, 2: 64}
"""Every how many frames a protocol takes one of the videos of 50 frames/s."""

_MM = 1e-3


def read_human36m(
    folder: Path, part: Literal["train", "test"], protocol: int = 1, size_px: int = 256, every: int = 1
) -> CropDataset:
    """Open the subjects of one side of a protocol's split.

    Args:
        folder: the root, in one of the layouts above.
        part: which side of the split.
        protocol: 1 or 2.
        size_px: side of the crops.
        every: takes one of so many pictures of the list; `EVERY_FRAME` has the protocols' own.
    Raises:
        DatasetError: files are missing, damaged, or in another layout.
        ConfigError: there is no such protocol.
    """
    if protocol not in TRAINING_SUBJECTS or part not in ("train", "test"):
        raise ConfigError(f"There is no part '{part}' of protocol {protocol}.", "Use train or test, protocol 1 or 2.")
    subjects = (TRAINING_SUBJECTS if part == "train" else TEST_SUBJECTS)[protocol]
    rows: list[_Row] = []
    for subject in subjects:
        if (folder / "annotations").is_dir():
            rows += _from_json(folder, subject)
        elif (folder / f"S{subject}").is_dir():
            rows += _from_arrays(folder / f"S{subject}", subject)
        else:
            raise DatasetError(
                f"'{folder}' has neither 'annotations/' nor 'S{subject}/': it is no Human3.6M in a known layout.",
                "Name the root folder; pose_core/lab/datasets/human36m.py describes the layouts.",
            )
    return CropDataset(_table(rows[::every]), size_px)


_Row = tuple[Path, str, str, FloatArray, FloatArray]
"""Picture, subject, action, joints (17, 3) in metres of the camera, camera matrix."""


def _table(rows: Sequence[_Row]) -> PersonTable:
    if not rows:
        raise DatasetError("The annotations name no picture.")
    joints = np.array([row[3] for row in rows])
    matrices = np.array([row[4] for row in rows])
    bad = ~np.isfinite(joints).all(axis=(1, 2)) | ~np.isfinite(matrices).all(axis=(1, 2))
    if np.any(bad):
        raise DatasetError(f"The labels of '{rows[int(np.argmax(bad))][0]}' have NaN.", "Leave that picture out.")
    pixels = np.array([project_points(j, K) for j, K in zip(joints, matrices, strict=True)])
    centre, side = square_around(pixels)
    return PersonTable(
        pictures=tuple(Picture(row[0]) for row in rows),
        joints_px=pixels,
        visible=np.isfinite(pixels).all(axis=-1),
        joints_m=joints,
        camera_matrix=matrices,
        centre_px=centre,
        side_px=side,
        subject_names=tuple(row[1] for row in rows),
        action_names=tuple(row[2] for row in rows),
        look_names=("studio",) * len(rows),
    )


def _from_json(folder: Path, subject: int) -> list[_Row]:
    base = folder / "annotations" / f"Human36M_subject{subject}"
    data, cameras, joints = (_json(base.with_name(f"{base.name}_{n}.json")) for n in ("data", "camera", "joint_3d"))
    rows: list[_Row] = []
    try:
        for image in data["images"]:
            camera = cameras[str(image["cam_idx"])]
            world = joints[str(image["action_idx"])][str(image["subaction_idx"])][str(image["frame_idx"])]
            R, t = np.array(camera["R"], dtype=float), np.array(camera["t"], dtype=float).reshape(3)
            (fx, fy), (cx, cy) = camera["f"], camera["c"]
            K = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
            points = (np.array(world, dtype=float).reshape(len(H36M), 3) @ R.T + t) * _MM
            action = str(image.get("action_name", image["action_idx"]))
            rows.append((folder / "images" / str(image["file_name"]), f"S{subject}", action, points, K))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"The annotations of subject {subject} in '{base.parent}' lack or damage {error}."
        ) from error
    return rows


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"'{path}' is missing.", "All subjects of the split are needed.") from error
    except ValueError as error:
        raise DatasetError(f"'{path}' is damaged: {error}") from error


def _from_arrays(folder: Path, subject: int) -> list[_Row]:
    path = folder / "annotations.npz"
    try:
        with np.load(path, allow_pickle=False) as data:
            images, actions, joints, K = (data[n] for n in ("image", "action", "joints_camera_mm", "camera_matrix"))
    except FileNotFoundError as error:
        raise DatasetError(f"'{path}' is missing.", "All subjects of the split are needed.") from error
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        hint = (
            "Archives with Python objects are not read; store plain arrays instead." if "pickle" in str(error) else ""
        )
        raise DatasetError(f"'{path}' is damaged or in another layout: {error}", hint) from error
    if joints.ndim != 3 or joints.shape[1:] not in ((17, 3), (32, 3)) or not len(images) == len(joints) == len(K):
        raise DatasetError(f"'joints_camera_mm' of '{path}' must be (N, 17 or 32, 3), but is {joints.shape}.")
    points = (to_h36m(joints, H36M_32) if joints.shape[1] == 32 else joints) * _MM
    return [
        (folder / str(image), f"S{subject}", str(action), point, np.asarray(matrix, dtype=np.float64))
        for image, action, point, matrix in zip(images, actions, points, K, strict=True)
    ]
