"""Fill a folder with the wheels that the worker needs, for Install without a network ("Offline Packages").

    python3 scripts/offline_packages.py DIR                          for this machine, every Python
    python3 scripts/offline_packages.py DIR --python 3.13            for one Python, such as Blender's
    python3 scripts/offline_packages.py DIR --platform windows-x64   for another machine

The pose model comes by itself: put the wheel that `pose-core models list` names into a folder and choose that as
Model Folder, or copy the cache's folder `models`.
"""

import argparse
import sys
from pathlib import Path

from tools.errors import SetupError
from tools.progress import Progress
from tools.wheels import ensure_wheels, platforms

NAMES = {
    "windows-x64": platforms.WINDOWS,
    "linux-x86_64": platforms.LINUX_X86,
    "linux-aarch64": platforms.LINUX_ARM,
    "macos": platforms.MACOS,
    "macos-13": platforms.MACOS_13,
}


def main() -> int:
    """Fetch them, and say what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    pythons = {".".join(map(str, python)): python for python in platforms.PYTHONS}
    parser.add_argument("--python", choices=pythons, help="for one only (default: all)")
    parser.add_argument("--platform", choices=NAMES, help="for another machine (default: this one)")
    options = parser.parse_args()
    platform = NAMES.get(options.platform) or platforms.platform_of(platforms.this_machine())
    if platform is None or platform.lock is None:
        print("; ".join(platforms.why_not(platforms.this_machine())), file=sys.stderr)
        return 1
    wanted = [pythons[options.python]] if options.python else list(platforms.PYTHONS)
    served = [python for python in wanted if not platform.lacks(python)]
    for python in sorted(set(wanted) - set(served)):
        version = ".".join(map(str, python))
        print(f"{platform.name}, Python {version}: {', '.join(platform.lacks(python))} cannot be had", file=sys.stderr)
    if not served:
        return 1
    try:
        folder = ensure_wheels(Progress(), served, platform, options.folder.absolute())
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    wheels = list(folder.glob("*.whl"))
    size_mb = sum(wheel.stat().st_size for wheel in wheels) / 1e6
    print(f"{folder}: {len(wheels)} wheels, {size_mb:.0f} MB, for {platform.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
