"""A few cases of the campaign of rigs, so that it does not rot."""

import sys
from pathlib import Path

import pytest

from scripts import campaign
from tests.support.blender import bpy_python, run_process

pytestmark = pytest.mark.blender

ARGUMENTS = ("rigs", "--cases", "110", "--minutes", "4", "--seed", "7", "--only", "family:")


def test_known_names_under_one_change_come_out_right(tmp_path: Path) -> None:
    bpy_python("5.0.1")  # skips where it is missing
    script = Path(campaign.__file__)
    own = ["--page", tmp_path / "page.md", "--outcomes", tmp_path]
    run = run_process([sys.executable, script, *ARGUMENTS, *own], None)
    assert run.returncode == 0, run.output
    lines = [line for line in run.output.splitlines() if line.startswith(("right ", "said ", "refused "))]
    assert len(lines) > 30 and "0 not as they should be" in run.output
