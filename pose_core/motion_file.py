"""The motion file, version 1: one person's solved motion with its evidence, as `NAME.motion.npz`."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pose_core.errors import MotionFileError, ShapeError
from pose_core.files import atomic_path
from pose_core.maths.rotations import quaternion_to_matrix
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS, Skeleton
from pose_core.types import BoolArray, FloatArray, check_shape, check_times

FORMAT = "pose_core.motion"
VERSION = 1

# Forward kinematics of the stored rotations must give the stored joints; metres.
CONSISTENCY_TOLERANCE_M = 1e-6


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
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **content)
    except OSError as error:
        raise MotionFileError(
            f"Cannot write motion file '{path}' ({error.strerror or error}).", "Check the folder and the free space."
        ) from error


def read_motion(path: str | os.PathLike[str]) -> Motion:
    """Read and check a motion file.

    Raises:
        MotionFileError: not there, not a motion file, another version, a key missing, a bad shape,
            pickled content, or joints that disagree with the rotations.
    """
    name = Path(path)
    hint = "Make it again with 'pose-core estimate'."
    if not name.is_file():
        raise MotionFileError(f"There is no motion file '{name}'.", "Check the path.")
    try:
        loaded = np.load(name, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise MotionFileError(f"'{name}' is a bare array, not a motion file.", hint)
        with loaded:
            content = {key: loaded[key] for key in loaded.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        if "pickle" in str(error).lower():
            raise MotionFileError(
                f"'{name}' is no plain motion file: it holds pickled objects, which are never loaded.", hint
            ) from error
        raise MotionFileError(f"'{name}' is damaged or no motion file ({error}).", hint) from error
    return _motion_from_content(name, content, hint)


def _motion_from_content(name: Path, content: dict[str, Any], hint: str) -> Motion:
    if str(content.get("format", "")) != FORMAT:
        raise MotionFileError(
            f"'{name}' is no motion file: its format is '{content.get('format', '')}', not '{FORMAT}'.", hint
        )
    if content.get("version") != VERSION:
        raise MotionFileError(
            f"'{name}' has version {content.get('version')}, but this program reads version {VERSION}.", hint
        )
    needed = {"joint_names", "parents", "keypoint_names", "person_id", "source", "diagnostics_json", *_ARRAYS}
    missing = sorted(needed - set(content))
    if missing:
        raise MotionFileError(f"'{name}' lacks {', '.join(missing)}.", hint)
    not_numbers = [key for key in (*_ARRAYS, "parents") if content[key].dtype.kind not in "fiu"]
    if not_numbers:
        raise MotionFileError(f"In '{name}' {', '.join(not_numbers)} must be numbers.", hint)
    try:
        camera = content["camera_matrix"]
        default_size = [round(2 * float(camera[0, 2])), round(2 * float(camera[1, 2]))]
        width, height = (int(v) for v in content.get("image_size", default_size))
        return Motion(
            joint_names=tuple(str(n) for n in content["joint_names"]),
            parents=tuple(int(p) for p in content["parents"]),
            keypoint_names=tuple(str(n) for n in content["keypoint_names"]),
            image_size=(width, height),
            person_id=int(content["person_id"]),
            source=str(content["source"]),
            diagnostics=json.loads(str(content["diagnostics_json"])),
            **{key: np.asarray(content[key], dtype=np.float64) for key in _ARRAYS},
        )
    except (ShapeError, ValueError, TypeError, IndexError) as error:
        raise MotionFileError(f"'{name}' does not hold what a motion file must hold: {error}", hint) from error
