"""What travels between a client and the worker: one JSON object a line, standard library only.

Every line carries the protocol version and a type. Arrays travel as files, whose paths are in the messages.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, ClassVar, NoReturn, get_args, get_origin, get_type_hints

from pose_core.errors import WorkerError

PROTOCOL_VERSION = 1

MAX_LINE_BYTES = 1 << 20
"""Longer lines are refused: a report is some kilobytes, so a megabyte is no message of ours."""

MAX_INTEGER = 1 << 63
"""Larger whole numbers are refused: not every reader of JSON keeps them."""


class ProtocolError(WorkerError):
    """A line is no valid message of this protocol version."""

    code = "protocol"


@dataclass(frozen=True)
class Message:
    """Base of all messages; `type` is the name on the wire."""

    type: ClassVar[str] = ""


@dataclass(frozen=True)
class Hello(Message):
    """Client to worker, first of all: who is there."""

    type: ClassVar[str] = "hello"
    version: str
    """Version of `pose_core` on the client's side."""


@dataclass(frozen=True)
class Ready(Message):
    """Worker to client: the answer to hello."""

    type: ClassVar[str] = "ready"
    version: str
    python: str
    pid: int


@dataclass(frozen=True)
class Estimate(Message):
    """Client to worker: run a job."""

    type: ClassVar[str] = "estimate"
    id: str
    request: dict[str, Any]
    """An `EstimateRequest` as plain data, with its version."""


@dataclass(frozen=True)
class SelfTest(Message):
    """Client to worker: look whether everything needed works; answered by a result."""

    type: ClassVar[str] = "self_test"
    id: str
    model_folder: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class GetModels(Message):
    """Client to worker: fetch and check models; answered by a result."""

    type: ClassVar[str] = "get_models"
    id: str
    names: list[str]
    """Names in the catalogue; empty = what the default settings need."""
    model_folder: str | None = None


@dataclass(frozen=True)
class InstallEnvironment(Message):
    """Client to installer: make a worker environment; answered by a result."""

    type: ClassVar[str] = "install_environment"
    id: str
    folder: str
    """Where the environment shall be; one that is there is replaced once the new one is complete."""
    lock: str
    """Path of the lock file: pinned packages with hashes."""
    wheel: str
    """Path of the wheel of `pose_core` itself."""
    wheel_folder: str | None = None
    """Take the packages from this folder alone; None = from the package index."""


@dataclass(frozen=True)
class VerifyEnvironment(Message):
    """Client to installer: compare an environment with its lock file, file by file; answered by a result."""

    type: ClassVar[str] = "verify_environment"
    id: str
    folder: str
    lock: str


@dataclass(frozen=True)
class Cancel(Message):
    """Client to worker: end that job soon; answered by cancelled, or by a result that was already under way."""

    type: ClassVar[str] = "cancel"
    id: str


@dataclass(frozen=True)
class Shutdown(Message):
    """Client to worker: no more jobs; the worker ends."""

    type: ClassVar[str] = "shutdown"


@dataclass(frozen=True)
class ProgressUpdate(Message):
    """Worker to client: how far a job is, at most about ten times a second."""

    type: ClassVar[str] = "progress"
    id: str
    stage: str
    done: int
    total: int
    """0 when unknown."""
    frames_per_s: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Result(Message):
    """Worker to client: a job ended well."""

    type: ClassVar[str] = "result"
    id: str
    report: dict[str, Any]
    motion_paths: list[str] = field(default_factory=list)
    preview_path: str | None = None


@dataclass(frozen=True)
class Failure(Message):
    """Worker to client: a job failed, or a line could not be understood (`id` is then None)."""

    type: ClassVar[str] = "error"
    id: str | None
    code: str
    """`code` of the `PoseCoreError`, or `unexpected`."""
    message: str
    hint: str = ""
    traceback: str = ""


@dataclass(frozen=True)
class Cancelled(Message):
    """Worker to client: a job ended because it was cancelled; it left nothing behind."""

    type: ClassVar[str] = "cancelled"
    id: str


MESSAGE_TYPES: dict[str, type[Message]] = {
    kind.type: kind
    for kind in (
        Hello, Ready, Estimate, SelfTest, GetModels, InstallEnvironment, VerifyEnvironment, Cancel, Shutdown,
        ProgressUpdate, Result, Failure, Cancelled,
    )
}  # fmt: skip


def encode(message: Message) -> bytes:
    """Write a message as one line.

    Raises:
        ProtocolError: a field has the wrong type, holds what JSON cannot (such as NaN), or the line is too long.
    """
    data = {name.name: getattr(message, name.name) for name in dataclasses.fields(message)}
    _check_fields(type(message), data)
    try:
        text = json.dumps({"v": PROTOCOL_VERSION, "type": message.type, **data}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"A '{message.type}' message cannot be written as JSON: {error}.") from error
    line = text.encode("ascii") + b"\n"
    _check_length(line)
    return line


def decode(line: bytes) -> Message:
    """Read one line.

    Raises:
        ProtocolError: too long, no JSON object, another version, an unknown type, or a missing, unknown or ill-typed
            field.
    """
    _check_length(line)
    try:
        data = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"A line of JSON was expected, but {_excerpt(line)} came ({error}).") from error
    if not isinstance(data, dict):
        raise ProtocolError(f"A JSON object was expected, but {_excerpt(line)} came.")
    version = data.pop("v", None)
    if version != PROTOCOL_VERSION or isinstance(version, bool):
        raise ProtocolError(
            f"Protocol version {PROTOCOL_VERSION} was expected, but {version!r} came.",
            "Bring the add-on and the worker environment to the same version.",
        )
    name = data.pop("type", None)
    kind = MESSAGE_TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ProtocolError(f"Message type {name!r} is unknown; known are {', '.join(sorted(MESSAGE_TYPES))}.")
    _check_fields(kind, data)
    return kind(**data)


def plain(value: Any) -> Any:
    """Turn report data into what JSON can carry: numpy scalars and arrays to numbers and lists, NaN to None.

    Args:
        value: nested mappings and sequences of scalars.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return str(value)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _check_length(line: bytes) -> None:
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError(f"A line may have {MAX_LINE_BYTES} bytes, but one of {len(line)} came.")


def _check_fields(kind: type[Message], data: dict[str, Any]) -> None:
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ProtocolError(f"A '{kind.type}' message has no field '{unknown[0]}'; it has {', '.join(fields)}.")
    hints = get_type_hints(kind)
    for name, spec in fields.items():
        if name not in data:
            if spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
                raise ProtocolError(f"A '{kind.type}' message lacks its field '{name}'.")
        elif not _fits(data[name], hints[name]):
            value = repr(data[name])[:80]
            raise ProtocolError(f"'{name}' of a '{kind.type}' message must be {hints[name]}, but is {value}.")


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_fits(value, part) for part in get_args(hint))
    if hint is NoneType:
        return value is None
    if hint is float and isinstance(value, float):
        return math.isfinite(value)
    if hint is int or hint is float:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_INTEGER
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_fits(item, get_args(hint)[0]) for item in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(isinstance(key, str) for key in value)
    return isinstance(value, hint)


def _excerpt(line: bytes) -> str:
    text = line[:60].decode("utf-8", errors="replace").strip()
    return repr(text + ("..." if len(line) > 60 else ""))
