"""A rendered clip of a few frames, from the command line to the video: what is seen agrees with the truth."""

import sys

import numpy as np
import pytest

av = pytest.importorskip("av")

from pose_core.lab.rendered_clips.clips import clips_by_name
from pose_core.lab.rendered_clips.plan import video_path
from pose_core.lab.rendered_clips.truth import read_truth
from pose_core.skeletons import CANONICAL
from tests.support.blender import REPOSITORY, bpy_python, run_process
from tests.support.shared import shared_file

pytestmark = pytest.mark.blender

SCRIPT = REPOSITORY / "scripts" / "render_clips.py"
CLIP, FRAMES = "raise_arm_dress", 8
_TRUNK = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
_LEGS = ("left_hip", "right_hip", "left_knee", "right_knee")


def _tone(picture, place):
    """Colour without brightness round a place (x, y)."""
    x, y = np.round(place).astype(int)
    rgb = picture[y - 4 : y + 4, x - 4 : x + 4].reshape(-1, 3).mean(axis=0)
    return rgb / rgb.sum()


def _run(out, *options):
    bpy_python("5.0.1")
    mocap = shared_file("mocap/README.md").parent
    return run_process([sys.executable, str(SCRIPT), "--out", str(out), "--mocap", str(mocap), *options], None)


def test_a_clip_is_rendered_once_and_agrees_with_its_truth(tmp_path):
    run = _run(tmp_path, "--only", CLIP, "--frames", str(FRAMES))
    assert run.returncode == 0 and f"({FRAMES} frames rendered now" in run.output, run.output
    clip = clips_by_name()[CLIP].shortened(FRAMES)
    truth = read_truth(tmp_path, clip)
    with av.open(str(video_path(tmp_path, clip))) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height) == clip.size_px
        frames = [(float(f.time), f.to_ndarray(format="rgb24").astype(float)) for f in video.decode(video=0)]
    np.testing.assert_allclose([t for t, _ in frames], truth.time_s, atol=1e-4)

    # The dress is where the joints say, also between the legs, where it hides the crotch; beside them is the floor.
    px = truth.joints_px[0, 0]
    trunk, legs = (px[CANONICAL.indices(*names)].mean(axis=0) for names in (_TRUNK, _LEGS))
    coat, below = _tone(frames[0][1], trunk + [18, 0]), _tone(frames[0][1], legs + [12, 0])
    beside = [_tone(frames[0][1], legs + [shift, 0]) for shift in (-110, 110)]
    assert all(np.linalg.norm(coat - below) < 0.4 * np.linalg.norm(coat - other) for other in beside)

    run = _run(tmp_path, "--only", CLIP, "--frames", str(FRAMES))
    assert run.returncode == 0 and "(0 frames rendered now)" in run.output, run.output


def test_clips_that_do_not_exist_are_refused(tmp_path):
    run = _run(tmp_path, "--only", "nothing")
    assert run.returncode == 2 and "There is no clip 'nothing'" in run.output
    run = _run(tmp_path, "--list")
    assert run.returncode == 0 and "stand_coat" in run.output and "missing" in run.output
