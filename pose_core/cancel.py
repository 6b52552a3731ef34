"""A look at whether the user wants to stop, for loops that may run long without giving anything."""

from __future__ import annotations

from pose_core.errors import CancelledError
from pose_core.types import CancelCallback


def stop_if(cancel: CancelCallback | None) -> None:
    """Raise where the user wants to stop.

    Raises:
        CancelledError: `cancel` said so.
    """
    if cancel is not None and cancel():
        raise CancelledError("The job was cancelled.")
