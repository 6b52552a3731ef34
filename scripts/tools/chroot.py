"""Commands that run inside another root file system, in namespaces of their own so that nothing leaks to the host."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
X_SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - the X protocol's fixed place, not a temporary file of ours


@dataclasses.dataclass(frozen=True)
class Bind:
    """A file or folder of the host that is visible inside, at the same absolute path."""

    path: Path
    read_only: bool = True


def root_command(
    root: Path,
    argv: Sequence[str | Path],
    share: Path | None = None,
    *,
    display: str | None = None,
    binds: Sequence[Bind] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> list[str]:
    """Return the command line, to be run as root, that runs `argv` inside `root`.

    The environment inside is a clean one: nothing of this process's is handed on. Killing the process kills all
    that was started inside. `/tmp` inside is empty and vanishes afterwards.

    Args:
        root: the other root file system.
        argv: program and arguments, as seen from inside.
        share: folder for scripts and results, visible and writable inside at the same absolute path; `HOME` is
            `share/home`.
        display: X display such as ":99"; its socket is made visible.
        binds: further files and folders to make visible.
        env: further environment variables.
        cwd: working folder inside; `share` or "/" by default.
    """
    all_binds = {str(bind.path.absolute()): bind.read_only for bind in binds}
    inside = {"PATH": SYSTEM_PATH, "HOME": "/root", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    inside["LIBGL_ALWAYS_SOFTWARE"] = "1"
    if share is not None:
        share = share.absolute()
        home = share / "home"
        home.mkdir(parents=True, exist_ok=True)
        all_binds[str(share)] = False
        inside["HOME"] = str(home)
    if display is not None:
        all_binds[str(X_SOCKETS)] = False
        inside["DISPLAY"] = display
    inside.update(env or {})
    spec = {
        "root": str(root.absolute()),
        "binds": sorted(all_binds.items()),
        "argv": [str(part) for part in argv],
        "env": inside,
        "cwd": str(cwd or share or "/"),
    }
    enter = Path(__file__).with_name("enter_root.py")
    namespaces = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    return [*namespaces, sys.executable, "-I", str(enter), json.dumps(spec)]


def run_in_root(
    root: Path,
    argv: Sequence[str | Path],
    share: Path | None = None,
    *,
    display: str | None = None,
    binds: Sequence[Bind] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run `argv` inside `root` (see `root_command`) and return its exit code and its output, both streams as one.

    Raises:
        subprocess.TimeoutExpired: it ran longer than `timeout_s`; everything inside has been killed.
    """
    return subprocess.run(
        root_command(root, argv, share, display=display, binds=binds, env=env, cwd=cwd),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
        check=False,
    )
