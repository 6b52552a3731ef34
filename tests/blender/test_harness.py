"""The harness itself: a script's result comes back, and errors, crashes and hangs are seen."""

from pathlib import Path

import pytest

from tests.support import blender

pytestmark = pytest.mark.blender

REPORT = """
import os
import bpy

def main(args):
    return {
        "version": bpy.app.version_string,
        "args": args,
        "objects": len(bpy.data.objects),
        "home": os.path.expanduser("~"),
        "settings": bpy.utils.user_resource("CONFIG"),
    }
"""


def test_script_result_comes_back_from_every_bpy(bpy_version: str, tmp_path: Path) -> None:
    run = blender.run_bpy_script(bpy_version, REPORT, ["a b", "ü"], home=tmp_path)
    assert run.result["version"].split()[0] == bpy_version
    assert run.result["args"] == ["a b", "ü"]
    assert run.result["objects"] == 0
    assert Path(run.result["home"]).is_relative_to(tmp_path)
    assert Path(run.result["settings"]).is_relative_to(tmp_path)


def test_script_result_comes_back_from_the_full_blender(tmp_path: Path) -> None:
    run = blender.run_full_blender_script(REPORT, ["a b", "ü"], share=tmp_path)
    assert int(run.result["version"].split(".")[0]) >= 5
    assert run.result["args"] == ["a b", "ü"]
    assert run.result["objects"] == 0
    assert Path(run.result["home"]).is_relative_to(tmp_path)
    assert Path(run.result["settings"]).is_relative_to(tmp_path)


def test_the_full_blender_lacks_nothing_that_its_own_scripts_need(tmp_path: Path) -> None:
    arguments = ["-b", "--factory-startup", "-noaudio"]
    run = blender.run_full_blender(arguments, tmp_path)
    assert run.returncode == 0, run.output
    assert "Traceback" not in run.output
    assert "WARNING" not in run.output


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("raise ValueError('seen')", "ValueError: seen"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import os; print('half', flush=True); os._exit(0)", "half"),
        ("import ctypes; ctypes.string_at(0)", "Segmentation fault"),
    ],
)
def test_a_script_that_goes_wrong_fails_the_test_with_its_output(body: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=word):
        blender.run_bpy_script("5.0.1", f"def main(args):\n    {body}\n", home=tmp_path)


def test_a_script_that_hangs_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="no end after"):
        blender.run_bpy_script("5.0.1", "def main(args):\n    while True: pass\n", home=tmp_path, timeout_s=5)


def test_the_worker_python_runs_inside_the_full_blenders_root(tmp_path: Path) -> None:
    script = """
import subprocess

def main(args):
    code = "import pose_core, numpy, scipy, cv2, av, onnxruntime; from ai_edge_litert import interpreter; print('all')"
    done = subprocess.run([args[0], "-c", code], capture_output=True, text=True)
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}
"""
    run = blender.run_full_blender_script(script, [blender.worker_python()], share=tmp_path)
    assert (run.result["code"], run.result["out"].strip()) == (0, "all"), run.result["err"]
