"""Runs a command where a folder is a small disk or cannot be written to: mounts that only this command sees.

As a script, inside a mount namespace of its own:  small_disk.py BYTES|ro FOLDER COPY COMMAND...
What is left in the folder is copied out, as the disk goes with the namespace. Linux, for the administrator alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

READ_ONLY = "ro"


@cache
def private_mounts_work() -> bool:
    """Whether this user may mount things that nobody else sees."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return False
    done = subprocess.run(_namespace("true"), capture_output=True, check=False)
    return done.returncode == 0


def small_disk_command(folder: Path, size: int, copy: Path, command: Sequence[str]) -> list[str]:
    """The command line that runs a command with a folder on a disk of so many bytes."""
    return _namespace(sys.executable, __file__, str(size), str(folder), str(copy), *command)


def read_only_command(folder: Path, copy: Path, command: Sequence[str]) -> list[str]:
    """The command line that runs a command with a folder that cannot be written to."""
    return _namespace(sys.executable, __file__, READ_ONLY, str(folder), str(copy), *command)


def _namespace(*command: str) -> list[str]:
    return ["unshare", "--mount", "--propagation", "private", *command]


def main(args: list[str]) -> int:
    """Mount, run, copy what is left."""
    size, folder, copy, *command = args
    if size == READ_ONLY:
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    else:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    code = subprocess.run(command, check=False).returncode
    shutil.copytree(folder, copy, symlinks=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
