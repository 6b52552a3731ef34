"""Rendering a data set: resumable, seeded, and labels that agree with what Blender shows."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")

from pose_core.lab.datasets.images import Picture, read_picture
from pose_core.lab.datasets.layout import LABELS_FILE, read_labels
from pose_core.lab.datasets.rendered import read_rendered
from tests.support.blender import REPOSITORY, bpy_python, run_bpy_script, run_process
from tests.support.shared import shared_file

pytestmark = pytest.mark.blender

SCRIPT = REPOSITORY / "scripts" / "render_dataset.py"

# Compares the joints that labels are made of with the bones of the rig, and the camera with Blender's own.
AGREEMENT = """
import sys
from pathlib import Path
import bpy, numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

def main(args):
    sys.path.insert(0, args[0])
    from pose_core.lab.rendered_people.figure import Figure
    from pose_core.lab.rendered_people.people import draw_person
    from pose_core.lab.rendered_people.surroundings import Surroundings, set_up_render
    from pose_core.lab.rendered_people.views import draw_view
    from _mannequin import rig
    from pose_core.lab.mannequin.pose import pose_joints, solve_pose
    from pose_core.lab.mannequin.skeleton import JOINT_BONES
    from pose_core.skeletons import CANONICAL
    rng = np.random.default_rng(3)
    with np.load(args[1]) as data:
        motion = data["joints_m"][40:80].astype(float)
    set_up_render(96, 90)
    figure = Figure(draw_person(rng, 0.5), rng)
    pose = solve_pose(motion, figure.points)
    rig.keyframe_pose(figure.armature, pose.D, pose.root_m, figure.points)
    joints = pose_joints(pose, figure.points)
    here, around = bpy.context.scene, Surroundings("wild", [], rng)
    worst_m, worst_px = 0.0, 0.0
    for frame in (0, 20, 39):
        here.frame_set(frame + 1)
        view = draw_view(joints[frame], "wild", 96, rng)
        around.prepare(view, joints[frame], rng)
        bpy.context.view_layer.update()
        pixels = view.project(joints[frame])
        for j, (name, bone) in enumerate(zip(CANONICAL.names, JOINT_BONES)):
            data = figure.armature.data.bones[bone]
            local = data.matrix_local.inverted() @ Vector(figure.points[name])
            point = figure.armature.pose.bones[bone].matrix @ local
            worst_m = max(worst_m, float(np.linalg.norm(np.array(point) - joints[frame, j])))
            seen = world_to_camera_view(here, here.camera, point)
            worst_px = max(worst_px, float(np.hypot(seen.x * 96 - pixels[j, 0], (1 - seen.y) * 96 - pixels[j, 1])))
    return {"worst_m": worst_m, "worst_px": worst_px}
"""


def _render(out: Path, *options: str, version: str = "5.0.1"):
    bpy_python(version)
    mocap = shared_file("mocap/cmu_amc2.npz")
    folder = out.parent / "mocap"
    if not folder.exists():
        folder.mkdir()
        shutil.copy(mocap, folder)
    argv = [sys.executable, str(SCRIPT), "--out", str(out), "--size", "64", "--shard-size", "2", "--seed", "4",
            "--mocap", str(folder), *options]  # fmt: skip
    return run_process(argv, None)


def test_a_set_is_rendered_gone_on_with_and_the_same_again(tmp_path):
    out = tmp_path / "set"
    run = _render(out, "--count", "4")
    assert run.returncode == 0, run.output
    first = read_labels(out / "shard_00000")
    picture = read_picture(Picture(out / "shard_00000" / "000000.jpg"))
    assert picture.shape == (64, 64, 3) and picture.std() > 5
    batch = read_rendered(out, ("train", "wild_train")).read(np.arange(4))
    assert len(set(batch.look.tolist())) == 2

    # A shard that an interrupted run left half-done is made anew, the finished one is not touched.
    untouched = (out / "shard_00001" / LABELS_FILE).stat().st_mtime_ns
    (out / "shard_00000" / LABELS_FILE).unlink()
    (out / "shard_00000" / "000007.jpg").write_bytes(b"left over")
    run = _render(out, "--count", "4")
    assert run.returncode == 0 and "(2 rendered now" in run.output, run.output
    again = read_labels(out / "shard_00000")
    for name, values in first.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)
    np.testing.assert_array_equal(read_picture(Picture(out / "shard_00000" / "000000.jpg")), picture)
    assert not (out / "shard_00000" / "000007.jpg").exists()
    assert (out / "shard_00001" / LABELS_FILE).stat().st_mtime_ns == untouched

    # Longer: a short last shard grows to its full length, and then another follows.
    assert _render(out, "--count", "5").returncode == 0
    assert len(read_labels(out / "shard_00002")["frame"]) == 1
    run = _render(out, "--count", "6")
    assert run.returncode == 0 and "(2 rendered now" in run.output, run.output
    assert len(read_labels(out / "shard_00002")["frame"]) == 2

    run = _render(out, "--count", "6", "--seed", "5")
    assert run.returncode == 2 and "made with another seed" in run.output
    assert json.loads((out / "dataset.json").read_text(encoding="utf-8"))["seed"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--count", "0"), "--count must be 1 or more"),
        (("--count", "2", "--size", "5"), "--size must be 32 to 2048"),
        (("--count", "2", "--backgrounds", "nowhere"), "--backgrounds must name a folder"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path, options, message):
    run = _render(tmp_path / "set", *options)
    assert run.returncode == 2 and message in run.output
    assert not (tmp_path / "set").exists()


def test_labels_are_what_the_rig_and_the_camera_show(tmp_path):
    sample = REPOSITORY / "samples" / "mannequin_walk.motion_source.npz"
    run = run_bpy_script("5.0.1", AGREEMENT, [REPOSITORY / "scripts", sample], home=tmp_path)
    # Blender calculates in single precision.
    assert run.result["worst_m"] < 1e-4
    assert run.result["worst_px"] < 0.02
