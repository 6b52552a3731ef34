"""What the machine's own Debian set-up says: mirror, proxies; and installing missing system packages."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from .command import clean_environment, run_quietly
from .errors import UnavailableError
from .progress import Progress

APT_FOLDER = Path("/etc/apt")
FALLBACK_MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# A mirror that is a cache may hold release files some days past their date.
APT_OPTIONS = ("-o", "Acquire::Check-Valid-Until=false", "-o", "Dpkg::Options::=--force-unsafe-io", "-q", "-y")
PACKAGE_OF_COMMAND = {
    "debootstrap": "debootstrap",
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "unshare": "util-linux",
    "node": "nodejs",
    "npm": "npm",
}


def _one_line_sources(text: str) -> Iterator[str]:
    """Yield the addresses of `deb [options] URI suite components` lines."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
        if match and "main" in match.group(3).split():
            yield match.group(1)


def _deb822_sources(text: str) -> Iterator[str]:
    """Yield the addresses of the stanzas of a `.sources` file."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[key] = f"{fields.get(key, '')} {line.strip()}"
            elif ":" in line:
                key, value = line.split(":", 1)
                key = key.strip().lower()
                fields[key] = value.strip()
        enabled = fields.get("enabled", "yes").lower() not in ("no", "false", "0")
        if enabled and "deb" in fields.get("types", "").split() and "main" in fields.get("components", "").split():
            yield from fields.get("uris", "").split()


def _is_debian_archive(uri: str) -> bool:
    """Tell a full Debian archive from security suites, snapshots and other vendors' repositories."""
    parts = urlsplit(uri)
    return (
        parts.scheme in ("http", "https", "file")
        and parts.path.rstrip("/").endswith("/debian")
        and "snapshot." not in parts.netloc
    )


def debian_mirror(apt_folder: Path = APT_FOLDER) -> str:
    """Return the Debian archive that this machine's apt uses, or the public one.

    Args:
        apt_folder: the folder with sources.list and sources.list.d.
    """
    files = [apt_folder / "sources.list", *sorted((apt_folder / "sources.list.d").glob("*"))]
    for path in files:
        if not path.is_file() or path.suffix not in (".list", ".sources"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found = _deb822_sources(text) if path.suffix == ".sources" else _one_line_sources(text)
        for uri in found:
            if _is_debian_archive(uri):
                return uri.rstrip("/")
    return FALLBACK_MIRROR


def is_root() -> bool:
    """Tell whether this process may administer the machine."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def missing_commands(commands: Iterable[str]) -> list[str]:
    """Return those of the commands that are not on PATH."""
    return [command for command in commands if shutil.which(command) is None]


def ensure_packages(progress: Progress, packages: list[str], why: str) -> None:
    """Install Debian packages with apt.

    Raises:
        UnavailableError: this is no machine with apt, or this process is not root.
        SetupError: apt failed.
    """
    if not packages:
        return
    names = " ".join(packages)
    if shutil.which("apt-get") is None or not is_root():
        raise UnavailableError(
            f"{why} needs the system packages {names}, which this process cannot install.",
            advice=f"install them as root, on Debian or Ubuntu with: apt-get install {names}",
        )
    env = clean_environment({"DEBIAN_FRONTEND": "noninteractive"})
    advice = f"check the network and /etc/apt, or install by hand: apt-get install {names}"
    with progress.step(f"installing system packages: {names}") as step:
        run_quietly(step, ["apt-get", *APT_OPTIONS, "update"], log_name="apt", env=env, advice=advice)
        run_quietly(
            step,
            ["apt-get", *APT_OPTIONS, "install", "--no-install-recommends", *packages],
            log_name="apt",
            env=env,
            advice=advice,
        )


def ensure_commands(progress: Progress, commands: Iterable[str], why: str) -> None:
    """Install whichever packages the missing commands come from (see `ensure_packages`)."""
    ensure_packages(progress, [PACKAGE_OF_COMMAND[command] for command in missing_commands(commands)], why)
