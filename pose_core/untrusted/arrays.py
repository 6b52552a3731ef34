"""NumPy files that nobody vouches for: sizes known before reading, plain numbers and texts only.

Headers are read by a strict pattern instead of Python's parser, and nothing is ever unpickled.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pose_core.untrusted.archive import UNZIP_ERRORS
from pose_core.untrusted.text import ErrorKind, shortened

_MAGIC = b"\x93NUMPY"
_MOST_HEADER_BYTES = 4096
_MOST_AXES = 8
_LAST_CODE_POINT = 0x10FFFF
_HEADER = re.compile(
    r" *\{ *'descr': *'(?P<descr>[<>|=][biufcU]\d{1,9})', *'fortran_order': *(?P<order>True|False), *"
    r"'shape': *\((?P<shape>(?:\d{1,18}, *)*(?:\d{1,18})?)\) *,? *\} *\n?"
)
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class ArrayBounds:
    """How much a NumPy file may hold."""

    most_file_bytes: int = 512 << 20
    most_unpacked_bytes: int = 512 << 20
    """All members together, as the archive's directory states them."""
    most_members: int = 64


BOUNDS = ArrayBounds()


class _FaultError(Exception):
    """What is wrong with the file, in words."""


def read_npz(
    path: str | os.PathLike[str], what: str, error: ErrorKind, hint: str = "", bounds: ArrayBounds = BOUNDS
) -> dict[str, NDArray[Any]]:
    """Read all arrays of a `.npz` file.

    Args:
        path: the file.
        what: what it is, for messages: `the motion file`.
        error: class of the error to raise.
        hint: what the user can try.
        bounds: how much it may hold.
    Returns:
        Arrays of numbers, truth values or texts by name.
    Raises:
        PoseCoreError: of the given class; whatever is wrong with the file.
    """
    try:
        _check_file(Path(path), bounds)
        with zipfile.ZipFile(path) as archive:
            return {
                info.filename.removesuffix(".npy"): _read_member(archive, info)
                for info in _checked_members(archive, bounds)
            }
    except (_FaultError, MemoryError, *UNZIP_ERRORS) as problem:
        raise error(f"Cannot read {what} '{path}' ({_reason(problem)}).", hint) from problem


def read_npy(
    path: str | os.PathLike[str], what: str, error: ErrorKind, hint: str = "", bounds: ArrayBounds = BOUNDS
) -> NDArray[Any]:
    """Read the one array of a `.npy` file; as `read_npz`."""
    try:
        size = _check_file(Path(path), bounds)
        with Path(path).open("rb") as file:
            return _read_array(file, size)
    except (_FaultError, MemoryError, *UNZIP_ERRORS) as problem:
        raise error(f"Cannot read {what} '{path}' ({_reason(problem)}).", hint) from problem


def is_npy(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins like a `.npy` file.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _reason(problem: BaseException) -> str:
    if isinstance(problem, MemoryError):
        return "there is not enough memory for it"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return f"it is damaged: {shortened(problem)}" if not isinstance(problem, _FaultError) else str(problem)


def _check_file(path: Path, bounds: ArrayBounds) -> int:
    if path.exists() and not path.is_file():
        raise _FaultError("it is no file")
    size = path.stat().st_size
    if size > bounds.most_file_bytes:
        raise _FaultError(f"it has {size} bytes, at most {bounds.most_file_bytes} are allowed")
    return size


def _checked_members(archive: zipfile.ZipFile, bounds: ArrayBounds) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    names = [info.filename for info in members]
    if len(members) > bounds.most_members:
        raise _FaultError(f"it has {len(members)} parts, at most {bounds.most_members} are allowed")
    if len(set(names)) != len(names):
        raise _FaultError("two of its parts have one name")
    unpacked = sum(info.file_size for info in members)
    if unpacked > bounds.most_unpacked_bytes:
        raise _FaultError(f"it would unpack to {unpacked} bytes, at most {bounds.most_unpacked_bytes} are allowed")
    for info in members:
        if not info.filename.endswith(".npy"):
            raise _FaultError(f"its part '{shortened(info.filename, 80)}' is no array")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _FaultError(f"its part '{shortened(info.filename, 80)}' is packed in an unknown way")
    return members


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    try:
        with archive.open(info) as member:
            return _read_array(member, info.file_size)
    except _FaultError as fault:
        raise _FaultError(f"its part '{shortened(info.filename, 80)}': {fault}") from fault


def _read_array(file: IO[bytes], size: int) -> NDArray[Any]:
    """One array in NumPy's format, whose header and content are `size` bytes together.

    Source: NumPy enhancement proposal 1.
    """
    start = file.read(12)
    version = start[6:7]
    if start[:6] != _MAGIC or version not in (b"\x01", b"\x02", b"\x03") or len(start) < 12:
        raise _FaultError("it is no array")
    if version == b"\x01":
        length, begun = struct.unpack("<H", start[8:10])[0], start[10:]
    else:
        length, begun = struct.unpack("<I", start[8:12])[0], b""
    if length > _MOST_HEADER_BYTES:
        raise _FaultError("its description is too long")
    header = begun + file.read(length - len(begun))
    match = _HEADER.fullmatch(header.decode("latin-1"))
    if match is None:
        if b"'|O" in header:
            raise _FaultError("it holds pickled objects, which are never loaded")
        raise _FaultError("its description makes no sense")
    shape = tuple(int(length) for length in match["shape"].split(",") if length.strip())
    try:
        dtype = np.dtype(match["descr"])
    except TypeError as problem:
        raise _FaultError("its numbers are of an unknown kind") from problem
    content = size - (10 if version == b"\x01" else 12) - length
    if len(shape) > _MOST_AXES or math.prod(shape) * dtype.itemsize != content:
        raise _FaultError("its size is not what it says")
    raw = np.empty(content, dtype=np.uint8)
    _fill(file, raw.data)
    if dtype.kind == "U":
        points = raw.view(np.dtype("u4").newbyteorder(dtype.byteorder))
        if np.any(points > _LAST_CODE_POINT):
            raise _FaultError("it holds letters that do not exist")
    if not content:
        return np.zeros(shape, dtype)
    order: Any = "F" if match["order"] == "True" else "C"
    return raw.view(dtype).reshape(shape, order=order)


def _fill(file: IO[bytes], buffer: memoryview) -> None:
    filled = 0
    while filled < len(buffer):
        got = file.readinto(buffer[filled:])  # type: ignore[attr-defined]
        if not got:
            raise _FaultError("it ends too early")
        filled += got
    if file.read(1):  # reads to the end: only then is the checksum compared
        raise _FaultError("it goes on after its end")


def require_kinds(
    content: Mapping[str, NDArray[Any]], kinds: Mapping[str, str], what: str, error: ErrorKind, hint: str = ""
) -> None:
    """Refuse arrays of the wrong kind.

    Args:
        content: arrays by name; those not named are not looked at.
        kinds: letters of NumPy's kinds that each may have, `fiu` or `U`.
        what: the file, for messages.
        error: class of the error to raise.
        hint: what the user can try.
    Raises:
        PoseCoreError: of the given class.
    """
    for name, allowed in kinds.items():
        if name in content and content[name].dtype.kind not in allowed:
            words = "texts" if allowed == "U" else "numbers"
            raise error(f"In {what} '{name}' must be {words}.", hint)
