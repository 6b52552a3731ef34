"""Comparing an environment with its lock file, file by file; standard library only."""

from __future__ import annotations

import base64
import csv
import hashlib
from importlib import metadata
from pathlib import Path

from pose_core import __version__
from pose_core.install import environment, lock_file
from pose_core.install.steps import Steps


def verify(folder: Path, lock: Path, steps: Steps | None = None) -> list[str]:
    """List what is wrong with an environment: packages missing, of another version, or with changed files.

    Args:
        folder: the environment.
        lock: the lock file it should follow.
        steps: told how far it is.
    Raises:
        WorkerError: the lock file cannot be read.
    """
    place = environment.site_packages(folder)
    if place is None:
        return [f"'{folder}' is no Python environment."]
    wanted = {pin.name: pin.version for pin in lock_file.read_pins(lock)} | {"pose-core": __version__}
    found = {lock_file.normalised(d.metadata["Name"]): d for d in metadata.distributions(path=[str(place)])}
    problems = []
    for number, (name, version) in enumerate(sorted(wanted.items())):
        if steps is not None:
            steps.stage("check", number, len(wanted))
        if name not in found:
            problems.append(f"{name} is missing.")
        elif found[name].version != version:
            problems.append(f"{name} is version {found[name].version}, but {version} is needed.")
        else:
            problems += [f"{name}: {text}" for text in _changed_files(found[name], place)]
    return problems


def _changed_files(distribution: metadata.Distribution, place: Path) -> list[str]:
    problems = []
    for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        path, digest = row[0], row[1] if len(row) > 1 else ""
        # Scripts outside the packages' folder are removed on purpose; compiled files are made anew for each Python.
        if not digest.startswith("sha256=") or path.startswith("..") or path.endswith(".pyc"):
            continue
        try:
            content = (place / path).read_bytes()
        except OSError:
            problems.append(f"the file {path} is missing.")
            continue
        if base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=") != digest[7:]:
            problems.append(f"the file {path} was changed.")
    return problems
