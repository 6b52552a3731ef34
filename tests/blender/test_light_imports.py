"""The parts of pose_core that the add-on uses run in every Blender's own Python, with the numpy it brings."""

from pathlib import Path

import pytest

from tests.support import blender
from tests.support.light import IMPORT_WITH_NUMPY_ALONE, LIGHT_MODULES

pytestmark = pytest.mark.blender

SCRIPT = f"""
{IMPORT_WITH_NUMPY_ALONE}

def main(args):
    import_light(args)
    import numpy
    return {{"numpy": numpy.__version__, "modules": len(args)}}
"""


def test_light_modules_import_in_the_bpy_module(bpy_version: str, tmp_path: Path) -> None:
    run = blender.run_bpy_script(bpy_version, SCRIPT, LIGHT_MODULES, home=tmp_path)
    assert run.result["modules"] == len(LIGHT_MODULES)
    assert run.result["numpy"].startswith("1.26.")


def test_light_modules_import_in_the_full_blender(tmp_path: Path) -> None:
    run = blender.run_full_blender_script(SCRIPT, LIGHT_MODULES, share=tmp_path)
    assert run.result["modules"] == len(LIGHT_MODULES)
