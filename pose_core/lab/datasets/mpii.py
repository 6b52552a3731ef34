"""MPII Human Pose: `mpii_human_pose_v1_u12_1.mat`, or the common `annot/train.json`, and `images/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pose_core.errors import DatasetError
from pose_core.lab.datasets.crops import CropDataset, PersonTable, nothing_3d
from pose_core.lab.datasets.images import Picture
from pose_core.lab.datasets.joint_sets import MPII_16, to_h36m
from pose_core.lab.datasets.matlab import read_matlab
from pose_core.types import BoolArray, FloatArray

_JOINTS = 16
_UNIT_PX = 200.0  # a scale of 1 is a person 200 pixels tall
_MARGIN = 1.25
_MATLAB_NAME = "mpii_human_pose_v1_u12_1.mat"


@dataclass(frozen=True, eq=False)
class _Person:
    image: str
    joints_px: FloatArray
    """(16, 2), NaN where there is no label."""
    visible: BoolArray
    centre_px: FloatArray
    scale: float


def read_mpii(folder: Path, part: Literal["train", "valid"] = "train", size_px: int = 256) -> CropDataset:
    """Open the labelled people.

    Args:
        folder: the root, with `images/` and `annot/train.json`, `annot/valid.json` or the MATLAB file.
        part: which JSON file; the MATLAB file has one list of people to train with, all taken for "train".
        size_px: side of the crops.
    Raises:
        DatasetError: files are missing, damaged, or in another layout.
    """
    listed, matlab = folder / "annot" / f"{part}.json", folder / _MATLAB_NAME
    if listed.is_file():
        people = list(_from_json(listed))
    elif part == "train" and matlab.is_file():
        people = list(_from_matlab(matlab))
    else:
        raise DatasetError(
            f"'{folder}' has neither 'annot/{part}.json' nor '{_MATLAB_NAME}': it is no MPII in a known layout.",
            "Name the folder that holds 'images/'.",
        )
    if not people:
        raise DatasetError(f"'{folder}' has no person with joints.")
    count = len(people)
    joints_m, camera_matrix = nothing_3d(count)
    pixels = to_h36m(np.array([p.joints_px for p in people]), MPII_16)
    seen = to_h36m(np.array([p.visible for p in people], dtype=np.float64)[..., None], MPII_16)[..., 0] == 1.0
    return CropDataset(
        PersonTable(
            pictures=tuple(Picture(folder / "images" / p.image) for p in people),
            joints_px=pixels,
            visible=seen & np.isfinite(pixels).all(axis=-1),
            joints_m=joints_m,
            camera_matrix=camera_matrix,
            centre_px=np.array([p.centre_px for p in people]),
            side_px=np.array([p.scale for p in people]) * _UNIT_PX * _MARGIN,
            subject_names=("unknown",) * count,
            action_names=("unknown",) * count,
            look_names=("wild",) * count,
        ),
        size_px,
    )


def _from_json(path: Path) -> Iterator[_Person]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for person in content:
            joints = np.array(person["joints"], dtype=np.float64).reshape(_JOINTS, 2)
            seen = np.array(person["joints_vis"], dtype=np.float64).reshape(_JOINTS) > 0
            labelled = seen & np.all(joints > 0, axis=1)
            # MATLAB counts from the middle of pixel 1.
            joints = np.where(labelled[:, None], joints - 0.5, np.nan)
            if labelled.any():
                centre = np.array(person["center"], dtype=np.float64).reshape(2) - 0.5
                yield _Person(str(person["image"]), joints, labelled, centre, float(person["scale"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"'{path}' is damaged or in another layout: {error}") from error


def _from_matlab(path: Path) -> Iterator[_Person]:
    release = read_matlab(path, ("RELEASE",))["RELEASE"]
    try:
        for entry, is_train in zip(np.atleast_1d(release.annolist), np.atleast_1d(release.img_train), strict=True):
            if not is_train:
                continue
            for person in np.atleast_1d(entry.annorect):
                points = getattr(getattr(person, "annopoints", None), "point", None)
                if points is None or not hasattr(person, "objpos"):
                    continue
                yield _matlab_person(str(entry.image.name), person, np.atleast_1d(points))
    except (AttributeError, TypeError, ValueError) as error:
        raise DatasetError(f"'{path}' is damaged or in another layout: {error}") from error


def _matlab_person(image: str, person: Any, points: Any) -> _Person:
    joints, seen = np.full((_JOINTS, 2), np.nan), np.zeros(_JOINTS, dtype=bool)
    for point in points:
        j = int(point.id)
        joints[j] = float(point.x) - 0.5, float(point.y) - 0.5
        # An empty entry means the head's joints, which are always in sight.
        is_visible = np.ravel(np.asarray(getattr(point, "is_visible", 1)))
        seen[j] = bool(int(is_visible[0])) if is_visible.size else True
    centre = np.array([float(person.objpos.x), float(person.objpos.y)]) - 0.5
    return _Person(image, joints, seen, centre, float(person.scale))
