"""Reading a lock file: which package, in which version, is pinned for this machine; standard library only."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from pose_core.errors import WorkerError

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*==\s*([^\s;\\]+)\s*(?:;\s*([^\\]*))?")
_COMPARISON = re.compile(r"^\s*([a-z_]+)\s*(==|!=|<=|>=|<|>)\s*'([^']*)'\s*$")


@dataclass(frozen=True)
class Pin:
    """One package of a lock file."""

    name: str
    """Normalised: lower case, words parted by single hyphens."""
    version: str


def normalised(name: str) -> str:
    """A package's name as the index compares it.

    Source: Python packaging specifications, "Name normalization".
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(lock: Path, marker_values: dict[str, str] | None = None) -> list[Pin]:
    """List the packages that a lock file pins for a machine.

    Args:
        lock: file with lines `name==version ; marker \\`, followed by hashes.
        marker_values: values of the environment markers; those of this process by default.
    Raises:
        WorkerError: no readable lock file, or a marker too complex for it.
    """
    values = marker_values if marker_values is not None else machine_markers()
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WorkerError(
            f"The list of packages '{lock}' cannot be read ({error}).", "Install the add-on again."
        ) from error
    pins = []
    for line in lines:
        found = _PIN.match(line)
        if found and marker_holds((found.group(3) or "").strip(), values):
            pins.append(Pin(normalised(found.group(1)), found.group(2)))
    if not pins:
        raise WorkerError(f"'{lock}' pins no package.", "Install the add-on again.")
    return pins


def machine_markers() -> dict[str, str]:
    """Environment markers of this process."""
    return {
        "python_version": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "python_full_version": platform.python_version(),
        "sys_platform": sys.platform,
        "platform_system": platform.system(),
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
    }


def marker_holds(marker: str, values: dict[str, str]) -> bool:
    """Evaluate a marker made of comparisons joined by `and` and `or`, with at most one level of brackets.

    Raises:
        WorkerError: anything else.
    """
    if not marker:
        return True
    # Innermost brackets first: each becomes a word that stands for its value.
    while found := re.search(r"\(([^()]*)\)", marker):
        marker = marker[: found.start()] + f" {_either(found.group(1), values)} " + marker[found.end() :]
    return _either(marker, values)


def _either(text: str, values: dict[str, str]) -> bool:
    return any(all(_compare(part, values) for part in re.split(r"\band\b", side)) for side in re.split(r"\bor\b", text))


def _compare(text: str, values: dict[str, str]) -> bool:
    if text.strip() in ("True", "False"):
        return text.strip() == "True"
    found = _COMPARISON.match(text.replace('"', "'"))
    if found is None or found.group(1) not in values:
        raise WorkerError(f"The package condition '{text.strip()}' is not understood.")
    name, operator, right_text = found.groups()
    left: object = values[name]
    right: object = right_text
    if "version" in name:
        left, right = _numbers(values[name]), _numbers(right_text)
    outcomes = {"==": left == right, "!=": left != right}
    if operator in outcomes:
        return outcomes[operator]
    if not (isinstance(left, tuple) and isinstance(right, tuple)):
        raise WorkerError(f"The package condition '{text.strip()}' is not understood.")
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in re.findall(r"\d+", version)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
