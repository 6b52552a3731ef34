"""Ctrl-C that is not lost: Blender turns an interrupt inside its own operators into an error like any other."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from types import FrameType

STOPPED = 130
"""Exit code of a batch that Ctrl-C ended."""


@dataclass
class _Requested:
    at_all: bool = False


_requested = _Requested()


def listen() -> None:
    """Take Ctrl-C from Blender: the first ends what runs in good order, a second ends the process at once."""
    signal.signal(signal.SIGINT, _on_interrupt)


def raise_if_stopped() -> None:
    """Go on with a Ctrl-C that came meanwhile and was taken for a failure.

    Raises:
        KeyboardInterrupt: there was one.
    """
    if _requested.at_all:
        raise KeyboardInterrupt


def _on_interrupt(_number: int, _frame: FrameType | None) -> None:
    if _requested.at_all:
        os._exit(STOPPED)
    _requested.at_all = True
    raise KeyboardInterrupt
