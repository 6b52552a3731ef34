"""The mean of two networks of which one went on from the other: much of what it learned, little of what it forgot."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pose_core.errors import ModelError
from pose_core.lab.train.common.checkpoint import load_checkpoint, save_checkpoint

HEADS = ("contacts.", "extras.")
"""Parameters of the answers that can be trained alone; a mean leaves them as they are."""


def mix_weights(
    own: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """`own` with a share of `other` in joints and sigma.

    Raises:
        ModelError: the networks differ in shape, or the share is not in [0, 1].
    Source: Wortsman et al. 2022 (robust fine-tuning by means of weights).
    """
    shared = [name for name in own if not name.startswith(HEADS)]
    if not 0.0 <= share <= 1.0 or any(name not in other or other[name].shape != own[name].shape for name in shared):
        raise ModelError(
            f"A share of {share:g} of that network cannot be mixed in.",
            "Mix networks of one shape of which one went on from the other, with a share from 0 to 1.",
        )
    return {name: torch.lerp(own[name], other[name], share) if name in shared else own[name] for name in own}


def mix_checkpoints(path: Path, other: Path, share: float) -> dict[str, Any]:
    """Mix a share of another checkpoint's averaged network into that of `path`; the file changes.

    Returns:
        What is known of the other network, which is kept in the file as well.
    """
    groups, facts = load_checkpoint(path)
    theirs, their_facts = load_checkpoint(other)
    mixed = mix_weights(groups["mean"], theirs["mean"], share)
    note = {
        "share": share,
        "steps": their_facts["step"],
        "minutes": their_facts["spent_s"] / 60,
        "seed": their_facts["settings"]["seed"],
        "started_from": their_facts["settings"]["started_from"],
        "sha256": hashlib.sha256(other.read_bytes()).hexdigest(),
    }
    save_checkpoint(path, {"network": mixed, "mean": mixed}, {**facts, "mixed_in": note})
    return note
