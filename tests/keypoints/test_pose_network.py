"""A network trained here, registered and used like any other model. Training and export need PyTorch."""

import json

import numpy as np
import pytest
import torch

from pose_core.cli.exit_codes import ExitCode
from pose_core.cli.main import main
from pose_core.errors import ModelError
from pose_core.keypoints.crop import Region
from pose_core.keypoints.pose_network import PoseNetworkKeypoints
from pose_core.lab.datasets.augment import scale_crops
from pose_core.lab.nets.base import ImageNetwork, NetworkConfig
from pose_core.lab.nets.outputs import PoseOutput
from pose_core.lab.nets.registry import network_config
from pose_core.lab.train.images.export import export_network, write_description
from pose_core.lab.train.images.loop import ImageTrainConfig, train_image_network
from pose_core.lab.train.images.stick_figures import StickFigures
from pose_core.motion_file import read_motion
from pose_core.runtime.store import ModelStore
from pose_core.video.frame import VideoFrame
from tests.support.shared import shared_file
from tests.test_samples import SAMPLES

pytestmark = pytest.mark.train

FIGURES = StickFigures(8, 65, only_2d=False)


class OnePose(ImageNetwork):
    """Always sees the same standing person: what comes after the network is what is tested."""

    def __init__(self):
        super().__init__()
        self.config = NetworkConfig(image_size=64)
        batch = scale_crops(StickFigures(1, 64).read(np.arange(1)), 64)
        self.px = torch.nn.Parameter(torch.tensor(batch.joints_px))
        self.metres = torch.nn.Parameter(torch.tensor(batch.joints_m))

    def forward(self, image):
        light = image.mean(dim=(1, 2, 3))[:, None, None]
        return PoseOutput(self.px + light, 0.9 + 0.05 * light[..., 0] + 0 * self.px[..., 0], self.metres + 0 * light)


def exported(network, folder, name="seed"):
    path = folder / f"{name}.onnx"
    size = network.config.image_size
    export_network(network, path, scale_crops(StickFigures(2).read(np.arange(2)), size))
    write_description(path.with_suffix(".json"), path, network, {"title": "A seed", "licence": "CC0"})
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trained")
    settings = ImageTrainConfig(variation=None, validations=2, patience=0)
    network = train_image_network("park2016", network_config("park2016", "tiny"), FIGURES, FIGURES, settings, folder)
    return exported(network, folder)


def test_it_finds_in_a_frame_what_it_was_trained_on(trained):
    estimator = PoseNetworkKeypoints(trained, keypoint_set="h36m17", device="cpu")
    truth = FIGURES.read(np.arange(8))
    frame = np.full((200, 260, 3), 90, np.uint8)
    for i in range(8):
        frame[40:170, 50:180] = np.kron(truth.image[i], np.ones((2, 2, 1), np.uint8))
        pose = estimator.estimate(VideoFrame.from_rgb(frame), Region(115, 105, 130, 130))
        assert pose is not None and pose.joints_m is not None
        off = np.linalg.norm(pose.xy_px - (2 * truth.joints_px[i] + (50, 40)), axis=-1)
        assert off.mean() < 0.05 * 130
        assert np.linalg.norm(pose.joints_m - truth.joints_m[i], axis=-1).mean() < 0.08


def test_the_turn_of_a_region_is_taken_out_of_the_3d(trained):
    estimator = PoseNetworkKeypoints(trained, keypoint_set="h36m17", device="cpu")
    crop = FIGURES.read(np.arange(1)).image[0]
    upright = estimator.estimate(VideoFrame.from_rgb(crop), Region(32.5, 32.5, 65, 65))
    turned = estimator.estimate(
        VideoFrame.from_rgb(np.ascontiguousarray(np.rot90(crop, -1))), Region(32.5, 32.5, 65, 65, np.pi / 2)
    )
    assert upright is not None and turned is not None
    x, y, z = upright.joints_m.T
    assert np.allclose(turned.joints_m, np.stack([-y, x, z], axis=-1), atol=0.05)


def test_a_registered_network_makes_a_motion(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path / "cache"))
    shared_file("models/yolox_nano.onnx")
    models = str(shared_file("models"))
    onnx = exported(OnePose(), tmp_path)
    assert main(["models", "register", str(onnx), "--json"]) == ExitCode.OK
    facts = json.loads(capfd.readouterr().out)["models"][0]
    assert (facts["name"], facts["kind"], facts["keypoint_set"], facts["title"]) == (
        "seed",
        "pose3d",
        "h36m17",
        "A seed",
    )
    assert facts["licence"] == "CC0" and facts["state"] == "ready"
    assert main(["models", "list", "--json"]) == ExitCode.OK
    assert "seed" in [model["name"] for model in json.loads(capfd.readouterr().out)["models"]]

    out = tmp_path / "walk.motion.npz"
    words = ["estimate", str(SAMPLES / "mannequin_walk.mp4"), "--out", str(out), "--model", "seed"]
    code = main([*words, "--model-folder", models, "--device", "cpu", "--end", "1.2"])
    assert code == ExitCode.OK, capfd.readouterr().err
    motion = read_motion(out)
    assert motion.keypoint_names[0] == "pelvis" and len(motion.keypoint_names) == 17
    # a pose that never moves in its crop leads the crop astray, until the detector finds the person anew
    assert motion.valid.mean() > 0.5 and np.isfinite(motion.joints_world_m[motion.valid]).all()


def test_what_does_not_belong_together_is_refused(tmp_path):
    onnx = exported(OnePose(), tmp_path)
    store = ModelStore(tmp_path / "cache")
    description = onnx.with_suffix(".json")
    said = json.loads(description.read_text())
    for change in ({"sha256": "0" * 64}, {"version": 99}):
        description.write_text(json.dumps({**said, **change}))
        with pytest.raises(ModelError, match=r"hashes differ|version"):
            store.register(onnx)
    description.write_text("{")
    with pytest.raises(ModelError, match="Cannot read the description"):
        store.register(onnx)
    description.unlink()
    with pytest.raises(ModelError, match="kind must be"):
        store.register(onnx)
    entry = store.register(onnx, "pose3d", keypoint_set="coco17")
    with pytest.raises(ModelError, match="17 keypoints"):
        PoseNetworkKeypoints(store.path(entry.name), keypoint_set="halpe26", device="cpu").estimate(
            VideoFrame.from_rgb(np.zeros((80, 80, 3), np.uint8)), Region(40, 40, 60, 60)
        )


def test_a_network_of_another_kind_is_refused():
    with pytest.raises(ModelError, match="joints_px"):
        PoseNetworkKeypoints(shared_file("models/yolox_nano.onnx"), keypoint_set="h36m17", device="cpu")
