"""Saving and loading the state of a training run as plain arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pose_core.errors import MotionFileError


def save_checkpoint(path: Path, tensors: Mapping[str, Mapping[str, torch.Tensor]], facts: Mapping[str, Any]) -> None:
    """Write named groups of tensors and plain facts; the old file stays until the new one is complete."""
    arrays = {
        f"{group}/{name}": tensor.detach().cpu().numpy()
        for group, members in tensors.items()
        for name, tensor in members.items()
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, facts_json=np.array(json.dumps(dict(facts))), **arrays)
    temporary.replace(path)


def load_checkpoint(path: Path) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, Any]]:
    """Read what `save_checkpoint` wrote.

    Raises:
        MotionFileError: the file is absent or damaged.
    """
    groups: dict[str, dict[str, torch.Tensor]] = {}
    try:
        with np.load(path, allow_pickle=False) as data:
            facts = json.loads(str(data["facts_json"]))
            for key in data.files:
                group, _, name = key.partition("/")
                if name:
                    groups.setdefault(group, {})[name] = torch.from_numpy(np.array(data[key]))
    except (OSError, KeyError, ValueError) as error:
        raise MotionFileError(f"'{path}' is no checkpoint: {error}", "Start anew without --resume.") from error
    return groups, facts
