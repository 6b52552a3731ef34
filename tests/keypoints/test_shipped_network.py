"""The network that comes with the package, used as a user would: no registration, nothing to fetch but the default."""

import json

import numpy as np
import pytest

from pose_core.cli.exit_codes import ExitCode
from pose_core.cli.main import main
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose_network import PoseNetworkKeypoints
from pose_core.lab.datasets.rendered import read_rendered
from pose_core.maths.metrics import mpjpe
from pose_core.motion_file import read_motion
from pose_core.runtime.store import ModelStore
from pose_core.video.frame import VideoFrame
from tests.test_samples import SAMPLES

NAME = "park2016-synthetic"
# Standing still in the same pose, seen from wherever: 238 mm (docs/results/seed_networks.md).
MEAN_POSE_M = 0.238


def test_it_sees_more_in_rendered_people_than_a_mean_pose():
    data = read_rendered(SAMPLES / "rendered_people", ("test",))
    batch = data.read(np.arange(len(data)))
    estimator = PoseNetworkKeypoints(ModelStore().path(NAME), keypoint_set="h36m17", device="cpu")
    side = batch.image.shape[1]
    region = Region(side / 2, side / 2, side, side)
    said = [estimator.estimate(VideoFrame.from_rgb(image), region) for image in batch.image]
    joints = np.array([pose.joints_m for pose in said])
    assert mpjpe(joints, batch.joints_m.astype(np.float64)) < 0.8 * MEAN_POSE_M
    off = np.linalg.norm(np.array([pose.xy_px for pose in said]) - batch.joints_px, axis=-1)
    assert np.median(off) < 0.08 * side


@pytest.mark.model
def test_it_can_be_chosen_without_more(tmp_path, capfd):
    out = tmp_path / "walk.motion.npz"
    clip = str(SAMPLES / "mannequin_walk.mp4")
    code = main(["estimate", clip, "--out", str(out), "--model", NAME, "--device", "cpu", "--end", "1.5", "--json"])
    told = capfd.readouterr()
    assert code == ExitCode.OK, told.err
    assert json.loads(told.out)["ok"]
    motion = read_motion(out)
    assert len(motion.keypoint_names) == 17 and motion.valid.mean() > 0.5
