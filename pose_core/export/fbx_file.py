"""Binary FBX files as trees of nodes: read, change, write.

The format is that of FBX 2014/2015 (version 7.4) with 32-bit and of 7.5 with 64-bit offsets: a header, nested records
of typed properties, and a footer that Autodesk's readers look at.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pose_core.errors import ExportError

_MAGIC = b"Kaydara FBX Binary  \x00\x1a\x00"
_WIDE_SINCE = 7500
_SCALARS = {"Y": "<h", "I": "<i", "F": "<f", "D": "<d", "L": "<q"}
_ARRAYS = {"f": "<f4", "d": "<f8", "l": "<i8", "i": "<i4", "b": "|i1", "c": "|i1"}
# These carry an end mark although they have no children.
_ALWAYS_ENDED = ("AnimationStack", "AnimationLayer")
_UNPACKED_BYTES = 128
_FOOTER_ID = bytes.fromhex("fabcab09d0c8d466b176fb831cf7267e")
_FOOTER_END = bytes.fromhex("f85a8c6adef5d97eece90ce375 8f290b".replace(" ", ""))


@dataclass
class Node:
    """One record: a name, properties as (type letter, value), and records within."""

    name: str
    values: list[tuple[str, Any]] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def find(self, name: str) -> Node | None:
        """The first child of a name."""
        return next((child for child in self.children if child.name == name), None)

    def child(self, name: str) -> Node:
        """The first child of a name.

        Raises:
            ExportError: there is none.
        """
        found = self.find(name)
        if found is None:
            raise ExportError(f"An FBX file has no '{name}' in its '{self.name or 'root'}'.")
        return found

    def all(self, name: str) -> Iterator[Node]:
        """All children of a name."""
        return (child for child in self.children if child.name == name)

    @property
    def first(self) -> Any:
        """Value of the first property."""
        return self.values[0][1]

    def add(self, name: str, *values: tuple[str, Any]) -> Node:
        """Append a child and return it."""
        node = Node(name, list(values))
        self.children.append(node)
        return node


def read_fbx(data: bytes) -> tuple[int, Node]:
    """Read a binary FBX file.

    Returns:
        Its version, and a root whose children are the file's records.
    Raises:
        ExportError: it is none.
    """
    if not data.startswith(_MAGIC):
        raise ExportError("A binary FBX file was expected.")
    version = int(struct.unpack_from("<I", data, len(_MAGIC))[0])
    root, at = Node(""), len(_MAGIC) + 4
    try:
        while True:
            node, at = _read_node(data, at, version >= _WIDE_SINCE)
            if node is None:
                return version, root
            root.children.append(node)
    except (struct.error, ValueError, IndexError, zlib.error, UnicodeDecodeError) as error:
        raise ExportError(f"An FBX file is damaged ({error}).") from error


def _read_node(data: bytes, at: int, wide: bool) -> tuple[Node | None, int]:
    head = "<QQQB" if wide else "<IIIB"
    end, count, _, length = struct.unpack_from(head, data, at)
    at += struct.calcsize(head)
    if end == 0:
        return None, at
    node = Node(data[at : at + length].decode("utf-8"))
    at += length
    for _ in range(count):
        value, at = _read_value(data, at)
        node.values.append(value)
    while at < end:
        child, at = _read_node(data, at, wide)
        if child is None:
            break
        node.children.append(child)
    return node, end


def _read_value(data: bytes, at: int) -> tuple[tuple[str, Any], int]:
    kind = chr(data[at])
    at += 1
    if kind in _SCALARS:
        return (kind, struct.unpack_from(_SCALARS[kind], data, at)[0]), at + struct.calcsize(_SCALARS[kind])
    if kind in "CB":
        return (kind, data[at]), at + 1
    if kind in "SR":
        (length,) = struct.unpack_from("<I", data, at)
        return (kind, data[at + 4 : at + 4 + length]), at + 4 + length
    if kind in _ARRAYS:
        length, packed, size = struct.unpack_from("<III", data, at)
        raw = data[at + 12 : at + 12 + size]
        values = np.frombuffer(zlib.decompress(raw) if packed else raw, dtype=_ARRAYS[kind])
        if len(values) != length:
            raise ValueError(f"an array of {len(values)} values where {length} were said")
        return (kind, values), at + 12 + size
    raise ValueError(f"a property of unknown type {kind!r}")


def write_fbx(root: Node, version: int) -> bytes:
    """The bytes of a file; the reverse of `read_fbx`."""
    wide = version >= _WIDE_SINCE
    out = bytearray(_MAGIC + struct.pack("<I", version))
    for k, node in enumerate(root.children):
        _write_node(out, node, wide, k == len(root.children) - 1)
    out += bytes(25 if wide else 13)
    out += _FOOTER_ID + bytes(4)
    out += bytes(16 - len(out) % 16)  # a file that is aligned already gets 16 all the same
    out += struct.pack("<I", version) + bytes(120) + _FOOTER_END
    return bytes(out)


def _write_node(out: bytearray, node: Node, wide: bool, last: bool) -> None:
    head = "<QQQ" if wide else "<III"
    start = len(out)
    out += bytes(struct.calcsize(head))
    name = node.name.encode("utf-8")
    out += bytes([len(name)]) + name
    before = len(out)
    for kind, value in node.values:
        out += _value_bytes(kind, value)
    length = len(out) - before
    for k, child in enumerate(node.children):
        _write_node(out, child, wide, k == len(node.children) - 1)
    if node.children or (not node.values and not last) or node.name in _ALWAYS_ENDED:
        out += bytes(struct.calcsize(head) + 1)
    struct.pack_into(head, out, start, len(out), len(node.values), length)


def _value_bytes(kind: str, value: Any) -> bytes:
    mark = kind.encode()
    if kind in _SCALARS:
        return mark + struct.pack(_SCALARS[kind], value)
    if kind in "CB":
        return mark + bytes([int(value)])
    if kind in "SR":
        return mark + struct.pack("<I", len(value)) + bytes(value)
    raw = np.ascontiguousarray(value, dtype=_ARRAYS[kind]).tobytes()
    length = len(np.asarray(value).ravel())
    if len(raw) <= _UNPACKED_BYTES:
        return mark + struct.pack("<III", length, 0, len(raw)) + raw
    packed = zlib.compress(raw, 1)
    return mark + struct.pack("<III", length, 1, len(packed)) + packed
