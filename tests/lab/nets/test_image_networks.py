"""What holds for every image network: shapes, gradients, learning, export, bad input. These need PyTorch."""

import dataclasses

import numpy as np
import pytest
import torch

from pose_core.errors import ConfigError, ModelError, ShapeError
from pose_core.lab.datasets.augment import scale_crops
from pose_core.lab.nets.maps import gaussian_maps, read_maps
from pose_core.lab.nets.outputs import PoseLabels
from pose_core.lab.nets.registry import NETWORKS, build_network, config_facts, config_from_facts, network_config
from pose_core.lab.train.images.batches import to_tensors
from pose_core.lab.train.images.export import PARITY_M, PARITY_PX, export_network
from pose_core.lab.train.images.loop import ImageTrainSettings, load_trained, predict, train_image_network
from pose_core.lab.train.images.samples import ImageSubset
from pose_core.lab.train.images.stick_figures import StickFigures
from pose_core.skeletons.h36m import H36M

pytestmark = pytest.mark.train

FIGURES = StickFigures(8, only_2d=False)
MOST_BYTES = 20e6
"""Of a file that could come with the package."""
NEED_3D = [name for name in NETWORKS if name not in ("tome2017", "li_chan2014_2d")]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def batch(name, rows=3, dataset=FIGURES):
    config = network_config(name, "tiny")
    crops = scale_crops(dataset.read(np.arange(rows)), config.image_size)
    return (*to_tensors(crops, torch.device("cpu"), np.full((rows, len(H36M)), 0.3)), config)


def last_stage(config):
    return config.recipe.stages[-1][0]


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_have_the_common_form(name):
    image, _, config = batch(name)
    output = build_network(name, config).eval()(image)
    assert output.joints_px.shape == (3, 17, 2) and output.confidence.shape == (3, 17)
    assert bool(((output.confidence >= 0) & (output.confidence <= 1)).all())
    if name != "li_chan2014_2d":
        assert output.joints_m.shape == (3, 17, 3)
        assert float(output.joints_m[:, 0].detach().abs().max()) < 1e-6, "relative to the pelvis"
    assert all(maps.shape[:2] == (3, 17) for maps in output.heatmaps)
    assert all(bool(torch.isfinite(v).all()) for v in (output.joints_px, *output.heatmaps))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_small_size_is_small(name):
    numbers = sum(p.numel() for p in build_network(name, network_config(name, "small")).parameters())
    assert 4 * numbers < MOST_BYTES


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_reaches_every_parameter(name):
    image, labels, config = batch(name)
    network = build_network(name, config)
    for stage, _ in config.recipe.stages:
        network.zero_grad(set_to_none=True)
        network.loss(network(image), labels, stage)[0].backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not bool((p.grad != 0).any())]
    assert without == []


@pytest.mark.parametrize("name", NETWORKS)
def test_eight_samples_are_learnt_by_heart(name, tmp_path):
    config = network_config(name, "tiny")
    settings = ImageTrainSettings(variation=None, validations=2, patience=0, seed=3)
    network = train_image_network(name, config, FIGURES, FIGURES, settings, tmp_path)
    _, facts = load_trained(tmp_path)
    assert facts["running"]["loss"] < 0.3 * facts["first_loss"][last_stage(config)]
    crops = scale_crops(FIGURES.read(np.arange(8)), config.image_size)
    said = predict(network, crops)
    # a mean pose in the middle of the picture is 9 % and 210 mm off
    off = np.linalg.norm(said["joints_px"] - crops.joints_px, axis=-1).mean() / config.image_size
    assert off < (0.1 if name == "tome2017" else 0.075)
    if name in NEED_3D:
        assert np.linalg.norm(said["joints_m"] - crops.joints_m, axis=-1).mean() < 0.15
    differences = export_network(network, tmp_path / "net.onnx", crops.take(np.arange(3)))
    assert differences["joints_px"] < PARITY_PX and differences.get("joints_m", 0.0) < PARITY_M


@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_of_another_size_are_refused(name):
    config = network_config(name, "tiny")
    with pytest.raises(ShapeError, match=f"3, {config.image_size}, {config.image_size}"):
        build_network(name, config)(torch.zeros(1, 3, 48, 48))


@pytest.mark.parametrize("name", NEED_3D)
def test_a_batch_without_3d_is_refused_by_a_loss_that_needs_it(name):
    image, labels, config = batch(name)
    flat = dataclasses.replace(labels, has_3d=torch.zeros(3))
    network = build_network(name, config)
    with pytest.raises(ShapeError, match="2D labels only"):
        network.loss(network(image), flat, last_stage(config))


@pytest.mark.parametrize("name", ["tome2017", "li_chan2014_2d"])
def test_2d_labels_are_enough_where_no_3d_is_learnt(name):
    image, labels, config = batch(name)
    flat = dataclasses.replace(labels, has_3d=torch.zeros(3), joints_m=torch.full((3, 17, 3), float("nan")))
    network = build_network(name, config)
    assert bool(torch.isfinite(network.loss(network(image), flat, last_stage(config))[0]))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_batch_without_any_label_is_refused(name):
    image, labels, config = batch(name)
    network = build_network(name, config)
    nothing = dataclasses.replace(labels, has_2d=torch.zeros(3, 17))
    with pytest.raises(ShapeError, match="2D labels"):
        network.loss(network(image), nothing, config.recipe.stages[0][0])


@pytest.mark.parametrize("field", ["joints_px", "joints_m"])
def test_labels_that_are_nan_are_refused(field):
    values = {
        "joints_px": torch.zeros(2, 17, 2), "has_2d": torch.ones(2, 17),
        "joints_m": torch.zeros(2, 17, 3), "has_3d": torch.ones(2),
    }  # fmt: skip
    PoseLabels(**values)
    values[field][1, 4, 1] = float("nan")
    with pytest.raises(ShapeError, match="NaN"):
        PoseLabels(**values)


def test_what_is_hidden_does_not_matter():
    image, labels, config = batch("habibie2019")
    network = build_network("habibie2019", config).eval()
    has_3d, has_2d = torch.tensor([1.0, 0.0, 1.0]), torch.ones(3, 17)
    has_2d[:, 3] = 0
    losses = []
    for filler in (0.0, 7.0):
        joints_m, joints_px = labels.joints_m.clone(), labels.joints_px.clone()
        joints_m[1], joints_px[:, 3] = filler, filler
        hidden = PoseLabels(joints_px, has_2d, joints_m, has_3d, labels.bone_lengths_m)
        losses.append(float(network.loss(network(image), hidden, "train")[0]))
    assert losses[0] == losses[1]


@pytest.mark.parametrize("name", NETWORKS)
def test_configurations_survive_json(name):
    for config in NETWORKS[name].configs.values():
        assert config_from_facts(NETWORKS[name].configs["tiny"], config_facts(config)) == config


def test_unknown_names_and_settings_are_refused():
    for arguments in (("alexnet", "tiny"), ("park2016", "huge"), ("park2016", "tiny", {"colour": "red"})):
        with pytest.raises(ConfigError):
            network_config(*arguments)
    with pytest.raises(ConfigError, match="roots"):
        network_config("park2016", "tiny", {"roots": [99]})


def run(tmp_path, steps, resume=False, name="li_chan2014", **changes):
    config = network_config(name, "tiny", {"dropout": 0.25, **changes})
    # the length is that of the whole run, however often it is cut
    settings = ImageTrainSettings(steps=steps, validations=2, patience=0)
    return train_image_network(name, config, FIGURES, FIGURES, settings, tmp_path, resume=resume)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path, monkeypatch):
    from pose_core.lab.train.images import loop as image_loop

    whole = run(tmp_path / "whole", 8)
    validate = image_loop._Run.validate

    def stop_early(self, *arguments):
        validate(self, *arguments)
        return True

    with monkeypatch.context() as patched:
        patched.setattr(image_loop._Run, "validate", stop_early)
        run(tmp_path / "parts", 8)
    _, facts = load_trained(tmp_path / "parts")
    assert facts["step"] == 4
    resumed = run(tmp_path / "parts", 8, resume=True)
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path):
    run(tmp_path, 2)
    with pytest.raises(ModelError, match="width"):
        run(tmp_path, 4, resume=True, width=32)
    with pytest.raises(ModelError, match="li_chan2014'"):
        train_image_network(
            "park2016", network_config("park2016", "tiny"), FIGURES, FIGURES, ImageTrainSettings(steps=2), tmp_path,
            resume=True,
        )  # fmt: skip


def test_a_run_without_progress_ends_early(tmp_path):
    config = network_config("li_chan2014", "tiny", {"recipe": {"learning_rate": 1e-12, "batch": 2}})
    settings = ImageTrainSettings(steps=60, validations=30, patience=2, variation=None)
    train_image_network("li_chan2014", config, FIGURES, ImageSubset(FIGURES, np.arange(2)), settings, tmp_path)
    assert load_trained(tmp_path)[1]["step"] < 60


def test_half_precision_finds_the_same_cells():
    joints = torch.tensor([[[13.0, 200.0], [240.0, 251.0]]])
    maps = gaussian_maps(joints, torch.ones(1, 2), 256, 64, 1.0)
    found, _ = read_maps(maps.bfloat16(), 256)
    assert torch.allclose(found, joints, atol=2.0) and found.dtype == torch.float32


def test_the_pose_layer_solves_in_full_precision():
    layer = build_network("tome2017", network_config("tome2017", "tiny")).pose_layer
    maps = torch.rand(2, 17, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        joints, drawn = layer(maps)
    expected, expected_drawn = layer(maps)
    assert torch.equal(joints, expected) and torch.equal(drawn, expected_drawn)


def test_it_learns_in_half_precision_on_a_processor(tmp_path):
    config = network_config("park2016", "tiny")
    settings = ImageTrainSettings(variation=None, validations=1, patience=0, half_on_cpu=True, steps=60)
    train_image_network("park2016", config, FIGURES, FIGURES, settings, tmp_path)
    _, facts = load_trained(tmp_path)
    assert facts["running"]["loss"] < 0.7 * facts["first_loss"]["train"]
