"""Ways to break a file whatever it holds, and ways to break what a file says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Bytes = bytes
Change = Callable[[bytes, np.random.Generator], bytes]

_EXTREMES = (
    0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, 0x80000000,
    0xFFFFFFFE, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF, 30000, 1_000_000, 90_000,
)  # fmt: skip
_HEAD = 4096
_NEAR = 96
"""How far behind a mark the numbers that belong to it lie."""


def flip_bits(data: bytes, rng: np.random.Generator, low: int = 0, high: int | None = None) -> bytes:
    """Change 1 to 64 single bits."""
    out = bytearray(data)
    end = min(high or len(out), len(out))
    for at in rng.integers(low, max(end, low + 1), int(2 ** rng.integers(0, 7))):
        if at < len(out):
            out[at] ^= 1 << int(rng.integers(8))
    return bytes(out)


def flip_head(data: bytes, rng: np.random.Generator) -> bytes:
    """Change bits where most formats keep their description."""
    return flip_bits(data, rng, 0, _HEAD)


def flip_tail(data: bytes, rng: np.random.Generator) -> bytes:
    """Change bits where some formats keep their index."""
    return flip_bits(data, rng, max(len(data) - _HEAD, 0))


def truncate(data: bytes, rng: np.random.Generator) -> bytes:
    """Leave the end out; now and then nearly everything."""
    share = rng.uniform() ** 2 if rng.uniform() < 0.5 else rng.uniform()
    return data[: int(share * len(data))]


def cut_out(data: bytes, rng: np.random.Generator) -> bytes:
    """Leave a part in the middle out."""
    a, b = _span(data, rng)
    return data[:a] + data[b:]


def repeat(data: bytes, rng: np.random.Generator) -> bytes:
    """Say a part twice."""
    a, b = _span(data, rng)
    return data[:b] + data[a:]


def overwrite(data: bytes, rng: np.random.Generator) -> bytes:
    """Zeros, ones or noise in the place of a part."""
    a, b = _span(data, rng)
    fill = (b"\0" * (b - a), b"\xff" * (b - a), rng.bytes(b - a))[int(rng.integers(3))]
    return data[:a] + fill + data[b:]


def shuffle(data: bytes, rng: np.random.Generator) -> bytes:
    """Exchange two parts."""
    a, b, c = sorted(int(n) for n in rng.integers(0, len(data) + 1, 3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def extremes(data: bytes, rng: np.random.Generator) -> bytes:
    """Numbers of extreme size somewhere in the head or the tail."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        low, high = ((0, _HEAD), (max(len(out) - _HEAD, 0), len(out)), (0, len(out)))[int(rng.integers(3))]
        _put_number(out, int(rng.integers(low, max(min(high, len(out)), low + 1))), rng)
    return bytes(out)


ANY: tuple[Change, ...] = (
    flip_bits, flip_head, flip_tail, truncate, cut_out, repeat, overwrite, shuffle, extremes
)  # fmt: skip
"""What can be done to any file."""


def edit_numbers(data: bytes, rng: np.random.Generator, marks: Sequence[bytes]) -> bytes:
    """Change sizes, rates and times: numbers that stand behind one to three of the given marks."""
    out = bytearray(data)
    there = [mark for mark in marks if mark in data]
    for _ in range(int(rng.integers(1, 4)) if there else 0):
        mark = there[int(rng.integers(len(there)))]
        places = _places(bytes(out), mark)
        if places:
            after = places[int(rng.integers(len(places)))] + len(mark)
            _put_number(out, after + int(rng.integers(_NEAR)), rng)
    return bytes(out)


def splice(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """The head of one file on the body of another."""
    a = int(rng.integers(1, min(_HEAD, len(other)) + 1))
    b = int(rng.integers(0, len(data)))
    return other[:a] + data[b:] if rng.uniform() < 0.5 else data[: max(b, 1)] + other[a:]


def _span(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    length = int(len(data) * rng.uniform() ** 3) + 1
    a = int(rng.integers(0, max(len(data) - length, 0) + 1))
    return a, min(a + length, len(data))


def _places(data: bytes, mark: bytes, most: int = 2000) -> list[int]:
    found, at = [], data.find(mark)
    while at >= 0 and len(found) < most:
        found.append(at)
        at = data.find(mark, at + 1)
    return found


def _put_number(out: bytearray, at: int, rng: np.random.Generator) -> None:
    width = int(rng.choice([1, 2, 4, 8]))
    at -= at % width if rng.uniform() < 0.5 else 0
    if at < 0 or at + width > len(out):
        return
    order = "big" if rng.uniform() < 0.5 else "little"
    if rng.uniform() < 0.3:  # a little more or less than it says
        value = int.from_bytes(out[at : at + width], order) + int(rng.integers(-3, 4))  # type: ignore[arg-type]
    else:
        value = int(_EXTREMES[int(rng.integers(len(_EXTREMES)))])
    out[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, order)  # type: ignore[arg-type]
