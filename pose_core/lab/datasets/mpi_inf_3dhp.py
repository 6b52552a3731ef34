"""MPI-INF-3DHP's training set: `S1/Seq1/annot.mat` with pictures in `imageSequence/`.

The pictures of camera 0 are `imageSequence/video_0/img_000001.jpg` ..., or the video `imageSequence/video_0.avi`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pose_core.errors import DatasetError
from pose_core.lab.datasets.crops import CropDataset, PersonTable, square_around
from pose_core.lab.datasets.images import Picture
from pose_core.lab.datasets.joint_sets import MPI_INF_3DHP_28, to_h36m
from pose_core.lab.datasets.matlab import read_matlab
from pose_core.types import FloatArray

_JOINTS = 28
_MM = 1e-3
TRAINING_SUBJECTS = tuple(range(1, 9))
CHEST_HEIGHT_CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
"""Cameras at eye and chest height, the ones that are usually trained with."""


def read_mpi_inf_3dhp(
    folder: Path,
    subjects: Sequence[int] = TRAINING_SUBJECTS,
    cameras: Sequence[int] = CHEST_HEIGHT_CAMERAS,
    size_px: int = 256,
    every: int = 1,
) -> CropDataset:
    """Open subjects of the training set.

    Args:
        folder: the root, with folders `S1` ...
        subjects: their numbers; all must be there.
        cameras: their numbers from 0.
        size_px: side of the crops.
        every: takes one of so many frames.
    Raises:
        DatasetError: files are missing, damaged, or in another layout.
    """
    pictures: list[Picture] = []
    pixels, points, matrices, names = [], [], [], []
    for subject in subjects:
        sequences = sorted((folder / f"S{subject}").glob("Seq*"))
        if not sequences:
            raise DatasetError(f"'{folder}' has no 'S{subject}/Seq1': it is no MPI-INF-3DHP training set.")
        for sequence in sequences:
            content = read_matlab(sequence / "annot.mat", ("annot2", "annot3"))
            for camera in cameras:
                xy = _of_camera(sequence, content["annot2"], camera, 2)
                xyz = _of_camera(sequence, content["annot3"], camera, 3) * _MM
                if len(xy) != len(xyz):
                    raise DatasetError(f"'{sequence / 'annot.mat'}' has {len(xy)} frames in 2D but {len(xyz)} in 3D.")
                frames = np.arange(0, len(xy), every)
                pictures += _pictures(sequence, camera, frames)
                pixels.append(to_h36m(xy[frames], MPI_INF_3DHP_28))
                points.append(to_h36m(xyz[frames], MPI_INF_3DHP_28))
                matrices.append(np.broadcast_to(_camera_matrix(xy, xyz), (len(frames), 3, 3)))
                names += [(f"S{subject}", sequence.name)] * len(frames)
    xy = np.concatenate(pixels)
    centre, side = square_around(xy)
    return CropDataset(
        PersonTable(
            pictures=tuple(pictures),
            joints_px=xy,
            visible=np.asarray(np.isfinite(xy).all(axis=-1)),
            joints_m=np.concatenate(points),
            camera_matrix=np.concatenate(matrices),
            centre_px=centre,
            side_px=side,
            subject_names=tuple(name for name, _ in names),
            action_names=tuple(name for _, name in names),
            look_names=("studio",) * len(names),
        ),
        size_px,
    )


def _of_camera(sequence: Path, cells: object, camera: int, axes: int) -> FloatArray:
    """(T, 28, axes) of one camera; the cells are (T, 28 * axes) one a camera."""
    flat = np.ravel(np.asarray(cells, dtype=object)) if np.asarray(cells).dtype == object else None
    if flat is None or camera >= len(flat):
        raise DatasetError(
            f"'{sequence / 'annot.mat'}' has no labels for camera {camera}.",
            "Name fewer cameras, or the whole data set.",
        )
    values = np.asarray(flat[camera], dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != _JOINTS * axes:
        raise DatasetError(
            f"'{sequence / 'annot.mat'}' should have {_JOINTS * axes} columns a camera, but has shape {values.shape}."
        )
    if not np.all(np.isfinite(values)):
        raise DatasetError(f"'{sequence / 'annot.mat'}' has NaN among the labels of camera {camera}.")
    return values.reshape(-1, _JOINTS, axes)


def _camera_matrix(xy: FloatArray, xyz: FloatArray) -> FloatArray:
    """(3, 3) intrinsics that project the 3D labels to the 2D ones, by least squares."""
    K = np.eye(3)
    for axis in range(2):
        ratio = (xyz[..., axis] / xyz[..., 2]).ravel()
        K[axis, [axis, 2]] = np.linalg.lstsq(np.stack([ratio, np.ones_like(ratio)], axis=1), xy[..., axis].ravel())[0]
    return K


def _pictures(sequence: Path, camera: int, frames: Sequence[int] | np.ndarray) -> list[Picture]:
    base = sequence / "imageSequence" / f"video_{camera}"
    if base.is_dir():
        return [Picture(base / f"img_{int(f) + 1:06d}.jpg") for f in frames]
    return [Picture(base.with_suffix(".avi"), int(f)) for f in frames]
