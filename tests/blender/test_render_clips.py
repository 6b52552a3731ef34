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
FRAMES = 8


def _run(out, *options):
    bpy_python("5.0.1")
    mocap = shared_file("mocap/README.md").parent
    return run_process([sys.executable, str(SCRIPT), "--out", str(out), "--mocap", str(mocap), *options], None)


def test_a_clip_is_rendered_once_and_agrees_with_its_truth(tmp_path):
    run = _run(tmp_path, "--only", "stand_coat", "--frames", str(FRAMES))
    assert run.returncode == 0 and f"({FRAMES} frames rendered now" in run.output, run.output
    clip = clips_by_name()["stand_coat"].shortened(FRAMES)
    truth = read_truth(tmp_path, clip)
    with av.open(str(video_path(tmp_path, clip))) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height) == clip.size_px
        frames = [(float(f.time), f.to_ndarray(format="rgb24").astype(float)) for f in video.decode(video=0)]
    np.testing.assert_allclose([t for t, _ in frames], truth.time_s, atol=1e-4)

    # The person stands where the joints are, and nowhere else: what differs from the row above or below is the coat.
    picture = frames[0][1]
    px = truth.joints_px[0, 0]
    trunk = px[CANONICAL.indices("left_hip", "right_hip", "left_shoulder", "right_shoulder")]
    middle = trunk.mean(axis=0).round().astype(int)
    coat = picture[middle[1] - 6 : middle[1] + 6, middle[0] + 14 : middle[0] + 22].reshape(-1, 3).mean(axis=0)
    # between the thighs, where the coat hides the crotch, its colour goes on
    between = px[CANONICAL.indices("left_knee", "right_knee", "left_hip", "right_hip")].mean(axis=0).round().astype(int)
    below = picture[between[1] - 4 : between[1] + 4, between[0] + 14 : between[0] + 22].reshape(-1, 3).mean(axis=0)
    beside = picture[middle[1] - 6 : middle[1] + 6, middle[0] + 110 : middle[0] + 118].reshape(-1, 3).mean(axis=0)
    assert np.linalg.norm(coat - below) < 0.5 * np.linalg.norm(coat - beside)

    run = _run(tmp_path, "--only", "stand_coat", "--frames", str(FRAMES))
    assert run.returncode == 0 and "(0 frames rendered now)" in run.output, run.output


def test_clips_that_do_not_exist_are_refused(tmp_path):
    run = _run(tmp_path, "--only", "nothing")
    assert run.returncode == 2 and "There is no clip 'nothing'" in run.output
    run = _run(tmp_path, "--list")
    assert run.returncode == 0 and "stand_coat" in run.output and "missing" in run.output
