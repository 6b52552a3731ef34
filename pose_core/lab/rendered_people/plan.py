"""Which shards a data set has; the same options always give the same plan."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_core.errors import DatasetError
from pose_core.lab.datasets.layout import (
    DATASET_FILE,
    FORMAT_VERSION,
    LABELS_FILE,
    LOOKS,
    SPLITS,
    SPLITS_FILE,
    read_json,
    shard_name,
    write_json,
)

# A set of any size has about these shares; a longer one only goes on.
_SPLIT_CYCLE = (
    "train", "wild_train", "test", "wild_test", "validation", "train", "train", "wild_train", "train", "test",
    "train", "wild_train", "train", "wild_test", "train", "train", "wild_train", "train", "test", "train",
)  # fmt: skip


@dataclass(frozen=True)
class Shard:
    """One person in one look."""

    number: int
    split: str
    count: int

    @property
    def look(self) -> str:
        """The kind of place and camera."""
        return "wild" if self.split.startswith("wild") else "lab"

    @property
    def subject(self) -> str:
        """The person; every shard has its own, so that nobody is in two splits."""
        return f"person_{self.number:05d}"


@dataclass(frozen=True)
class Plan:
    """The options a data set is made with."""

    count: int
    size_px: int
    seed: int
    look: str
    """One of `LOOKS`, or "both"."""
    shard_size: int
    mocap: str
    backgrounds: str = ""

    def shards(self) -> list[Shard]:
        """All shards, in order."""
        cycle = [s for s in _SPLIT_CYCLE if self.look == "both" or s.startswith("wild") == (self.look == "wild")]
        full, rest = divmod(self.count, self.shard_size)
        counts = [self.shard_size] * full + ([rest] if rest else [])
        return [Shard(i, cycle[i % len(cycle)], count) for i, count in enumerate(counts)]


def write_plan(plan: Plan, folder: Path) -> None:
    """Put a set's description into its folder.

    Raises:
        DatasetError: the folder holds a set that was made with other options, or something else.
    """
    described = _described(plan)
    path = folder / DATASET_FILE
    if path.exists():
        there = read_json(path)
        differing = sorted(k for k in _FIXED if there.get(k) != described[k])
        if differing:
            raise DatasetError(
                f"'{folder}' holds a data set that was made with another {', '.join(differing)}.",
                "Name another folder, or the options in its dataset.json.",
            )
        before = int(there.get("count", 0))
        if before > plan.count:
            raise DatasetError(
                f"'{folder}' is planned for {there['count']} pictures, more than the {plan.count} asked for.",
                "Name another folder, or at least as many pictures.",
            )
        if before < plan.count and before % plan.shard_size:
            # The last shard was a short one: it is rendered anew at its full length.
            (folder / shard_name(before // plan.shard_size) / LABELS_FILE).unlink(missing_ok=True)
    elif folder.exists() and any(folder.iterdir()):
        raise DatasetError(f"'{folder}' is not empty and holds no data set.", "Name a new folder.")
    write_json(path, described)


def finished(folder: Path, shard: Shard) -> bool:
    """Whether a shard has been rendered to its end."""
    return (folder / shard_name(shard.number) / LABELS_FILE).is_file()


def write_splits(plan: Plan, folder: Path) -> None:
    """List the shards of each split; all of them must be finished."""
    splits: dict[str, list[str]] = {split: [] for split in SPLITS}
    for shard in plan.shards():
        splits[shard.split].append(shard_name(shard.number))
    write_json(folder / SPLITS_FILE, splits)


# What must not change when a set is gone on with. The places of files may.
_FIXED = ("format_version", "size_px", "seed", "look", "shard_size")


def _described(plan: Plan) -> dict[str, Any]:
    kept = {k: v for k, v in dataclasses.asdict(plan).items() if k not in ("mocap", "backgrounds")}
    return {"format_version": FORMAT_VERSION, **kept, "looks": list(LOOKS) if plan.look == "both" else [plan.look]}
