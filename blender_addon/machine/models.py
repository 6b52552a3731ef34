"""Which pose models can be chosen: the default one, and what else lies on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pose_core.config import TrackConfig
from pose_core.runtime.catalogue import DETECTOR_KINDS, ModelEntry
from pose_core.runtime.description import KIND
from pose_core.runtime.store import ModelStatus

DEFAULT = TrackConfig().model
EXPERIMENTAL = "experimental"


@dataclass(frozen=True)
class ModelChoice:
    """A model as it is offered."""

    name: str
    label: str
    about: str
    here: bool = True
    """Whether all its files are on this machine and as they should be."""


def model_choices(models: Iterable[ModelStatus], chosen: str) -> tuple[ModelChoice, ...]:
    """What to offer: the default first, then other models that find keypoints and are here, and the chosen one anyway.

    Args:
        models: all that are known.
        chosen: name of the chosen one, which another machine may have had.
    """
    found = [
        _choice(status)
        for status in models
        if status.entry.kind not in DETECTOR_KINDS
        and (status.state == "ready" or status.entry.name in (DEFAULT, chosen))
    ]
    found.sort(key=lambda choice: choice.name != DEFAULT)
    if chosen not in {choice.name for choice in found}:
        found.append(ModelChoice(chosen, f"{chosen} (unknown)", "This machine has no model of that name.", here=False))
    return tuple(found)


def _choice(status: ModelStatus) -> ModelChoice:
    entry, here = status.entry, status.state == "ready"
    label = entry.title.partition(":")[0]
    if is_experimental(entry) and EXPERIMENTAL not in label.lower():
        label = f"{label} ({EXPERIMENTAL})"
    if not here:
        label = f"{label} ({status.state})"
    return ModelChoice(entry.name, label, f"{entry.title}. Name: {entry.name}. Licence: {entry.licence}", here)


def is_experimental(entry: ModelEntry) -> bool:
    """Whether a model gives joints in 3D right away: such networks have seen made-up people only."""
    return entry.kind == KIND
