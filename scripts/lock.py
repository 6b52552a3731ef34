"""Remake the lock files `requirements/*.txt` from `requirements/*.in`.

python3 scripts/lock.py             keep the pinned versions where the .in files still allow them
python3 scripts/lock.py --upgrade   take the newest versions
"""

import argparse
import subprocess
import sys

from tools.command import run_quietly
from tools.environments import Environment, ensure_environment
from tools.errors import SetupError
from tools.paths import cache_folder, project_root, requirements_file
from tools.progress import Progress
from tools.python import base_python, require_minimum

# For each lock: whether it must fit every system and Python (the bpy wheels fit one Python only), and what binds it.
LOCKS = {
    "lock": (True, None),
    "worker": (True, None),
    "dev": (True, "worker"),
    "build": (True, "dev"),
    "train": (False, "worker"),
    "interop": (False, None),
    "bpy-4.2.23": (False, None),
    "bpy-4.5.15": (False, None),
    "bpy-5.0.1": (False, None),
}


def _uv(progress: Progress) -> list[str]:
    environment = Environment(
        label="lock tool",
        folder=cache_folder() / "tools" / "uv",
        python=base_python(),
        lock_files=(requirements_file("lock"),),
        check="import uv",
    )
    return [str(ensure_environment(environment, progress)), "-m", "uv"]


def _compile(uv: list[str], name: str, upgrade: bool, progress: Progress) -> None:
    universal, constraint = LOCKS[name]
    argv = [
        *uv,
        *("pip", "compile", "--python-version", "3.11", "--generate-hashes"),
        *("--no-header", "--no-emit-index-url", "--no-emit-find-links"),
        *(["--universal"] if universal else []),
        *(["-c", f"requirements/{constraint}.txt"] if constraint else []),
        *(["--upgrade"] if upgrade else []),
        *("-o", f"requirements/{name}.txt", f"requirements/{name}.in"),
    ]
    with progress.step(f"requirements/{name}.txt") as step:
        run_quietly(step, argv, log_name="lock", cwd=project_root(), advice="see the conflict named above.")


def main() -> int:
    """Remake all lock files, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(LOCKS)} (default: all)")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that the .in files allow")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(LOCKS))
    if unknown:
        parser.error(f"no such lock: {', '.join(unknown)}")
    try:
        require_minimum()
        progress = Progress()
        uv = _uv(progress)
        for name in LOCKS:
            if not options.names or name in options.names:
                _compile(uv, name, options.upgrade, progress)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    subprocess.run(["git", "--no-pager", "diff", "--stat", "--", "requirements"], cwd=project_root(), check=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
