"""Keep what native libraries print out of the user's sight, and keep it for the diagnostics."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR_FD = 2
_lock = threading.RLock()


class CapturedText:
    """What was printed, filled in when the capture ends."""

    def __init__(self) -> None:
        self.text = ""


@contextmanager
def captured_stderr() -> Iterator[CapturedText]:
    """Redirect the process's standard error (native code included) into a text.

    Only for the short moments in which a runtime is loaded: other threads that write meanwhile are captured too.
    A process without a standard error (a windowed program) is left as it is.

    Returns:
        A context whose `text` holds the output once the block is left.
    """
    captured = CapturedText()
    with _lock:
        try:
            saved = os.dup(_STDERR_FD)
        except OSError:
            yield captured
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        with tempfile.TemporaryFile() as target:
            os.dup2(target.fileno(), _STDERR_FD)
            try:
                yield captured
            finally:
                if sys.stderr is not None:
                    sys.stderr.flush()
                os.dup2(saved, _STDERR_FD)
                os.close(saved)
                target.seek(0)
                captured.text = target.read().decode("utf-8", errors="replace")
