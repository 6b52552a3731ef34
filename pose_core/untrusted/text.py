"""JSON and TOML from files that nobody vouches for; standard library only."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pose_core.errors import PoseCoreError, one_line

ErrorKind = Callable[[str, str], PoseCoreError]
"""Makes the error of a message and a hint: a class such as `RigError`."""

MOST_INTEGER = 2**63
"""Larger ones fit neither arrays nor floats."""
_SHOWN = 300


@dataclass(frozen=True)
class TextBounds:
    """How much a text file may hold."""

    most_bytes: int = 4 << 20
    most_depth: int = 32
    """Lists and objects within each other."""
    most_values: int = 200_000
    """Values in all, those inside of lists and objects included."""
    most_key: int = 4096
    """Characters of an entry's name."""


BOUNDS = TextBounds()


def read_json(
    path: str | os.PathLike[str], what: str, error: ErrorKind, hint: str = "", bounds: TextBounds = BOUNDS
) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        what: what it is, for messages: `the bone map`.
        error: class of the error to raise.
        hint: what the user can try.
        bounds: how much it may hold.
    Returns:
        Plain data within the bounds.
    Raises:
        FileNotFoundError: it does not exist.
        PoseCoreError: of the given class; not readable, too large, too deep, or no JSON.
    """
    name = f"{what} '{path}'"
    return parse_json(read_bytes(path, name, error, hint, bounds.most_bytes), name, error, hint, bounds)


def parse_json(
    text: str | bytes,
    name: str,
    error: ErrorKind,
    hint: str = "",
    bounds: TextBounds = BOUNDS,
    *,
    allow_nan: bool = True,
) -> Any:
    """Read JSON text; see `read_json`. `name` is how it is called in messages."""
    if len(text) > bounds.most_bytes:
        raise error(f"Cannot read {name}: it has {len(text)} bytes, at most {bounds.most_bytes} are allowed.", hint)
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        data = json.loads(decoded, parse_constant=None if allow_nan else _refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise error(f"Cannot read {name} as JSON ({shortened(problem)}).", hint) from problem
    check_bounds(data, name, error, hint, bounds)
    return data


def read_toml(
    path: str | os.PathLike[str], what: str, error: ErrorKind, hint: str = "", bounds: TextBounds = BOUNDS
) -> dict[str, Any]:
    """Read a TOML file; as `read_json`."""
    name = f"{what} '{path}'"
    content = read_bytes(path, name, error, hint, bounds.most_bytes)
    try:
        data = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise error(f"Cannot read {name} as TOML ({shortened(problem)}).", hint) from problem
    check_bounds(data, name, error, hint, bounds)
    return data


def read_bytes(path: str | os.PathLike[str], name: str, error: ErrorKind, hint: str, most_bytes: int) -> bytes:
    """A file's content, if it is a file and not too large.

    Raises:
        FileNotFoundError: it does not exist.
        PoseCoreError: of the given class; not readable, no file, or too large.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():  # a pipe would wait for ever
            raise error(f"Cannot read {name}: it is no file.", hint)
        with Path(path).open("rb") as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as problem:
        raise error(f"Cannot read {name} ({shortened(problem)}).", hint) from problem
    if len(content) > most_bytes:
        raise error(f"Cannot read {name}: more than {most_bytes} bytes are not allowed.", hint)
    return content


def check_bounds(data: Any, name: str, error: ErrorKind, hint: str, bounds: TextBounds) -> None:
    """Refuse plain data that is nested too deeply or too much; does not recurse itself.

    Raises:
        PoseCoreError: of the given class.
    """
    level, count = [data], 0
    for depth in range(bounds.most_depth + 1):
        count += len(level)
        if count > bounds.most_values:
            raise error(f"Cannot read {name}: more than {bounds.most_values} values are not allowed.", hint)
        if any(isinstance(value, int) and abs(value) > MOST_INTEGER for value in level):
            raise error(f"Cannot read {name}: whole numbers beyond {MOST_INTEGER} are not allowed.", hint)
        if any(len(key) > bounds.most_key for value in level if isinstance(value, dict) for key in value):
            raise error(f"Cannot read {name}: names of more than {bounds.most_key} characters are not allowed.", hint)
        inner = [value for value in level if isinstance(value, (dict, list))]
        if not inner:
            return
        if depth == bounds.most_depth:
            break
        level = [item for value in inner for item in (value.values() if isinstance(value, dict) else value)]
    raise error(f"Cannot read {name}: it is nested deeper than {bounds.most_depth} levels.", hint)


def shortened(value: object, most: int = _SHOWN) -> str:
    """Text of anything for a message: one line of readable length."""
    text = value if isinstance(value, str) else str(value)
    return one_line(text if len(text) <= most else f"{text[: most - 20]} ... ({len(text)} characters)")


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
