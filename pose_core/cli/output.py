"""What the command prints: one JSON document for machines, or text for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from pose_core.worker.protocol import plain


class Output:
    """Where a command's results and errors go.

    Args:
        as_json: one JSON document on standard output instead of text.
        stream: standard output, or what stands for it.
    """

    def __init__(self, as_json: bool, stream: TextIO) -> None:
        self.as_json = as_json
        self._stream = stream

    def document(self, data: Mapping[str, Any]) -> None:
        """Print the one JSON document of a run."""
        self._print(json.dumps(plain(data), indent=2, allow_nan=False))

    def text(self, text: str) -> None:
        """Print a line for people."""
        self._print(text)

    def fields(self, rows: Mapping[str, object]) -> None:
        """Print names and values as two columns."""
        width = max(map(len, rows), default=0)
        for name, value in rows.items():
            self._print(f"{name:<{width}}  {value}")

    def table(self, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """Print a table with aligned columns, the last one free."""
        lines = [header, *rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
        for line in lines:
            self._print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())

    def error(self, message: str, hint: str, code: str, exit_code: int) -> None:
        """Tell of a failure: text on standard error, or the JSON document."""
        if self.as_json:
            error = {"code": code, "message": message, "hint": hint}
            self.document({"ok": False, "exit_code": int(exit_code), "error": error})
        else:
            print(f"pose-core: {message}", file=sys.stderr)
            if hint:
                print(f"  {hint}", file=sys.stderr)

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


@contextmanager
def opened_output(as_json: bool) -> Iterator[Output]:
    """Give the output of a run.

    For JSON, file descriptor 1 leads to standard error meanwhile, so that nothing a native library prints gets
    between the braces.
    """
    if not as_json:
        if hasattr(sys.stdout, "reconfigure"):  # names may hold what a terminal's encoding has no letters for
            sys.stdout.reconfigure(errors="backslashreplace")
        yield Output(False, sys.stdout)
        return
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(saved), "w", encoding="utf-8", newline="\n") as stream:
            yield Output(True, stream)
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)
