"""Enter another root file system inside a private mount and process namespace, and run one command there.

Started by `chroot.py` under `unshare --mount --pid --fork`; not for hands. The single argument is a JSON object:
root, binds [[path, read_only], ...], argv, env, cwd. This process stays as the namespace's first one, so that the
command gets ordinary signal handling and everything it leaves behind ends with it.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType


def _mount(*args: str) -> None:
    subprocess.run(["mount", *args], check=True, stdin=subprocess.DEVNULL)


def _mount_all(root: Path, binds: list[tuple[str, bool]]) -> None:
    _mount("-t", "proc", "proc", str(root / "proc"))
    _mount("--rbind", "/dev", str(root / "dev"))
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(root / "tmp"))
    # A folder before what lies in it, or the later mount would hide the earlier one.
    for path, read_only in sorted(binds, key=lambda bind: len(Path(bind[0]).parts)):
        inside = root / path.lstrip("/")
        if Path(path).is_dir():
            inside.mkdir(parents=True, exist_ok=True)
        else:
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.touch()
        _mount("--bind", path, str(inside))
        if read_only:
            _mount("-o", "remount,bind,ro", str(inside))


def _run_child(root: Path, argv: list[str], env: dict[str, str], cwd: str) -> int:
    child = os.fork()
    if child == 0:
        try:
            os.chroot(root)
            os.chdir(cwd)
            os.execvpe(argv[0], argv, env)  # noqa: S606 - an argument list, no shell
        except OSError as error:
            print(f"{argv[0]} could not be started in {root}: {error}", file=sys.stderr, flush=True)
        os._exit(127)

    def forward(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, forward)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main() -> int:
    """Mount, run, and return the command's exit code (128 + signal number if a signal ended it)."""
    spec = json.loads(sys.argv[1])
    root = Path(spec["root"])
    try:
        _mount_all(root, [(str(path), bool(read_only)) for path, read_only in spec["binds"]])
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"the mounts for {root} could not be made: {error}", file=sys.stderr, flush=True)
        return 126
    return _run_child(root, spec["argv"], spec["env"], spec["cwd"])


if __name__ == "__main__":
    raise SystemExit(main())
