"""All motion capture in a folder, whatever its form."""

from __future__ import annotations

from pathlib import Path

from pose_core.errors import InsufficientDataError
from pose_core.lab.datasets.bvh import read_bvh_folder
from pose_core.lab.datasets.mocap import MocapSet, join_sets, read_mocap


def read_folder(folder: Path) -> MocapSet:
    """Read the `.npz` archives in a folder and the `.bvh` files in it and below it.

    Folders below are not searched for archives, so that recordings kept apart for measuring stay apart.

    Args:
        folder: where to look; BVH files in a subfolder count as one subject by that folder's name.
    Raises:
        InsufficientDataError: there is nothing.
        MotionFileError: a file cannot be read.
    """
    parts = []
    archives = sorted(folder.glob("*.npz"))
    if archives:
        parts.append(read_mocap(archives))
    recordings = sorted(folder.rglob("*.bvh"))
    if recordings:
        parts.append(read_bvh_folder(recordings))
    if not parts:
        raise InsufficientDataError(
            f"There is no motion capture in '{folder}'.", "Name a folder with .npz archives or .bvh files."
        )
    return join_sets(parts)
