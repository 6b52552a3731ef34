"""The whole road by one command: a video becomes motion, preview, FBX and blend file."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pose_core.motion_file import read_motion
from tests.support.blender import bpy_python, run_bpy_script
from tests.support.sources import REPOSITORY
from tools.environments import ensure_worker_env
from tools.progress import Progress
from tools.python import base_python

pytestmark = pytest.mark.blender

SAMPLE = REPOSITORY / "samples" / "mannequin_walk.mp4"

READ_BACK = """
import bpy

def main(args):
    kind, path = args
    if kind == "fbx":
        bpy.ops.import_scene.fbx(filepath=path, anim_offset=1.0)
    else:
        bpy.ops.wm.open_mainfile(filepath=path)
    rigs = [o for o in bpy.data.objects if o.type == "ARMATURE"]
    rig = next(o for o in rigs if o.animation_data and o.animation_data.action)
    first, last = rig.animation_data.action.frame_range
    scene = bpy.context.scene
    heads = []
    for frame in (first, (first + last) / 2):
        scene.frame_set(int(frame))
        heads.append([list(rig.matrix_world @ bone.head) for bone in rig.pose.bones])
    return {"bones": len(rig.pose.bones), "frames": last - first + 1, "heads": heads,
            "fps": scene.render.fps / scene.render.fps_base}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run quickstart on the sample once; pip is cut off, as a second run must install nothing."""
    bpy_python("5.0.1")
    ensure_worker_env(Progress(), "worker")
    out = tmp_path_factory.mktemp("quickstart")
    done = subprocess.run(
        [base_python(), REPOSITORY / "scripts" / "quickstart.py", "--out", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**{key: value for key, value in os.environ.items() if key != "BLENDER"}, "PIP_NO_INDEX": "1"},
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return out, done.stdout


def test_all_four_files_are_there_and_nothing_half_written(results: tuple[Path, str]) -> None:
    out, _ = results
    names = {path.name for path in out.iterdir() if path.stat().st_size > 0}
    wanted = {f"{SAMPLE.stem}.{suffix}" for suffix in ("motion.npz", "preview.mp4", "fbx", "blend")}
    assert wanted <= names
    assert names - wanted <= {f"{SAMPLE.stem}.report.json"}


def test_the_report_tells_what_came_out(results: tuple[Path, str]) -> None:
    for word in ("frames", "people found", "mean reprojection error", "px", "time", "track", "solve", "Blender"):
        assert word in results[1]


def test_a_second_run_makes_no_environment(results: tuple[Path, str]) -> None:
    assert "environment" not in results[1]


@pytest.mark.parametrize("kind", ["fbx", "blend"])
def test_the_character_moves_in_what_was_written(kind: str, results: tuple[Path, str], tmp_path: Path) -> None:
    out, _ = results
    motion = read_motion(out / f"{SAMPLE.stem}.motion.npz")
    path = out / f"{SAMPLE.stem}.{kind}"
    seen = run_bpy_script("5.0.1", READ_BACK, [kind, path], home=tmp_path).result
    heads = np.array(seen["heads"])
    assert seen["bones"] >= 20
    duration_s = motion.timestamps_s[-1] - motion.timestamps_s[0]
    # The last key may lie between two frames.
    assert abs((seen["frames"] - 1) / seen["fps"] - duration_s) <= 1.0 / seen["fps"]
    assert np.abs(heads[1] - heads[0]).max() > 0.1


def test_a_video_that_cannot_be_read_is_told_in_its_own_words(tmp_path: Path) -> None:
    video = tmp_path / "text.mp4"
    video.write_text("no video at all", encoding="utf-8")
    argv = [sys.executable, REPOSITORY / "scripts" / "quickstart.py", video, "--out", tmp_path / "out"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "text.mp4" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
