"""Binary glTF files: the JSON part and the one buffer, arrays read and written through accessors."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from pose_core.errors import ExportError
from pose_core.types import FloatArray

_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_FLOAT = 5126


@dataclass
class Glb:
    """A file in memory."""

    json: dict[str, Any]
    data: bytearray

    def list_of(self, name: str) -> list[dict[str, Any]]:
        """One of the file's lists, made if it is missing."""
        found: list[dict[str, Any]] = self.json.setdefault(name, [])
        return found

    def floats(self, accessor: int) -> FloatArray:
        """(count, width) of a float accessor that is not sparse.

        Raises:
            ExportError: it is none.
        """
        entry = self.json["accessors"][accessor]
        if entry["componentType"] != _FLOAT or "bufferView" not in entry:
            raise ExportError(f"Accessor {accessor} of a glTF file has no plain floats.")
        return self._view(entry["bufferView"], entry.get("byteOffset", 0), entry["count"], _WIDTH[entry["type"]])

    def set_floats(self, accessor: int, values: FloatArray) -> None:
        """Replace the values of a float accessor of the same size, and its bounds where it has them."""
        entry = self.json["accessors"][accessor]
        self._set_view(entry["bufferView"], entry.get("byteOffset", 0), values)
        if "min" in entry:
            as_written = values.astype(np.float32)
            entry["min"], entry["max"] = as_written.min(axis=0).tolist(), as_written.max(axis=0).tolist()

    def transform(self, accessor: int, matrix: FloatArray, unit: bool = False) -> None:
        """Apply (3, 3) to a list of vectors, be it plain, sparse or both; `unit` keeps their lengths at 1."""
        entry = self.json["accessors"][accessor]
        if "bufferView" in entry:
            self.set_floats(accessor, _applied(self.floats(accessor), matrix, unit))
        if "sparse" in entry:
            values = entry["sparse"]["values"]
            place = values["bufferView"], values.get("byteOffset", 0)
            self._set_view(*place, _applied(self._view(*place, entry["sparse"]["count"], 3), matrix, unit))
            if "min" in entry:
                corners = np.array([entry["min"], entry["max"]]) @ matrix.T
                entry["min"], entry["max"] = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()

    def add_floats(self, values: FloatArray, bounds: bool = False) -> int:
        """Append an array as a new accessor and return its index."""
        values = np.ascontiguousarray(values, dtype="<f4")
        flat = values.reshape(len(values), -1)
        self.data += bytes(-len(self.data) % 4)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": flat.nbytes}
        self.data += flat.tobytes()
        self.list_of("bufferViews").append(view)
        kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[flat.shape[1]]
        entry: dict[str, Any] = {
            "bufferView": len(self.json["bufferViews"]) - 1,
            "componentType": _FLOAT,
            "count": len(flat),
            "type": kind,
        }
        if bounds:
            entry["min"], entry["max"] = flat.min(axis=0).tolist(), flat.max(axis=0).tolist()
        self.list_of("accessors").append(entry)
        return len(self.json["accessors"]) - 1

    def _place(self, view: int, offset: int, count: int, width: int) -> tuple[int, int]:
        entry = self.json["bufferViews"][view]
        if entry.get("byteStride", 4 * width) != 4 * width:
            raise ExportError("A glTF file has interleaved arrays, which are not understood.")
        start = entry.get("byteOffset", 0) + offset
        return start, start + 4 * width * count

    def _view(self, view: int, offset: int, count: int, width: int) -> FloatArray:
        first, last = self._place(view, offset, count, width)
        return np.frombuffer(bytes(self.data[first:last]), dtype="<f4").reshape(count, width).astype(np.float64)

    def _set_view(self, view: int, offset: int, values: FloatArray) -> None:
        first, last = self._place(view, offset, len(values), values.shape[1])
        self.data[first:last] = values.astype("<f4").tobytes()


def _applied(values: FloatArray, matrix: FloatArray, unit: bool) -> FloatArray:
    out = values @ matrix.T
    return out / np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-12) if unit else out


def read_glb(raw: bytes) -> Glb:
    """Read a binary glTF file with one buffer.

    Raises:
        ExportError: it is none.
    """
    try:
        magic, version, _ = struct.unpack_from("<III", raw, 0)
        if magic != _MAGIC or version != 2:
            raise ExportError("A binary glTF 2.0 file was expected.")
        at, parts = 12, {}
        while at < len(raw):
            length, kind = struct.unpack_from("<II", raw, at)
            parts[kind] = raw[at + 8 : at + 8 + length]
            at += 8 + length
        return Glb(json.loads(parts[_JSON]), bytearray(parts.get(_BIN, b"")))
    except (struct.error, KeyError, ValueError) as error:
        raise ExportError(f"A glTF file is damaged ({error}).") from error


def write_glb(glb: Glb) -> bytes:
    """The bytes of a file; the reverse of `read_glb`."""
    data = bytes(glb.data) + bytes(-len(glb.data) % 4)
    if data:
        glb.json["buffers"] = [{"byteLength": len(data)}]
    text = json.dumps(glb.json, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
    text += b" " * (-len(text) % 4)
    parts = struct.pack("<II", len(text), _JSON) + text
    if data:
        parts += struct.pack("<II", len(data), _BIN) + data
    return struct.pack("<III", _MAGIC, 2, 12 + len(parts)) + parts
