"""Which machines the worker's packages are made for, and what is missing on the others; standard library only.

`scripts/check_platforms.py` compares every entry with what the package index really has.
"""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from dataclasses import dataclass, field

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
"""Those that the packages are pinned for."""
DEFAULT_LOCK, MACOS_13_LOCK = "worker", "worker-macos-13"

_LINUX = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
_MACOS = ("arm64", "universal2")


@dataclass(frozen=True)
class Platform:
    """A kind of machine."""

    name: str
    pip_platforms: tuple[str, ...]
    """What pip calls the wheels that run there."""
    markers: dict[str, str]
    """Values of the environment markers there."""
    lock: str | None = DEFAULT_LOCK
    """Which list of packages is for it; None = it is not served."""
    missing: tuple[str, ...] = ()
    """Packages of the default list that have no wheels for it."""
    missing_for: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    """The same of its own list, for single Pythons."""
    advice: str = ""

    def lacks(self, python: tuple[int, int]) -> tuple[str, ...]:
        """Packages that are not to be had there for a Python; empty = all is well."""
        return self.missing or self.missing_for.get(python, ())


def _macos(version: int, machine: str) -> tuple[str, ...]:
    kinds = (machine, "universal2")
    return tuple(f"macosx_{v}_0_{kind}" for v in range(version, 10, -1) for kind in kinds) + tuple(
        f"macosx_10_{minor}_{kind}" for minor in range(16, 8, -1) for kind in kinds
    )


def _markers(system: str, machine: str) -> dict[str, str]:
    names = {"Windows": ("win32", "nt"), "Darwin": ("darwin", "posix"), "Linux": ("linux", "posix")}
    sys_platform, os_name = names[system]
    return {
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
        "os_name": os_name,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }


def _linux(machine: str) -> Platform:
    tags = tuple(f"{kind}_{machine}" for kind in _LINUX)
    return Platform(f"Linux {machine.replace('_', '-')} (glibc 2.28 or newer)", tags, _markers("Linux", machine))


WINDOWS = Platform("Windows x64", ("win_amd64",), _markers("Windows", "AMD64"))
WINDOWS_ARM = Platform(
    "Windows on Arm", ("win_arm64",), _markers("Windows", "ARM64"), None, ("ai-edge-litert", "opencv-python-headless"),
    advice="Take Blender for x64, which runs there too, or name a Python for x64 as Base Python.",
)  # fmt: skip
LINUX_X86, LINUX_ARM = _linux("x86_64"), _linux("aarch64")
MACOS = Platform("macOS 14 or newer, Apple silicon", _macos(14, "arm64"), _markers("Darwin", "arm64"))
MACOS_13 = Platform(
    "macOS 13, Apple silicon", _macos(13, "arm64"), _markers("Darwin", "arm64"), MACOS_13_LOCK,
    missing_for={(3, 14): ("onnxruntime",)},
    advice="Name a Python 3.11, 3.12 or 3.13 as Base Python, or update to macOS 14.",
)  # fmt: skip
MACOS_12 = Platform(
    "macOS 12, Apple silicon", _macos(12, "arm64"), _markers("Darwin", "arm64"), None,
    ("av", "onnxruntime", "opencv-python-headless"), advice="Update to macOS 13 or newer.",
)  # fmt: skip
MACOS_INTEL = Platform(
    "macOS, Intel", _macos(14, "x86_64"), _markers("Darwin", "x86_64"), None, ("ai-edge-litert", "onnxruntime"),
    advice="On Apple silicon take Blender for Apple silicon; else run the worker's part on another machine.",
)  # fmt: skip
PLATFORMS = (WINDOWS, LINUX_X86, LINUX_ARM, MACOS, MACOS_13, MACOS_12, MACOS_INTEL, WINDOWS_ARM)


@dataclass(frozen=True)
class Machine:
    """What decides which packages run: facts of one interpreter and of its system."""

    system: str
    """As `platform.system()`."""
    architecture: str
    """Of the interpreter: x86_64 or arm64, however its system calls it."""
    python: tuple[int, int]
    system_version: tuple[int, ...] = ()
    """Of macOS, or of glibc on Linux; empty = unknown, or another C library."""
    is_64_bit: bool = True
    free_threaded: bool = False


def this_machine() -> Machine:
    """The machine and interpreter that this runs on."""
    system = platform.system()
    name = sysconfig.get_platform().lower() if system == "Windows" else platform.machine().lower()
    architecture = "arm64" if "arm64" in name or "aarch64" in name else name.rpartition("-")[2]
    version = platform.mac_ver()[0] if system == "Darwin" else platform.libc_ver()[1] if system == "Linux" else ""
    return Machine(
        system,
        "x86_64" if architecture in ("amd64", "x86_64") else architecture,
        (sys.version_info[0], sys.version_info[1]),
        tuple(int(part) for part in re.findall(r"\d+", version)),
        sys.maxsize > 2**32,
        bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    )


def platform_of(machine: Machine) -> Platform | None:
    """The kind that a machine is of, None for one that nobody has looked at."""
    arm = machine.architecture == "arm64"
    if not machine.is_64_bit or not (arm or machine.architecture == "x86_64"):
        return None
    if machine.system == "Windows":
        return WINDOWS_ARM if arm else WINDOWS
    if machine.system == "Linux":
        fits = machine.system_version >= (2, 28)
        return (LINUX_ARM if arm else LINUX_X86) if fits else None
    if machine.system == "Darwin":
        if not arm:
            return MACOS_INTEL
        major = machine.system_version[0] if machine.system_version else 14
        return MACOS if major >= 14 else MACOS_13 if major == 13 else MACOS_12
    return None


def lock_name(machine: Machine) -> str:
    """Name of the list of packages for a machine: a file `requirements/NAME.txt`."""
    found = platform_of(machine)
    return found.lock if found is not None and found.lock is not None else DEFAULT_LOCK


def why_not(machine: Machine) -> tuple[str, str]:
    """Why the worker cannot be installed on a machine, before anything is downloaded.

    Returns:
        What is missing, and what to do; both empty where nothing speaks against it.
    """
    low, high = (".".join(map(str, version)) for version in (PYTHONS[0], PYTHONS[-1]))
    version = ".".join(map(str, machine.python))
    if machine.python not in PYTHONS or machine.free_threaded:
        kind = "free-threaded Python " if machine.free_threaded else "Python "
        return f"Python {low} to {high} is needed, but this is {kind}{version}.", "Name another one as Base Python."
    found = platform_of(machine)
    if found is None:
        described = f"{machine.system} on {machine.architecture}"
        if machine.system == "Linux" and machine.is_64_bit and machine.architecture in ("x86_64", "arm64"):
            glibc = ".".join(map(str, machine.system_version)) or "another C library"
            described += f" with {glibc if not machine.system_version else f'glibc {glibc}'}"
        return (
            f"There are no packages for {described}.",
            "It runs on Windows x64, 64-bit Linux with glibc 2.28 or newer, and macOS 13 or newer (Apple silicon).",
        )
    lacking = found.lacks(machine.python)
    if lacking:
        kind = f"{found.name} with Python {version}" if not found.missing else found.name
        return f"{kind} is not served: {' and '.join(lacking)} come without packages for it.", found.advice
    return "", ""
