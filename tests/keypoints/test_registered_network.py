"""A network that always sees the same person, registered and used like any other model."""

import json
from pathlib import Path

import numpy as np
import pytest

from pose_core.cli.exit_codes import ExitCode
from pose_core.cli.main import main
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose_network import PoseNetworkKeypoints
from pose_core.motion_file import read_motion
from pose_core.video.frame import VideoFrame
from tests.support.onnx_file import SIZE_PX, standing_person, write_network
from tests.support.shared import shared_file
from tests.test_samples import SAMPLES


def test_what_it_sees_comes_back_in_pixels_and_metres(tmp_path: Path) -> None:
    network = PoseNetworkKeypoints(write_network(tmp_path / "person.onnx"), keypoint_set="h36m17", device="cpu")
    pose = network.estimate(VideoFrame.from_rgb(np.zeros((90, 90, 3), np.uint8)), Region(40, 50, SIZE_PX, SIZE_PX))
    px, metres = standing_person()
    assert pose is not None and pose.joints_m is not None
    assert np.allclose(pose.xy_px, px + (40 - SIZE_PX / 2, 50 - SIZE_PX / 2), atol=1e-4)
    assert np.allclose(pose.joints_m, metres, atol=1e-6)


def test_a_crop_that_would_grow_for_ever_ends_in_a_new_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path / "cache"))
    models = shared_file("models/yolox_nano.onnx").parent
    assert main(["models", "register", str(write_network(tmp_path / "person.onnx")), "--json"]) == ExitCode.OK
    facts = json.loads(capfd.readouterr().out)["models"][0]
    assert (facts["kind"], facts["state"], facts["title"]) == ("pose3d", "ready", "A person who stands")
    out = tmp_path / "walk.motion.npz"
    words = ["estimate", str(SAMPLES / "mannequin_walk.mp4"), "--out", str(out), "--model", "person"]
    code = main([*words, "--model-folder", str(models), "--device", "cpu", "--end", "1.2"])
    assert code == ExitCode.OK, capfd.readouterr().err
    motion = read_motion(out)
    assert motion.valid.mean() > 0.3
    assert np.isfinite(motion.joints_world_m[motion.valid]).all()
