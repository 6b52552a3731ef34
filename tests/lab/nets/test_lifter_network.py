"""The temporal network, its training and its export; these need PyTorch."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pose_core.errors import ModelError, MotionFileError
from pose_core.lab.datasets.mocap import MocapSplit
from pose_core.lab.nets.lifter import LifterNetwork, LifterShape
from pose_core.lab.train.common.checkpoint import load_checkpoint
from pose_core.lab.train.lifter import export
from pose_core.lab.train.lifter.extra_losses import (
    ExtraTargets,
    ExtraWeights,
    covariance_loss,
    extra_loss,
    posture_loss,
)
from pose_core.lab.train.lifter.initial import read_exported_weights, start_from
from pose_core.lab.train.lifter.loop import CHECKPOINT, HISTORY, TrainSettings, load_network, train_lifter
from pose_core.lab.train.lifter.losses import LossWeights, lifter_loss
from pose_core.lab.train.lifter.mixing import mix_checkpoints, mix_weights
from pose_core.lab.train.lifter.samples import SampleSettings
from pose_core.lift.features import FEATURE_COUNT, INPUT_JOINTS, make_features
from pose_core.lift.temporal import open_lifter
from pose_core.skeletons import CANONICAL
from tests.lab.train.test_mocap import write_archive
from tests.lab.train.test_samples import recordings
from tests.support.synthetic import walking_joints

pytestmark = pytest.mark.train

SMALL = LifterShape(channels=32, dilations=(1, 2), pose_blocks=1)


def features(batch, steps, shape=SMALL, seed=0):
    return torch.randn(batch, steps, shape.frames_per_step, FEATURE_COUNT, generator=torch.manual_seed(seed))


def make_network():
    torch.manual_seed(5)
    network = LifterNetwork(SMALL).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return network


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_shapes_for_any_length(steps):
    joints, log_sigma, contacts = make_network()(features(2, steps))
    assert joints.shape == (2, steps, 2, len(CANONICAL), 3) and log_sigma.shape == (2, steps, 2, len(CANONICAL))
    assert contacts.shape == (2, steps, 2, 4)
    assert torch.all(joints[:, :, :, 0] == 0)


def test_an_answer_depends_on_its_reach_alone():
    network, x = make_network(), features(1, 40)
    reach = SMALL.reach_steps
    changed = x.clone()
    changed[:, 20 + reach + 1 :] += 1.0
    same, other = network(x)[0], network(changed)[0]
    assert torch.allclose(same[:, :21], other[:, :21], atol=1e-6)
    assert not torch.allclose(same[:, 21], other[:, 21], atol=1e-4)


def filmed(depth_m, joints):
    """Features of joints (T, J, 3) filmed from straight ahead without any error."""
    points = joints[:, INPUT_JOINTS] + np.array([0.0, 0.0, depth_m])
    made = make_features(points[..., :2] / points[..., 2:], np.ones(points.shape[:2]))
    return made, joints @ np.swapaxes(made.R_virtual_camera, -1, -2)


def test_seen_joints_lie_on_their_rays_at_the_depth_that_was_found():
    world = walking_joints(40, heading_rad=0.7)
    joints = (world - world[:, :1]) @ np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
    depth_m = 4.0
    made, truth = filmed(depth_m, joints)
    rays = make_network().rays
    x = torch.from_numpy(made.features.reshape(1, 20, 2, FEATURE_COUNT))
    wrong = torch.from_numpy(truth[:, 1:].reshape(1, 20, 2, -1, 3).astype(np.float32))
    wrong[..., :2] += 0.3  # the depths are right, the rest is not
    with torch.no_grad():
        for parameter in rays.parameters():
            parameter.zero_()
        rays.place.common.bias[3:] = 20.0  # full trust in the picture
        # the distance of the pelvis, and where it is beside the middle of the hips in the picture: both exact here
        middle = np.mean(made.features.reshape(40, -1)[:, :60].reshape(40, 20, 3)[:, [2, 3], :2], axis=1)
        pelvis = np.array([0.0, 0.0, depth_m]) @ np.swapaxes(made.R_virtual_camera, -1, -2)
        extent = np.exp(made.features[:, -1]) * pelvis[:, 2]
        shift = pelvis[:, :2] / pelvis[:, 2:] / (0.5 * np.exp(made.features[:, -1:])) - middle
        exact = np.concatenate([np.log(extent)[:, None] - 0.4, shift], axis=1).reshape(20, 2, 3)
        place = torch.zeros(1, 20, 2, 3 + len(CANONICAL) - 1)
        place[..., :3], place[..., 3:] = torch.from_numpy(exact.astype(np.float32)), 20.0
        rays.place.forward = lambda _: place
        mended = rays(torch.zeros(1, 20, SMALL.channels), x, wrong).numpy().reshape(40, -1, 3)
    seen = [j - 1 for j in INPUT_JOINTS]
    unseen = sorted(set(range(len(CANONICAL) - 1)) - set(seen))
    assert np.abs(mended[:, seen] - truth[:, 1:][:, seen]).max() < 1e-3
    assert np.allclose(mended[:, unseen], wrong.numpy().reshape(40, -1, 3)[:, unseen])


def test_joints_that_nobody_saw_are_left_to_the_network():
    network, x = make_network(), features(1, 10)
    x[..., 2 : 3 * len(INPUT_JOINTS) : 3] = 0.0  # confidence
    assert network.rays is not None
    joints = torch.randn(1, 10, 2, len(CANONICAL) - 1, 3)
    assert torch.equal(network.rays(torch.randn(1, 10, SMALL.channels), x, joints), joints)


def perfect_output(target):
    return target.clone(), torch.full(target.shape[:3], -3.0), torch.zeros(*target.shape[:2], 4)


def test_loss_is_least_for_the_truth():
    target = torch.randn(2, 10, len(CANONICAL), 3)
    target[:, :, 0] = 0
    weight, frame = torch.ones(2, len(CANONICAL)), torch.ones(2, 10)
    contacts, trusted = torch.zeros(2, 10, 4), torch.ones(2)

    def loss(output):
        return lifter_loss(output, target, weight, frame, contacts, trusted, LossWeights())

    best, terms = loss(perfect_output(target))
    assert float(terms["position"]) < 1e-4 and float(terms["velocity"]) < 1e-4 and float(terms["direction"]) < 1e-2
    for change in (1.1 * target, target + 0.05, target.flip(1)):
        assert float(loss((change, *perfect_output(target)[1:]))[0]) > float(best)


def test_sigma_loss_is_least_at_the_size_of_the_errors():
    target = torch.zeros(4, 50, len(CANONICAL), 3)
    error = torch.distributions.Laplace(0.0, 0.05 / 2**0.5).sample(target.shape)
    values = []
    for sigma in (0.025, 0.05, 0.1):
        output = (target + error, torch.full(target.shape[:3], float(np.log(sigma))), torch.zeros(4, 50, 4))
        terms = lifter_loss(
            output, target, torch.ones(4, len(CANONICAL)), torch.ones(4, 50), torch.zeros(4, 50, 4), torch.ones(4),
            LossWeights(),
        )[1]  # fmt: skip
        values.append(float(terms["sigma"]))
    assert values[1] < values[0] and values[1] < values[2]


def test_joints_of_weight_zero_do_not_count():
    target = torch.randn(1, 8, len(CANONICAL), 3)
    weight = torch.ones(1, len(CANONICAL))
    weight[:, 5] = 0
    output = perfect_output(target)
    output[0][:, :, 5] += 10.0
    _, terms = lifter_loss(output, target, weight, torch.ones(1, 8), torch.zeros(1, 8, 4), torch.ones(1), LossWeights())
    assert float(terms["position"]) < 1e-4 and float(terms["velocity"]) < 1e-4


def extra_targets(joints):
    batch, frames = joints.shape[:2]
    up = torch.nn.functional.normalize(torch.randn(batch, frames, 3), dim=-1)
    return ExtraTargets(
        joints, torch.ones(batch, len(CANONICAL)), torch.ones(batch, frames), up,
        torch.randint(0, 2, (batch, frames, 6)).float(), torch.ones(batch),
    )  # fmt: skip


def test_further_answers_leave_the_first_three_as_they_are():
    plain = make_network()
    more = LifterNetwork(replace(SMALL, extras=True)).eval()
    start_from(more, dict(plain.named_parameters()))
    x = features(2, 5)
    answers = more(x)
    assert all(torch.equal(a, b) for a, b in zip(plain(x), answers, strict=False))
    assert [a.shape[3:] for a in answers[3:]] == [(24, 6), (4,), (4, 10), (6,)]
    loss, terms = extra_loss(
        tuple(a.flatten(1, 2) for a in answers), extra_targets(torch.randn(2, 10, 24, 3)), ExtraWeights()
    )
    loss.backward()
    assert torch.isfinite(loss) and set(terms) == {"posture", "covariance", "up", "bend", "support"}
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in more.extras.parameters())


def test_covariance_loss_is_least_at_the_spread_of_the_errors():
    """The distribution whose likelihood it is, drawn: Gamma(3) lengths of a sphere's directions, by half."""
    torch.manual_seed(0)
    direction = torch.nn.functional.normalize(torch.randn(1, 40000, 24, 3), dim=-1)
    length = torch.distributions.Gamma(3.0, 2.0).sample((1, 40000, 24))
    spread = torch.tensor([0.02, 0.03, 0.09])
    error = direction * length[..., None] * spread
    target = extra_targets(torch.zeros(1, 40000, 24, 3))
    factor = torch.zeros(1, 40000, 24, 6)

    def loss(log):
        factor[..., :3] = log
        return float(covariance_loss(error, factor, target))

    best = -torch.log(spread)
    for axis in range(3):
        for step in (-0.2, 0.2):
            assert loss(best + step * torch.eye(3)[axis]) > loss(best)


def test_the_posture_loss_prefers_a_branch_to_the_mean_of_two():
    """One in three bends the knee by half a metre, two stand straight: nobody is between, and there is no answer."""
    knee = CANONICAL.index("left_knee")
    truth = torch.zeros(3, 1, 24, 3)
    truth[2, :, knee, 2] = 0.5

    def loss(depth):
        joints = torch.zeros(3, 1, 24, 3)
        joints[:, :, knee, 2] = depth
        return float(posture_loss(joints, extra_targets(truth), 0.05))

    assert loss(0.0) < loss(0.5 / 3) and loss(0.0) < loss(0.25) and loss(0.0) < loss(0.5) < loss(0.25)


def split():
    r = recordings()
    return MocapSplit(r.take(np.array([0, 1])), r.take(np.array([2])), r.take(np.array([], dtype=np.int64)))


def run(folder, steps, resume=False):
    settings = TrainSettings(
        steps=steps, batch=4, bfloat16=False, warm_up=5, validate_minutes=99, checkpoint_minutes=99
    )
    return train_lifter(split(), SMALL, SampleSettings(frames=24), settings, folder, resume=resume)


def test_training_repeats_itself_and_learns(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        first, second = run(tmp_path / "a", 12), run(tmp_path / "b", 12)
    finally:
        torch.set_num_threads(threads)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    rows = [json.loads(line) for line in (tmp_path / "a" / HISTORY).read_text().splitlines()]
    assert rows[-1]["step"] == 12 and "subjects exact" in rows[-1]["held_out"]


def test_resuming_goes_on_where_it_stopped(tmp_path):
    run(tmp_path, 6)
    before = load_checkpoint(tmp_path / CHECKPOINT)[1]
    run(tmp_path, 9, resume=True)
    groups, after = load_checkpoint(tmp_path / CHECKPOINT)
    assert before["step"] == 6 and after["step"] == 9
    assert set(groups) == {"network", "mean", "first", "second"}
    network, _ = load_network(tmp_path / CHECKPOINT)
    assert network.shape == SMALL


def test_damaged_checkpoint(tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(MotionFileError, match="checkpoint"):
        load_checkpoint(tmp_path / CHECKPOINT)


def test_mixed_networks_lie_between_and_keep_their_heads(tmp_path):
    run(tmp_path / "own", 2)
    run(tmp_path / "other", 4)
    own, other = (load_network(tmp_path / name / CHECKPOINT)[0].state_dict() for name in ("own", "other"))
    note = mix_checkpoints(tmp_path / "own" / CHECKPOINT, tmp_path / "other" / CHECKPOINT, 0.25)
    network, facts = load_network(tmp_path / "own" / CHECKPOINT)
    assert facts["mixed_in"] == note and note["steps"] == 4
    for name, value in network.state_dict().items():
        share = 0.0 if name.startswith("contacts.") else 0.25
        assert torch.allclose(value, (1 - share) * own[name] + share * other[name], atol=1e-7), name
    with pytest.raises(ModelError, match="mixed in"):
        mix_weights(own, {**other, "norm.weight": torch.ones(3)}, 0.5)
    with pytest.raises(ModelError, match="mixed in"):
        mix_weights(own, other, 1.5)


def test_heads_alone_leave_joints_as_they_were(tmp_path):
    settings = TrainSettings(steps=3, batch=4, heads_only=True, validate_minutes=60)
    start = dict(make_network().named_parameters())
    samples = SampleSettings(frames=40)
    trained = train_lifter(split(), replace(SMALL, extras=True), samples, settings, tmp_path, start=start)
    for name, value in trained.named_parameters():
        if name in start:
            assert torch.equal(value, start[name]) != name.startswith("contacts.") or value.numel() == 0, name


def write_lifter(folder, network):
    path = folder / "lifter.onnx"
    difference = export.export_onnx(network, path)
    export.write_facts(folder / "lifter.json", path, network, np.ones(len(CANONICAL)), {})
    return path, difference


def test_export_agrees_and_any_length_is_cut_without_a_trace(tmp_path, monkeypatch):
    network = make_network()
    path, difference = write_lifter(tmp_path, network)
    assert difference < export.PARITY_M
    assert str(Path(torch.__file__).parent).encode() not in path.read_bytes()  # the exporter notes where code lies
    lifter = open_lifter(path)
    x = np.random.default_rng(1).normal(0, 0.5, (101, FEATURE_COUNT)).astype(np.float32)
    whole = lifter.lift(x)
    monkeypatch.setattr("pose_core.lift.temporal._CHUNK_STEPS", 7)
    for a, b in zip(whole, lifter.lift(x), strict=True):
        assert a.shape[0] == 101 and np.allclose(a, b, atol=1e-5)


def test_an_exported_network_can_be_gone_on_from(tmp_path):
    network = make_network()
    path, _ = write_lifter(tmp_path, network)
    weights = read_exported_weights(path)
    other = LifterNetwork(SMALL)
    assert start_from(other, weights) == []
    for name, parameter in other.named_parameters():
        assert torch.equal(parameter, network.state_dict()[name]), name
    longer = LifterNetwork(LifterShape(channels=32, dilations=(1, 2, 2), pose_blocks=1))
    assert set(start_from(longer, weights)) == {n for n, _ in longer.named_parameters() if n.startswith("times.2.")}
    with pytest.raises(ModelError, match="another network"):
        start_from(LifterNetwork(LifterShape(channels=16, dilations=(1, 2), pose_blocks=1)), weights)
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        read_exported_weights(tmp_path / "broken.onnx")


def test_an_export_that_differs_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_largest_difference", lambda network, path: 1.0)
    with pytest.raises(ModelError, match="differs"):
        export.export_onnx(make_network(), tmp_path / "lifter.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_script_trains_exports_and_describes(tmp_path):
    clips = [walking_joints(60, heading_rad=k) for k in range(4)]
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    write_archive(data / "a.npz", clips, ["somebody", "cmu_13", "cmu_49", "actor"], ["s", "s", "s", "fair"])
    script = Path(__file__).resolve().parents[3] / "scripts" / "train_lifter.py"
    command = [sys.executable, str(script), "--data", str(data), "--out", str(out), "--steps", "2"]
    command += ["--batch", "2", "--frames", "20", "--channels", "16", "--threads", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in out.iterdir()} >= {"lifter.onnx", "lifter.json", "lifter_training.png", "MODEL_CARD.md"}
    facts = json.loads((out / "lifter.json").read_text())
    assert facts["parity_m"] < 1e-4 and facts["training"]["steps"] == 2
    assert {"sources, exact", "all held-out subjects, noisy"} <= set(facts["held_out"])
    assert "mocap.cs.cmu.edu" in (out / "MODEL_CARD.md").read_text()
    assert len(facts["sha256"]) == 64 and open_lifter(out / "lifter.onnx").frames_per_step == 2
