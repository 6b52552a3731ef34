"""Look in the package index whether the worker's pinned packages are there, by hash, for every machine that is named.

    python3 scripts/check_platforms.py            every machine and Python: prints the table that README shows
    python3 scripts/check_platforms.py --write    puts that table into README

Nothing is installed; pip fetches the wheels to read what they are. The exit code is 0 only if what is found is what
`pose_core/install/platforms.py` says, by which the Install button judges.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

from tools.command import clean_environment, run_quietly
from tools.errors import SetupError
from tools.paths import import_product, project_root, requirements_file
from tools.progress import Progress
from tools.python import base_python
from tools.wheels import lock_for, pip_target

import_product()

from pose_core.install import lock_file  # noqa: E402
from pose_core.install.platforms import DEFAULT_LOCK, PLATFORMS, PYTHONS, Platform  # noqa: E402
from pose_core.processes.pip_settings import pip_environment  # noqa: E402

BEGIN, END = "<!-- platforms -->", "<!-- end of platforms -->"
README = project_root() / "README.md"


def missing_packages(platform: Platform, python: tuple[int, int], progress: Progress) -> list[str]:
    """Names of the pinned packages that are not to be had for a machine.

    Raises:
        SetupError: the index cannot be asked.
    """
    lock = requirements_file(platform.lock or DEFAULT_LOCK)
    text = lock_for(platform, python, lock)
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    pip = [str(base_python()), "-I", "-m", "pip"]
    environment = pip_environment(pip, clean_environment())
    missing: list[str] = []
    label = f"{platform.name}, Python {'.'.join(map(str, python))}"
    with tempfile.TemporaryDirectory() as name, progress.step(label) as step:
        listed = Path(name) / "requirements.txt"
        while blocks:
            listed.write_text("".join(blocks), encoding="utf-8")
            argv = [*pip, "install", "--dry-run", "--ignore-installed", "--no-deps", "--require-hashes"]
            argv += ["--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
            argv += [*pip_target(platform, python), "--target", str(Path(name) / "none"), "-r", str(listed)]
            try:
                run_quietly(step, argv, log_name="platforms", env=environment)
                break
            except SetupError as error:
                found = re.search(r"No matching distribution found for ([A-Za-z0-9._-]+)", "\n".join(error.tail))
                if found is None:
                    raise
                missing.append(lock_file.normalised(found.group(1)))
                blocks = [block for block in blocks if not _is_of(block, missing[-1])]
    return missing


def _is_of(block: str, name: str) -> bool:
    pin = lock_file.pin_of(block.splitlines()[0]) if block.strip() else None
    return pin is not None and pin.name == name


def table() -> str:
    """The table of README, from what `platforms.py` says."""
    heads = [".".join(map(str, python)) for python in PYTHONS]
    lines = [f"| Worker on | {' | '.join(f'Python {head}' for head in heads)} |", "|---" * (len(heads) + 1) + "|"]
    for platform in PLATFORMS:
        if platform.missing:
            cells = [f"no: {', '.join(platform.missing)}", *[""] * (len(heads) - 1)]
        else:
            lacking = [platform.lacks(python) for python in PYTHONS]
            cells = [f"no: {', '.join(names)}" if names else "yes" for names in lacking]
        lines.append(f"| {platform.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_readme(text: str) -> None:
    """Put the table between its marks in README."""
    readme = README.read_text(encoding="utf-8")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    temporary = README.with_name(f".README.{os.getpid()}.md")
    temporary.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    temporary.replace(README)


def main() -> int:
    """Ask the index, compare, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into README")
    options = parser.parse_args()
    progress = Progress()
    wrong = []
    try:
        for platform in PLATFORMS:
            for python in PYTHONS:
                found = missing_packages(platform, python, progress)
                said = platform.lacks(python)
                # Where a machine is not served at all, one package that is missing is enough to be right.
                if set(found) != set(said) and not (platform.missing and found):
                    name = f"{platform.name}, Python {'.'.join(map(str, python))}"
                    wrong.append(f"{name}: {', '.join(found) or 'nothing'} is missing, but platforms.py says "
                                 f"{', '.join(said) or 'nothing'}")  # fmt: skip
                elif platform.missing and set(found) != set(said):
                    progress.note(f"{platform.name}, Python {'.'.join(map(str, python))}: {', '.join(found)}")
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{table()}")
    if options.write:
        write_readme(table())
    for line in wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
