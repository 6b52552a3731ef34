"""Whether a file is what it should be, without reading it in full every time."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from pose_core.errors import ModelError
from pose_core.files import write_text
from pose_core.untrusted.text import read_json

_CHUNK = 1 << 20


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, lower-case hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class HashBook:
    """Remembers the hashes of files by their size and time of change.

    Args:
        path: where to keep them (JSON); a damaged or unwritable book only costs time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[int | str]] | None = None

    def sha256(self, path: Path, *, anew: bool = False) -> str:
        """Hash of a file, read in full only if it has changed since, or `anew` asks for it."""
        status = path.stat()
        key, mark = str(path.absolute()), [status.st_size, status.st_mtime_ns]
        known = self._load().get(key)
        if not anew and known is not None and known[:2] == mark and isinstance(known[2], str):
            return known[2]
        digest = file_sha256(path)
        self._load()[key] = [*mark, digest]
        self._save()
        return digest

    def _load(self) -> dict[str, list[int | str]]:
        if self._known is None:
            try:
                data = read_json(self._path, "the hashes", ModelError)
            except (FileNotFoundError, ModelError):
                data = {}
            good = isinstance(data, dict) and all(isinstance(v, list) and len(v) == 3 for v in data.values())
            self._known = data if good else {}
        return self._known

    def _save(self) -> None:
        with contextlib.suppress(OSError):  # a read-only cache: the hash is computed again next time
            write_text(self._path, json.dumps(self._known))
