"""Put the motion of videos or motion files on a character and export FBX, without a window.

    blender -b [FILE.blend] --python scripts/batch_retarget.py -- --video A.mp4 B.mp4 --rig HERO.fbx --out DIR
    python scripts/batch_retarget.py --motion A.motion.npz --rig HERO.fbx --out DIR      (a Python with bpy)

    ... --motion A.motion.npz --person 1=HeroRig --person 2=other.fbx      several people, all in one scene

Without --rig the armature of FILE.blend is used, or a new one is made. Each job starts from a fresh scene and leaves
NAME.fbx (or what --export names), NAME.report.json and, if asked, NAME.blend; a job that fails does not stop the
others.
The installed extension runs the same jobs as `blender --command pose_core batch ...`.
Exit codes: 0 all jobs done, 1 some failed, 2 bad usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))  # Blender does not do so

import tools.needs  # noqa: F401

# isort: split
import bpy

ROOT = Path(__file__).resolve().parents[1]


def _own_arguments() -> list[str]:
    """What is meant for this script: after `--`, or under the bpy module everything."""
    if "--" in sys.argv:
        return sys.argv[sys.argv.index("--") + 1 :]
    return [] if bpy.app.binary_path and not bpy.app.module else sys.argv[1:]


def _forget_installed() -> None:
    """Have `pose_core` loaded anew if an installed add-on has loaded its own, perhaps of another version."""
    loaded = sys.modules.get("pose_core")
    if loaded is not None and not Path(loaded.__file__ or "").resolve().is_relative_to(ROOT):
        for name in [name for name in sys.modules if name.partition(".")[0] == "pose_core"]:
            del sys.modules[name]


def main() -> None:
    """Run the batch with the modules beside this script, so that nothing needs to be installed."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    _forget_installed()
    environment = import_module("pose_core.install.environment")
    platforms = import_module("pose_core.install.platforms")

    def worker_python() -> Path:
        """The interpreter of the project's `.venv`, or where there is none, of the environment that the add-on made."""
        own: Path = environment.environment_python(ROOT / ".venv")
        lock = ROOT / "requirements" / f"{platforms.lock_name(platforms.this_machine())}.txt"
        installed: Path = environment.environment_python(environment.default_folder(lock))
        return installed if installed.is_file() and not own.is_file() else own

    command = import_module("blender_addon.batch.command")
    command.main(_own_arguments(), worker_python, "batch_retarget.py")


if __name__ == "__main__":
    main()
