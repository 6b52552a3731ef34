"""The motion file, version 1: one person's solved motion with its evidence, as `NAME.motion.npz`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import MotionFileError, ShapeError
from pose_core.files import atomic_path, why_not_written
from pose_core.maths.rotations import quaternion_to_matrix
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS, Skeleton
from pose_core.types import BoolArray, FloatArray, check_shape, check_times
from pose_core.untrusted.arrays import is_npy, read_npz, require_kinds
from pose_core.untrusted.text import TextBounds, parse_json, shortened

FORMAT = "pose_core.motion"
VERSION = 1

# Forward kinematics of the stored rotations must give the stored joints; metres.
CONSISTENCY_TOLERANCE_M = 1e-6

_HINT = "Make it again with 'pose-core estimate'."
_TEXTS = ("joint_names", "keypoint_names", "source", "diagnostics_json")
_OPTIONAL_FLAGS = ("joint_seen",)
_DIAGNOSTICS = TextBounds(most_bytes=16 << 20, most_values=2_000_000)
_MOST_JOINTS = 10_000
_MOST_PIXELS = 1_000_000
_MOST_PEOPLE = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Motion:
    """One person's motion over a clip. Frames without a pose are NaN throughout."""

    joint_names: tuple[str, ...]
    """(J,) at least the joints of the canonical skeleton."""
    parents: tuple[int, ...]
    """(J,) index of the parent, -1 for the root (joint 0)."""
    timestamps_s: FloatArray
    """(T,) presentation times from the video."""
    rest_offsets_m: FloatArray
    """(J, 3) offset from the parent in the rest pose."""
    rotations_wxyz: FloatArray
    """(T, J, 4) local rotations."""
    root_translation_m: FloatArray
    """(T, 3) position of the root in the world."""
    joints_world_m: FloatArray
    """(T, J, 3) forward kinematics of the above."""
    joints_camera_m: FloatArray
    """(T, J, 3) the same joints in camera axes."""
    keypoint_names: tuple[str, ...]
    """(K,)"""
    keypoints_px: FloatArray
    """(T, K, 2) the 2D evidence, original pixels."""
    keypoint_confidence: FloatArray
    """(T, K) in [0, 1]."""
    reprojection_error_px: FloatArray
    """(T, K) distance of each keypoint from the projected motion; NaN where either is missing."""
    joint_sigma_m: FloatArray
    """(T, J) one standard deviation a coordinate, the root's in the world, the others' relative to the root; infinite
    in filled gaps, NaN without a pose."""
    contacts: FloatArray
    """(T, 4) left_heel, left_toe, right_heel, right_toe in [0, 1]."""
    camera_matrix: FloatArray
    """(3, 3) used or estimated intrinsics."""
    T_world_camera: FloatArray
    """(4, 4), or (T, 4, 4) for a moving camera."""
    image_size: tuple[int, int]
    """(width, height) of the upright video."""
    person_id: int
    source: str
    """File name of the video."""
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    joint_seen: BoolArray | None = None
    """(T, J) False where a joint lies outside of the picture, so that no pixel shows it; None = all are inside."""

    def __post_init__(self) -> None:
        sizes = {"J": len(self.joint_names), "K": len(self.keypoint_names)}
        shapes: dict[str, tuple[int | str, ...]] = {
            "timestamps_s": ("T",),
            "rest_offsets_m": ("J", 3),
            "rotations_wxyz": ("T", "J", 4),
            "root_translation_m": ("T", 3),
            "joints_world_m": ("T", "J", 3),
            "joints_camera_m": ("T", "J", 3),
            "keypoints_px": ("T", "K", 2),
            "keypoint_confidence": ("T", "K"),
            "reprojection_error_px": ("T", "K"),
            "joint_sigma_m": ("T", "J"),
            "contacts": ("T", len(CONTACT_JOINTS)),
            "camera_matrix": (3, 3),
        }
        for name, shape in shapes.items():
            check_shape(name, getattr(self, name), shape, sizes)
        check_shape(
            "T_world_camera", self.T_world_camera, ("T", 4, 4) if self.T_world_camera.ndim == 3 else (4, 4), sizes
        )
        if self.joint_seen is not None:
            check_shape("joint_seen", self.joint_seen, ("T", "J"), sizes)
        check_times("timestamps_s", self.timestamps_s)
        missing = [name for name in CANONICAL.names if name not in self.joint_names]
        if missing:
            raise ShapeError(
                f"A motion needs at least the canonical joints, but these are missing: {', '.join(missing)}."
            )
        _ = self.skeleton
        self._check_consistency()

    def _check_consistency(self) -> None:
        valid = self.valid
        if not np.any(valid):
            return
        joints, _ = self.skeleton.forward_kinematics(
            quaternion_to_matrix(self.rotations_wxyz[valid]), self.rest_offsets_m, self.root_translation_m[valid]
        )
        worst = float(np.max(np.abs(joints - self.joints_world_m[valid])))
        if not worst <= CONSISTENCY_TOLERANCE_M:
            raise ShapeError(
                f"Joints and rotations disagree by {worst:.2g} m; at most {CONSISTENCY_TOLERANCE_M:g} m is allowed."
            )

    @property
    def skeleton(self) -> Skeleton:
        """The joint tree."""
        return Skeleton(self.joint_names, self.parents)

    @property
    def valid(self) -> BoolArray:
        """(T,) frames that carry a pose."""
        # a sum is finite only if all of its terms are
        sums = np.sum(self.rotations_wxyz.reshape(len(self.timestamps_s), -1), axis=1)
        return np.asarray(np.isfinite(sums + np.sum(self.root_translation_m, axis=1)))

    @property
    def filled(self) -> BoolArray:
        """(T,) frames with a pose but without any evidence: guessed across a gap."""
        return np.asarray(self.valid & ~np.any(self.keypoint_confidence > 0, axis=1))

    @property
    def world_rotations(self) -> FloatArray:
        """(T, J, 3, 3) rotation of each joint's frame in the world; NaN without a pose."""
        out = np.full((*self.rotations_wxyz.shape[:2], 3, 3), np.nan)
        out[self.valid] = np.stack(self.rotations_by_joint(), axis=1)
        return out

    def rotations_by_joint(self) -> list[FloatArray]:
        """For each joint (n, 3, 3) rotation of its frame in the world, at the n frames with a pose."""
        local = np.ascontiguousarray(np.swapaxes(self.rotations_wxyz[self.valid], 0, 1))
        return self.skeleton.world_rotations(quaternion_to_matrix(local))

    @property
    def bone_lengths_m(self) -> FloatArray:
        """(J,) distance of each joint from its parent; 0 for the root."""
        return np.asarray(np.linalg.norm(self.rest_offsets_m, axis=1))


_ARRAYS = (
    "timestamps_s", "rest_offsets_m", "rotations_wxyz", "root_translation_m", "joints_world_m", "joints_camera_m",
    "keypoints_px", "keypoint_confidence", "reprojection_error_px", "joint_sigma_m", "contacts", "camera_matrix",
    "T_world_camera",
)  # fmt: skip


def write_motion(path: str | os.PathLike[str], motion: Motion) -> None:
    """Write a motion file; an existing one is replaced only once the new one is complete.

    Raises:
        MotionFileError: the folder or file cannot be written.
    """
    content: dict[str, Any] = {
        "format": np.array(FORMAT),
        "version": np.array(VERSION),
        "joint_names": np.array(motion.joint_names),
        "parents": np.array(motion.parents, dtype=np.int64),
        "keypoint_names": np.array(motion.keypoint_names),
        "image_size": np.array(motion.image_size, dtype=np.int64),
        "person_id": np.array(motion.person_id, dtype=np.int64),
        "source": np.array(motion.source),
        "diagnostics_json": np.array(json.dumps(motion.diagnostics)),
        **{name: getattr(motion, name) for name in _ARRAYS},
    }
    if motion.joint_seen is not None:
        content["joint_seen"] = motion.joint_seen
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **content)
    except OSError as error:
        raise MotionFileError(
            f"Cannot write motion file '{path}' ({why_not_written(error)}).", "Check the folder and the free space."
        ) from error


def read_motion(path: str | os.PathLike[str]) -> Motion:
    """Read and check a motion file.

    Raises:
        MotionFileError: not there, not a motion file, another version, a key missing, a bad shape,
            pickled content, or joints that disagree with the rotations.
    """
    name = Path(path)
    if not name.is_file():
        raise MotionFileError(f"There is no motion file '{name}'.", "Check the path.")
    if _is_bare(name):
        raise MotionFileError(f"'{name}' is a bare array, not a motion file.", _HINT)
    content = read_npz(name, "the motion file", MotionFileError, _HINT)
    _check_format(name, content)
    return _motion_from_content(name, content)


def _is_bare(path: Path) -> bool:
    try:
        return is_npy(path)
    except OSError:
        return False  # the reader says why


def _check_format(name: Path, content: Mapping[str, NDArray[Any]]) -> None:
    """Refuse what is no motion file of this version, or holds other things than numbers and texts where they belong."""
    known = shortened(content["format"]) if "format" in content else ""
    if known != FORMAT:
        raise MotionFileError(f"'{name}' is no motion file: its format is '{known}', not '{FORMAT}'.", _HINT)
    version = content.get("version")
    if version is None or version.shape or version.dtype.kind not in "iu" or int(version) != VERSION:
        raise MotionFileError(
            f"'{name}' has version {shortened(version, 80)}, but this program reads version {VERSION}.", _HINT
        )
    missing = sorted({*_TEXTS, *_ARRAYS, "parents", "person_id"} - set(content))
    if missing:
        raise MotionFileError(f"'{name}' lacks {', '.join(missing)}.", _HINT)
    kinds = {**dict.fromkeys(_TEXTS, "U"), **dict.fromkeys((*_ARRAYS, "parents", "image_size", "person_id"), "fiu"),
             **dict.fromkeys(_OPTIONAL_FLAGS, "b")}  # fmt: skip
    require_kinds(content, kinds, f"'{name}'", MotionFileError, _HINT)
    for key in ("person_id", "source", "diagnostics_json"):
        if content[key].shape:
            raise MotionFileError(f"In '{name}' '{key}' must be one value.", _HINT)


def _motion_from_content(name: Path, content: Mapping[str, NDArray[Any]]) -> Motion:
    diagnostics = parse_json(str(content["diagnostics_json"]), f"the diagnostics of '{name}'", MotionFileError, _HINT,
                             _DIAGNOSTICS)  # fmt: skip
    if not isinstance(diagnostics, dict):
        raise MotionFileError(f"In '{name}' the diagnostics must be a JSON object.", _HINT)
    try:
        camera = content["camera_matrix"]
        default_size = np.array([2 * float(camera[0, 2]), 2 * float(camera[1, 2])])
        return Motion(
            joint_names=tuple(str(n) for n in content["joint_names"]),
            parents=tuple(_whole_numbers(content["parents"], _MOST_JOINTS)),
            keypoint_names=tuple(str(n) for n in content["keypoint_names"]),
            image_size=_size(content.get("image_size", default_size)),
            person_id=_whole_numbers(content["person_id"].reshape(1), _MOST_PEOPLE)[0],
            source=str(content["source"]),
            diagnostics=diagnostics,
            joint_seen=content.get("joint_seen"),
            **{key: np.asarray(content[key], dtype=np.float64) for key in _ARRAYS},
        )
    except (ShapeError, ValueError, TypeError, IndexError) as error:
        raise MotionFileError(
            f"'{name}' does not hold what a motion file must hold: {shortened(error)}", _HINT
        ) from error


def _size(values: NDArray[Any]) -> tuple[int, int]:
    width, height = _whole_numbers(values, _MOST_PIXELS)
    if width < 1 or height < 1:
        raise ValueError(f"the picture's size is {width}x{height}")
    return width, height


def _whole_numbers(values: NDArray[Any], most: int) -> list[int]:
    if values.ndim != 1 or not np.all(np.abs(values) <= most):
        raise ValueError(f"whole numbers up to {most} were expected, but {shortened(values, 80)} came")
    return [round(float(value)) for value in values]
