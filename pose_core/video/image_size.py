"""Size of an image from the first bytes of its file, without decoding it."""

from __future__ import annotations

import re
import struct

_NETPBM = re.compile(rb"P[1-6](?:\s+|#[^\n]*\n)+(\d{1,9})(?:\s+|#[^\n]*\n)+(\d{1,9})\s")
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_TYPES = {3: "H", 4: "I", 16: "Q"}
_MOST_TAGS = 4096


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height that a file states.

    Args:
        data: the file.
    Returns:
        Pixels as stored, or None if it is none of PNG, JPEG, WebP, TIFF, BMP, JPEG 2000 and Netpbm, or is cut off.
    """
    readers = (
        (b"\x89PNG\r\n\x1a\n", _png), (b"\xff\xd8", _jpeg), (b"RIFF", _webp), (b"BM", _bmp), (b"II", _tiff),
        (b"MM", _tiff), (b"\0\0\0\x0cjP  ", _jp2), (b"\xff\x4f\xff\x51", _j2k), (b"P", _netpbm),
    )  # fmt: skip
    for magic, read in readers:
        if data.startswith(magic):
            try:
                return read(data)
            except (struct.error, IndexError):
                return None
    return None


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in (0x01, *range(0xD0, 0xD9)):  # without content
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if data[8:12] != b"WEBP":
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _bmp(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _tiff(data: bytes) -> tuple[int, int] | None:
    order = "<" if data[:2] == b"II" else ">"
    version = struct.unpack_from(order + "H", data, 2)[0]
    if version == 42:
        at, count_kind, entry, value_at = struct.unpack_from(order + "I", data, 4)[0], "H", 12, 8
    elif version == 43:
        at, count_kind, entry, value_at = struct.unpack_from(order + "Q", data, 8)[0], "Q", 20, 12
    else:
        return None
    count = struct.unpack_from(order + count_kind, data, at)[0]
    at += struct.calcsize(count_kind)
    found = {}
    for k in range(min(count, _MOST_TAGS)):
        tag, kind = struct.unpack_from(order + "HH", data, at + k * entry)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in _TIFF_TYPES:
            found[tag] = int(struct.unpack_from(order + _TIFF_TYPES[kind], data, at + k * entry + value_at)[0])
    return (found[_TIFF_WIDTH], found[_TIFF_HEIGHT]) if len(found) == 2 else None


def _jp2(data: bytes) -> tuple[int, int] | None:
    at = data.find(b"ihdr", 0, 4096)
    if at < 0:
        return None
    height, width = struct.unpack_from(">II", data, at + 4)
    return width, height


def _j2k(data: bytes) -> tuple[int, int]:
    right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
    return max(right - left, 0), max(bottom - top, 0)


def _netpbm(data: bytes) -> tuple[int, int] | None:
    match = _NETPBM.match(data[:4096])
    return (int(match[1]), int(match[2])) if match else None
