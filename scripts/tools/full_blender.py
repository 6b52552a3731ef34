"""A full, current Blender with its interface, from Debian's packages, in a root file system of its own."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import debian, locks
from .chroot import root_command, run_in_root
from .command import clean_environment, run_quietly
from .errors import SetupError, UnavailableError
from .paths import blender_folder
from .progress import Progress, Step

SUITE = "sid"
# Debian's Blender depends on Python but not on what its scripts import: without numpy FBX and add-ons fail, without
# requests and cattrs the extension system. The GL libraries draw in software.
PACKAGES = (
    "blender",
    "python3-numpy",
    "python3-requests",
    "python3-cattr",
    "libgl1",
    "libegl1",
    "libgl1-mesa-dri",
    "ffmpeg",
)
HOST_COMMANDS = ("unshare", "debootstrap", "Xvfb", "xdotool", "import")
MARKER = "pose-core-root.json"
RECIPE = hashlib.sha256(json.dumps([1, SUITE, PACKAGES]).encode()).hexdigest()
VERSION_SCRIPT = (
    "import bpy, sys; print('POSE_CORE_VERSION', bpy.app.version_string, sys.version.split()[0], flush=True)"
)


@dataclasses.dataclass(frozen=True)
class FullBlender:
    """An installed Blender: its root file system and the version it says it is."""

    root: Path
    version: str
    python_version: str


def full_blender_root() -> Path:
    """Return where the root file system of the full Blender belongs."""
    return blender_folder() / f"debian-{SUITE}"


def read_full_blender() -> FullBlender | None:
    """Return the full Blender if it is installed and complete."""
    root = full_blender_root()
    try:
        marker = json.loads((root / MARKER).read_text(encoding="utf-8"))
        complete = marker["recipe"] == RECIPE and (root / "usr/bin/blender").exists()
        return FullBlender(root, marker["blender"], marker["python"]) if complete else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def ensure_full_blender(progress: Progress) -> FullBlender:
    """Return the full Blender, installing it and the display tools of the host if they are missing.

    Raises:
        UnavailableError: not Linux, not root, or no right to make namespaces here.
        SetupError: a step of the installation failed.
    """
    if not sys.platform.startswith("linux") or not debian.is_root():
        raise UnavailableError(
            "the full Blender is set up on Linux as root only.",
            advice="run the tests as root in a Debian or Ubuntu container to include the UI tier.",
        )
    _check_namespaces()
    found = read_full_blender()
    if found is None or debian.missing_commands(HOST_COMMANDS):
        with locks.held("full-blender", lambda: progress.note("waiting for another process that installs Blender")):
            debian.ensure_commands(progress, HOST_COMMANDS, "the full Blender under a virtual display")
            found = read_full_blender() or _make(progress)
    return found


def _check_namespaces() -> None:
    namespaces = ["--mount", "--propagation", "private", "--pid", "--fork"]
    probe = ["unshare", *namespaces, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
        problem = done.stderr.strip() if done.returncode else ""
    except OSError as error:
        problem = str(error)
    if problem:
        raise UnavailableError(
            f"this machine does not let root make private mounts: {problem}",
            advice="in a container, give it the capability SYS_ADMIN.",
        )


def _make(progress: Progress) -> FullBlender:
    """Make the root under a temporary name, ask Blender for its version, then rename."""
    final = full_blender_root()
    final.parent.mkdir(parents=True, exist_ok=True)
    for leftover in final.parent.glob(f"{final.name}.new-*"):
        _remove(leftover)
    new = final.with_name(f"{final.name}.new-{os.getpid()}")
    if not debian.KEYRING.exists():
        debian.ensure_packages(progress, ["debian-archive-keyring"], "checking Debian's signatures")
    mirror = debian.debian_mirror()
    with progress.step(f"Debian {SUITE} root file system from {mirror}") as step:
        _debootstrap(step, new, mirror)
    with progress.step(f"Blender from Debian {SUITE}") as step:
        _install(step, new)
    with progress.step("starting Blender once") as step:
        version, python_version = _ask_version(step, new)
    marker = {"recipe": RECIPE, "blender": version, "python": python_version, "suite": SUITE}
    (new / MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
    if final.exists():
        _remove(final)
    new.rename(final)
    progress.note(f"Blender {version} (Python {python_version}) is installed in {final}")
    return FullBlender(final, version, python_version)


def _debootstrap(step: Step, root: Path, mirror: str) -> None:
    extra = ["--include=ca-certificates"] if mirror.startswith("https:") else []
    command = ["debootstrap", "--variant=minbase", f"--keyring={debian.KEYRING}", *extra, SUITE, str(root), mirror]
    run_quietly(
        step,
        ["unshare", "--mount", "--propagation", "private", *command],
        log_name="full-blender",
        env=clean_environment({"DEBIAN_FRONTEND": "noninteractive"}),
        advice=f"check that {mirror} can be reached and holds the suite {SUITE}.",
    )
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "etc/mtab").symlink_to("/proc/self/mounts")  # Blender looks there for its file browser
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\n# No package may start a service in here.\nexit 101\n", encoding="utf-8")
    policy.chmod(0o755)


def _install(step: Step, root: Path) -> None:
    names = ("http_proxy", "https_proxy", "no_proxy")
    proxies = {key: value for key, value in os.environ.items() if key.lower() in names}
    env = {"DEBIAN_FRONTEND": "noninteractive", **proxies}
    for command in (
        ["apt-get", *debian.APT_OPTIONS, "update"],
        ["apt-get", *debian.APT_OPTIONS, "install", "--no-install-recommends", *PACKAGES],
        ["apt-get", "clean"],
    ):
        run_quietly(
            step,
            root_command(root, command, env=env),
            log_name="full-blender",
            advice="sid changes daily and may be uninstallable for some hours: try again later.",
        )


def _ask_version(step: Step, root: Path) -> tuple[str, str]:
    done = run_in_root(
        root, ["blender", "-b", "--factory-startup", "-noaudio", "--python-expr", VERSION_SCRIPT], timeout_s=120
    )
    step.detail(done.stdout)
    for line in done.stdout.splitlines():
        if line.startswith("POSE_CORE_VERSION "):
            *version, python_version = line.split()[1:]
            return " ".join(version), python_version
    raise SetupError(
        f"the freshly installed Blender did not start (exit code {done.returncode}).",
        tail=tuple(done.stdout.splitlines()[-15:]),
        advice="sid changes daily: try again later.",
    )


def _remove(root: Path) -> None:
    """Remove a root file system, but never through a mount that someone left in it."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    inside = [line.split()[4] for line in mounts.splitlines() if line.split()[4].startswith(f"{root}/")]
    if inside:
        raise SetupError(f"{root} has mounts in it: {', '.join(inside)}", advice="unmount them, then run this again.")
    shutil.rmtree(root)
