"""What holds for the sources as a whole."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.light import IMPORT_WITH_NUMPY_ALONE, LIGHT_MODULES
from tests.support.sources import REPOSITORY, imports, project_files, text_files

PACKAGE = REPOSITORY / "pose_core"
SOURCES = sorted(PACKAGE.rglob("*.py"))
BLENDER_MODULES = {"bpy", "bpy_extras", "bmesh", "mathutils", "gpu", "gpu_extras", "blf", "addon_utils"}
MAXIMUM_LINES = 400


def _name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def test_there_are_sources() -> None:
    assert len(SOURCES) > 10


INSIDE_BLENDER = ("mannequin", "rendered_people", "rendered_clips", "retargeting", "bench")
"""Rooms of the laboratory whose parts run inside Blender: they render people and measure the add-on."""


def test_pose_core_never_imports_blender() -> None:
    found = [
        f"{_name(path)}:{line} {module}"
        for path in SOURCES
        if path.relative_to(PACKAGE).parts[0] != "lab" or path.relative_to(PACKAGE).parts[1] not in INSIDE_BLENDER
        for module, line, _ in imports(path)
        if module.partition(".")[0] in BLENDER_MODULES
    ]
    assert found == []


def test_torch_is_imported_with_a_module_only_in_the_laboratory() -> None:
    found = [
        f"{_name(path)}:{line}"
        for path in SOURCES
        for module, line, at_import in imports(path)
        if module.partition(".")[0] == "torch" and at_import
        if path.relative_to(PACKAGE).parts[0] != "lab"
    ]
    assert found == []


def test_the_scripts_that_set_up_need_the_standard_library_alone() -> None:
    scripts = REPOSITORY / "scripts"
    files = [*(scripts / "tools").glob("*.py"), *(scripts / f"{name}.py" for name in ("test", "quickstart", "lock"))]
    allowed = sys.stdlib_module_names | {"tools"}
    found = [
        f"{_name(path)}:{line} {module}"
        for path in files
        for module, line, _ in imports(path)
        if module.partition(".")[0] not in allowed
    ]
    assert found == []


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


def test_every_file_of_the_package_stays_readable() -> None:
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
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
