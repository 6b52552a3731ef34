"""Have exported files read by programs of others and write `docs/results/interop.md`.

    python3 scripts/measure_interop.py [--page FILE]

Sets up what is missing: Blender as a Python module, npm packages, and Debian's Godot and assimp (on Debian as root).
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tools.blender import DEFAULT_BPY, ensure_bpy
from tools.command import clean_environment
from tools.environments import ensure_worker_env
from tools.errors import SetupError
from tools.interop import ensure_readers
from tools.paths import cache_folder, project_root
from tools.progress import Progress
from tools.python import leave_venv, require_minimum


def main() -> int:
    """Set up, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    page = project_root() / "docs" / "results" / "interop.md"
    parser.add_argument("--page", type=Path, default=page, help="where the page goes (default: docs/results)")
    options = parser.parse_args()
    leave_venv()
    progress = Progress(sys.stdout)
    try:
        require_minimum()
        python = ensure_worker_env(progress, "dev")
        ensure_bpy(DEFAULT_BPY, progress)
        readers = ensure_readers(progress)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    for reason in readers.missing.values():
        progress.note(f"not run: {reason}")
    env = clean_environment({"POSE_CORE_CACHE": str(cache_folder())})
    argv = [str(python), "-m", "tests.interop", str(options.page.absolute())]
    return subprocess.run(argv, cwd=project_root(), env=env, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
