#!/usr/bin/env python3
"""Change one line at a time and see whether the nearest tests notice.

Usage: `.venv/bin/python scripts/mutate.py [--count 60] [--seed 1] [--minutes 30] [--only PART]`

Seeded changes over the modules whose mistakes nobody sees at once: solve, retarget, track, lift, casting. Works on a
copy in a temporary folder, never in this tree. Prints every change with what became of it; a change that no test
notices is a gap in the tests, or does not change what the code does. Ends with 1 if fewer than nine in ten are caught.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from _root import ROOT
from tools.import_graph import module_name, project_imports, project_modules
from tools.mutations import Mutation, find_mutations, nearest_tests

TARGETS = ("pose_core/solve/", "pose_core/retarget/", "pose_core/track/", "pose_core/lift/", "pose_core/casting.py")
# Files whose lines only tests with the downloaded model run, which take too long here.
LEFT_OUT = ("pose_core/track/networks.py",)
MARKERS = "not model and not blender and not ui and not train"
LEAST_SHARE = 0.9
MOST_A_FILE = 3


def main() -> int:
    """Draw the changes, try each, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60, help="changes to try (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which changes (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=30.0, help="begin no change after this (default: %(default)s)")
    parser.add_argument(
        "--timeout", type=float, default=150.0, metavar="S", help="a test run that lasts longer has noticed"
    )
    parser.add_argument("--only", default="", metavar="PART", help="only files with this in their path")
    options = parser.parse_args()
    files = [path for path in source_files() if options.only in path]
    mutations = draw(files, options.count, options.seed)
    tests = tests_of(sorted({m.path for m in mutations}))
    ends = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="pose-core-mutate-") as folder:
        copy = copy_project(Path(folder))
        used = sorted({test for m in mutations for test in tests[m.path]})
        print(
            f"{len(mutations)} changes in {len(tests)} files; first their {len(used)} test files as they are ...",
            flush=True,
        )
        if run_tests(copy, used, timeout_s=None) != 0:
            print("The tests fail without any change.", file=sys.stderr)
            return 2
        rows = []
        for mutation in mutations:
            if time.monotonic() > ends:
                print(f"Time is up: {len(mutations) - len(rows)} changes were not tried.")
                break
            rows.append((mutation, attempt(copy, mutation, tests[mutation.path], options.timeout)))
            print_row(*rows[-1])
    caught = sum(state != "survived" for _, state in rows)
    print(f"\n{caught} of {len(rows)} caught ({100 * caught / max(len(rows), 1):.0f} %), seed {options.seed}")
    return 0 if caught >= LEAST_SHARE * len(rows) else 1


def source_files() -> list[str]:
    """Paths of the files that may be changed, relative to the project."""
    every = sorted(
        p.relative_to(ROOT).as_posix() for p in (ROOT / "pose_core").rglob("*.py") if p.name != "__init__.py"
    )
    return [path for path in every if path.startswith(TARGETS) and path not in LEFT_OUT]


def draw(files: list[str], count: int, seed: int) -> list[Mutation]:
    """Random changes, a few a file at most, in the order of the files."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    some = []
    for path in files:
        every = find_mutations(path, (ROOT / path).read_text(encoding="utf-8"))
        some += rng.sample(every, min(MOST_A_FILE, len(every)))
    return sorted(rng.sample(some, min(count, len(some))), key=lambda m: (m.path, m.line))


def tests_of(files: list[str]) -> dict[str, list[str]]:
    """The nearest test files of every file."""
    package, tests = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for i in project_imports():
        path = project_modules()[i.importer].relative_to(ROOT)
        if path.parts[0] == "pose_core":
            package[i.importer].add(i.module)
        elif path.name.startswith("test_") and not {"blender", "ui"} & set(path.parts):
            tests[path.as_posix()].add(i.module)
    return {path: nearest_tests(module_name(ROOT / path), package, tests) for path in files}


def copy_project(folder: Path) -> Path:
    """A copy of the files of the repository; what lies beside the project is linked beside the copy."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    copy = folder / "project"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    shared = ROOT.parent / "shared"
    if shared.is_dir():
        (folder / "shared").symlink_to(shared.resolve(), target_is_directory=True)
    return copy


def attempt(copy: Path, mutation: Mutation, tests: list[str], timeout_s: float) -> str:
    """Make a change, run tests, take the change back: `caught`, `timeout` (a loop without end) or `survived`."""
    file = copy / mutation.path
    source = file.read_text(encoding="utf-8")
    file.write_text(mutation.apply(source), encoding="utf-8")
    try:
        return {0: "survived", None: "timeout"}.get(run_tests(copy, tests, timeout_s), "caught")
    finally:
        file.write_text(source, encoding="utf-8")


def run_tests(copy: Path, tests: list[str], timeout_s: float | None) -> int | None:
    """Exit code of pytest, None if it took too long."""
    # no byte code: a change within one second of the last would not be seen
    argv = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", MARKERS, *tests]
    try:
        return subprocess.run(argv, cwd=copy, capture_output=True, check=False, timeout=timeout_s).returncode
    except subprocess.TimeoutExpired:
        return None


def print_row(mutation: Mutation, state: str) -> None:
    """One change and what became of it."""
    print(f"{state:<9} {mutation.path}:{mutation.line} ({mutation.kind})", flush=True)
    if state == "survived":
        print(f"          - {mutation.before.strip()}\n          + {mutation.after.strip()}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
