"""What holds for the sources as a whole; which room may import which: `test_arrows.py`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.light import IMPORT_WITH_NUMPY_ALONE, LIGHT_MODULES
from tests.support.sources import REPOSITORY, imports, project_files, text_files

PACKAGE = REPOSITORY / "pose_core"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAXIMUM_LINES = 400


def _name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def test_there_are_sources() -> None:
    assert len(SOURCES) > 10


def test_the_scripts_that_set_up_need_the_standard_library_alone() -> None:
    scripts = REPOSITORY / "scripts"
    files = [*(scripts / "tools").glob("*.py"), *(scripts / f"{name}.py" for name in ("test", "quickstart", "lock"))]
    # Of the product what needs the standard library alone too: the next test sees to it.
    product = {"pose_core.errors", "pose_core.job_paths"}
    allowed = sys.stdlib_module_names | {"tools"}
    found = [
        f"{_name(path)}:{line} {module}"
        for path in files
        for module, line, _ in imports(path)
        if module.partition(".")[0] not in allowed
        and module not in product
        and not module.startswith(("pose_core.worker", "pose_core.install", "pose_core.processes"))
    ]
    assert found == []
    code = f"import sys; sys.path[:0] = [{str(scripts)!r}]; import tools.wheels"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # -S: without installed packages


def test_paths_are_checked_by_the_standard_library_alone() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import pose_core.job_paths as j; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(REPOSITORY)], capture_output=True, text=True, check=True
    )
    foreign = {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names
    assert foreign <= {"pose_core", "__main__", "sitecustomize"}


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_what_the_addon_uses_imports_with_numpy_alone(module: str) -> None:
    code = f"{IMPORT_WITH_NUMPY_ALONE}\nimport_light([{module!r}])\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_import_hook_refuses_what_it_should() -> None:
    code = f"{IMPORT_WITH_NUMPY_ALONE}\nimport_light(['scipy'])\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "scipy is not allowed here" in done.stderr


def test_every_file_stays_readable() -> None:
    files = [*SOURCES, *(p for name in ("blender_addon", "scripts") for p in (REPOSITORY / name).rglob("*.py"))]
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > MAXIMUM_LINES} == {}


# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = (
    r"(?<![\w.])/" + r"root/",
    r"(?<![\w.])/" + r"home/[a-z][\w-]*",
    r"(?<![\w.])/" + r"Users/[A-Za-z][\w-]*",
    r"(?<![\w.])/" + r"work/",
    r"[A-Z]:\\\\?" + r"Users\\",
    r"file://" + r"/[a-z]",
)


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    pattern = re.compile("|".join(MACHINE_PATHS))
    found = [
        f"{_name(path)}:{number}: {line.strip()[:100]}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("open('/" + "root/x')", True),
        ("see /" + "home/anna/project", True),
        ("file://" + "/opt/wheels", True),
        ("root / 'work/x'", False),
        ("https://example.org/home/page", False),
        ("{share}/home", False),
    ],
)
def test_the_pattern_of_machine_paths_tells_them_apart(line: str, is_found: bool) -> None:
    assert (re.search("|".join(MACHINE_PATHS), line) is not None) == is_found


def test_lock_files_name_no_package_index() -> None:
    locks = [path for path in project_files() if path.parent.name == "requirements"]
    assert locks
    found = [
        f"{_name(path)}: {line}"
        for path in locks
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"https?:|file:|--(extra-)?index-url|--find-links|--trusted-host", line)
    ]
    assert found == []


def test_nothing_that_users_run_in_blender_resets_their_settings() -> None:
    """Extensions are off after a factory reset, and Blender then deletes their modules from the user's disk."""
    word = "read_factory" + "_settings("
    folders = ("blender_addon", "pose_core", "scripts")
    found = [_name(path) for path, text in text_files() if _name(path).split("/")[0] in folders and word in text]
    assert found == []
