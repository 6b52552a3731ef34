"""What a network takes and gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a network."""

    name: str
    shape: tuple[int | None, ...]
    """None where the size is free."""
    dtype: str
    """numpy's name of the element type."""
