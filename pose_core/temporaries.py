"""Names of temporary files and folders that tell whose they are, so that leftovers of dead processes can be removed.

Only names of this pattern are ever removed: `.STEM.pose-core-MACHINE-PROCESS-RANDOM.SUFFIX`. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import shutil
import sys
import zlib
from functools import cache
from pathlib import Path

_LONGEST_STEM = 120
"""File names may have 255 bytes, and a letter up to four."""
_PATTERN = re.compile(r"^\..*\.pose-core-(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}(\.[^.]*)?$", re.DOTALL)


def temporary_beside(final: Path, suffix: str | None = None) -> Path:
    """A hidden name in the folder of a file to be, free to be used by this process; nothing is made.

    Args:
        final: what the file shall be called in the end.
        suffix: of the temporary name; None = the same, as some writers choose the format by it.
    """
    # a name of the user's may hold bytes that are no text, which Python shows as half letters
    stem = final.stem.encode("utf-8", "ignore")[:_LONGEST_STEM].decode("utf-8", "ignore")
    end = final.suffix if suffix is None else suffix
    return final.with_name(f".{stem}.pose-core-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}{end}")


def leftovers_of(folder: Path, process_id: int) -> list[Path]:
    """What a process of this machine left in a folder under temporary names."""
    return [path for path, process in _ours(folder) if process == process_id]


def remove_leftovers(folder: Path, process_id: int) -> None:
    """Remove what a process of this machine, which has ended, left in a folder."""
    for path in leftovers_of(folder, process_id):
        _remove(path)


def sweep(folder: Path) -> None:
    """Remove what dead processes of this machine left in a folder; what is of others or of live ones stays."""
    for path, process in _ours(folder):
        if not is_alive(process):
            _remove(path)


@cache
def sweep_once(folder: Path) -> None:
    """As `sweep`, at most once a process."""
    sweep(folder)


def is_alive(process_id: int) -> bool:
    """Whether a process of this machine is running."""
    if sys.platform == "win32":
        return _is_alive_on_windows(process_id)
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _is_alive_on_windows(process_id: int) -> bool:
    """`os.kill` would end it there."""
    import ctypes

    query, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(query, False, process_id)
    if not handle:
        return bool(kernel.GetLastError() == 5)  # access denied: it is there
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active


@cache
def _machine() -> str:
    """Eight digits that stand for this machine: on a shared disk the process numbers of others mean nothing."""
    return f"{zlib.crc32(platform.node().encode('utf-8', 'replace')):08x}"


def _ours(folder: Path) -> list[tuple[Path, int]]:
    try:
        found = [(path, _PATTERN.match(path.name)) for path in folder.iterdir()]
    except OSError:
        return []
    return [(path, int(match["process"])) for path, match in found if match and match["machine"] == _machine()]


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
