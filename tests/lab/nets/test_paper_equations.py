"""Losses against values worked out by hand, and what each paper's network must and must not do. These need PyTorch."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from pose_core.lab.datasets.augment import scale_crops
from pose_core.lab.nets import habibie2019, hourglass, li_chan2014, park2016
from pose_core.lab.nets.maps import gaussian_maps, gaussian_volumes, read_maps, read_volumes
from pose_core.lab.nets.outputs import PoseLabels
from pose_core.lab.nets.registry import build_network, network_config
from pose_core.lab.nets.tome2017 import LiftGrid, lift_poses
from pose_core.lab.nets.tome2017.layer import PoseLayer, solve_positive
from pose_core.lab.nets.tome2017.model import _shipped_prior
from pose_core.lab.train.images.batches import to_tensors
from pose_core.lab.train.images.stick_figures import StickFigures
from pose_core.skeletons import CANONICAL, joint_mapping
from pose_core.skeletons.h36m import H36M, H36M_FROM_CANONICAL, h36m_joints

pytestmark = pytest.mark.train

FIGURES = StickFigures(6, only_2d=False)


def labelled(config, rows=2):
    return to_tensors(
        scale_crops(FIGURES.read(np.arange(rows)), config.image_size), torch.device("cpu"), np.full((rows, 17), 0.25)
    )


def labels(**changes):
    values = {
        "joints_px": torch.zeros(1, 17, 2), "has_2d": torch.ones(1, 17), "joints_m": torch.zeros(1, 17, 3),
        "has_3d": torch.ones(1),
    }  # fmt: skip
    return PoseLabels(**{**values, **changes})


# maps


def test_maps_are_read_where_they_were_drawn():
    xy = 6 + 52 * torch.rand(3, 17, 2, generator=torch.manual_seed(0))
    read, height = read_maps(gaussian_maps(xy, torch.ones(3, 17), 64, 16, 1.0), 64)
    assert float((read - xy).abs().max()) < 0.25 * 4, "a quarter of a cell"
    assert float(height.min()) > 0.7
    cells = torch.tensor([[[5.0, 9.0, 3.0]]])
    volume = gaussian_volumes(cells, torch.ones(1, 1), 16, 8, 1.0, 1.0)
    assert volume.shape == (1, 1, 8, 16, 16) and int(volume.argmax()) == 3 * 256 + 9 * 16 + 5
    assert torch.allclose(read_volumes(volume)[0], cells, atol=1e-4)


# Park et al. 2016


def test_soft_classes_go_by_inverse_distance():
    # cells of 10 px; the joint is 2 px right of one centre, 8 px left of the next, and 10.2 and 12.8 px off others
    target, inside = park2016.grid_target(torch.tensor([[[17.0, 15.0]]]), torch.ones(1, 1), 40, 4)
    grid = target[0, 0].reshape(4, 4)
    assert float(inside) == 1.0
    assert float(grid[1, 1]) == pytest.approx((1 / 2) / (1 / 2 + 1 / 8), rel=1e-5)
    assert float(grid[1, 2]) == pytest.approx((1 / 8) / (1 / 2 + 1 / 8), rel=1e-5)
    assert int((grid > 0).sum()) == 2
    far, inside = park2016.grid_target(torch.tensor([[[-30.0, 15.0]]]), torch.ones(1, 1), 40, 4)
    assert float(inside) == 0.0 and float(far.sum()) == 0.0


def test_cross_entropy_and_root_error_by_hand():
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25]]]))
    entropy = park2016.grid_cross_entropy(logits, torch.tensor([[[0.5, 0.5, 0.0]]]))
    assert float(entropy) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(4), rel=1e-5)
    joints = torch.zeros(1, 17, 3)
    joints[0, 3] = torch.tensor([1.0, 2.0, 3.0])
    error = park2016.root_relative_error(torch.zeros(1, 17, 3), joints, 3)
    assert float(error[0, 3]) == 0.0 and float(error[0, 0]) == pytest.approx(14.0)


def test_the_3d_loss_does_not_reach_the_2d_classification():
    config = dataclasses.replace(park2016.TINY, weight_2d=0.0)
    image, truth = labelled(config)
    network = build_network("park2016", config)
    network.loss(network(image), truth, "train")[0].backward()
    assert all(float(p.grad.abs().max()) == 0.0 for p in network.fc_2d.parameters())
    assert all(float(p.grad.abs().max()) > 0.0 for p in network.fc_probs_2d.parameters() if p.ndim > 1)


def test_poses_from_all_roots_are_averaged_about_their_means():
    pose = torch.randn(2, 17, 3, generator=torch.manual_seed(1))
    from_root = torch.stack([pose - pose[:, r : r + 1] for r in park2016.TINY.roots], dim=1)
    from pose_core.lab.nets.park2016.model import mean_of_roots

    assert torch.allclose(mean_of_roots(from_root), pose - pose[:, :1], atol=1e-6)
    assert len(park2016.PAPER.roots) == 6


# Li & Chan 2014


def test_windows_hold_joints_and_bones():
    xy = torch.full((1, 17, 2), 5.0)
    knee, ankle = H36M.index("left_knee"), H36M.index("left_ankle")
    xy[0, knee], xy[0, ankle] = torch.tensor([5.0, 25.0]), torch.tensor([35.0, 25.0])
    held, known = li_chan2014.window_labels(xy, torch.ones(1, 17), 6, 10)
    assert held.shape == (1, 33, 6, 6) and float(known.min()) == 1
    assert held[0, knee].nonzero().tolist() == [[2, 0]] and held[0, ankle].nonzero().tolist() == [[2, 3]]
    assert held[0, 17 + ankle - 1].nonzero().tolist() == [[2, 0], [2, 1], [2, 2], [2, 3]]
    outside, _ = li_chan2014.window_labels(xy - 100, torch.ones(1, 17), 6, 10)
    assert float(outside.sum()) == 0


def test_bones_add_up_to_joints():
    from pose_core.lab.nets.li_chan2014.model import joints_from_bones

    truth = torch.randn(2, 17, 3, generator=torch.manual_seed(2)) * 0.2
    truth = truth - truth[:, :1]
    target, _ = li_chan2014.regression_target(
        labels(joints_px=torch.zeros(2, 17, 2), has_2d=torch.ones(2, 17), joints_m=truth, has_3d=torch.ones(2)),
        li_chan2014.TINY,
    )
    assert torch.allclose(joints_from_bones(target * li_chan2014.TINY.unit_m), truth, atol=1e-6)


def test_multi_task_is_half_of_each_error():
    config = dataclasses.replace(li_chan2014.TINY, weight_regression=1.0)
    image, truth = labelled(config)
    network = build_network("li_chan2014", config).eval()
    loss, terms = network.loss(network(image), truth, "train")
    assert float(loss.detach()) == pytest.approx(
        0.5 * float(terms["regression"]) + 0.5 * float(terms["detection"]), rel=1e-5
    )


def test_pre_training_moves_trunk_and_detector_alone():
    config = network_config("li_chan2014", "tiny", {"strategy": "pretrain"})
    assert [stage for stage, _ in config.recipe.stages] == ["detect", "regress"]
    image, truth = labelled(config)
    network = build_network("li_chan2014", config)
    network.loss(network(image), truth, "detect")[0].backward()
    assert all(p.grad is None for p in network.regressor.parameters())
    assert all(p.grad is not None for p in network.trunk.parameters())
    network.zero_grad(set_to_none=True)
    network.loss(network(image), truth, "regress")[0].backward()
    assert all(p.grad is None for p in network.detector.parameters())


# Habibie et al. 2019


def test_bone_loss_takes_vectors_with_3d_and_lengths_without():
    joints = torch.zeros(1, 17, 3)
    joints[0, 3, 2] = 0.4  # of all bones, one is 0.4 long along z
    truth = joints.clone()
    truth[0, 3] = torch.tensor([0.3, 0.0, 0.0])
    with_3d = labels(joints_m=truth)
    assert float(habibie2019.bone_loss(joints, with_3d)) == pytest.approx(0.4**2 + 0.3**2, rel=1e-4)
    lengths = torch.zeros(1, 17)
    lengths[0, 3] = 0.3
    without = labels(has_3d=torch.zeros(1), bone_lengths_m=lengths)
    assert float(habibie2019.bone_loss(joints, without)) == pytest.approx(0.1**2, rel=1e-3)


def test_projection_loss_by_hand():
    joints = torch.zeros(1, 17, 3)
    joints[0, 5] = torch.tensor([0.5, -0.25, 9.0])
    camera = torch.tensor([[2.0, 0.1, 0.2]])
    projected = habibie2019.project_weak_perspective(joints, camera)
    assert projected[0, 5].tolist() == pytest.approx([1.1, -0.3])
    exact = labels(joints_px=(projected + 1) * 32)
    assert float(habibie2019.projection_loss(joints, camera, exact, 64)) == pytest.approx(0.0, abs=1e-9)
    moved = labels(joints_px=(projected + 1) * 32 + torch.tensor([3.2, 0.0]), has_3d=torch.zeros(1))
    assert float(habibie2019.projection_loss(joints, camera, moved, 64)) == pytest.approx(17 * 0.1**2, rel=1e-4)


def test_the_projection_teaches_3d_from_2d_labels():
    config = dataclasses.replace(habibie2019.TINY, weight_position=0.0, weight_bone=0.0, weight_heatmap=0.0)
    image, truth = labelled(config)
    network = build_network("habibie2019", config)
    mixed = dataclasses.replace(truth, has_3d=torch.tensor([1.0, 0.0]))
    network.loss(network(image), mixed, "train")[0].backward()
    assert float(network.lifter.joints.weight.grad.abs().max()) > 0


# hourglasses


def test_the_volumes_scale_comes_from_bone_lengths():
    lengths = torch.zeros(17)
    lengths[[2, 3]] = torch.tensor([0.5, 0.4])
    flat, depth = torch.zeros(1, 17, 2), torch.zeros(1, 17)
    flat[0, [2, 3]] = torch.tensor([30.0, 0.0])  # 0.5 m long, 0.4 m of it in depth: 0.3 m for 30 px
    depth[0, [2, 3]] = 0.4
    flat[0, 3, 1] = 40.0  # and 0.4 m for 40 px
    assert float(hourglass.metres_per_pixel(flat, depth, lengths)) == pytest.approx(0.01, rel=1e-4)


def test_the_mean_of_models_is_taken_about_the_pelvis():
    poses = [torch.randn(2, 17, 3, generator=torch.manual_seed(s)) for s in (1, 2)]
    mean = hourglass.per_joint_mean(poses)
    assert torch.allclose(mean, sum(p - p[:, :1] for p in poses) / 2, atol=1e-6)
    assert hourglass.PAPER_3D.depth_cells == (1, 2, 4, 64)


# Tome et al. 2017


def test_positive_systems_are_solved():
    generator = torch.manual_seed(0)
    half = torch.randn(5, 7, 7, generator=generator)
    A, b = half @ half.mT + torch.eye(7), torch.randn(5, 7, generator=generator)
    solution, log_det = solve_positive(A, b)
    assert torch.allclose(solution, torch.linalg.solve(A, b), atol=1e-4)
    assert torch.allclose(log_det, torch.logdet(A), atol=1e-4)


def test_the_layer_lifts_as_well_as_the_lifter_on_the_same_grid():
    prior = _shipped_prior()
    config = network_config("tome2017", "small", {"components": 10, "directions": 12, "yaws": 16})
    rng = np.random.default_rng(4)
    component = rng.integers(len(prior), size=24)
    pose = prior.mean_m[component] + np.einsum(
        "nq,nqjx->njx", rng.normal(0, 0.5, (24, prior.basis_m.shape[1])), prior.basis_m[component]
    )
    yaw = rng.uniform(-np.pi, np.pi, 24)
    from pose_core.lab.pose_prior.lifting import view_rotations

    truth = h36m_joints(pose @ np.swapaxes(view_rotations(yaw, np.full(24, 0.17), np.zeros(24)), -1, -2))
    xy = 0.9 * truth[..., :2] + 0.05
    layer = PoseLayer(prior, config)
    joints, flat = layer.lift(torch.tensor(xy, dtype=torch.float32), torch.ones(24, 17))
    error = np.linalg.norm(joints.numpy() - truth, axis=-1).mean()
    names = ["left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "spine", "left_shoulder",
             "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"]  # fmt: skip
    grid = LiftGrid(yaws=16, elevations_deg=(10.0,), rolls_deg=(0.0,), image_noise_m=config.image_noise_m)
    lifted = lift_poses(
        prior,
        xy[:, [H36M.index(n) for n in names]],
        np.ones((24, len(names))),
        np.array(CANONICAL.indices(*names)),
        grid,
    )
    reference = np.linalg.norm(h36m_joints(lifted.joints_m) - truth, axis=-1).mean()
    assert error < 1.5 * reference + 0.005 and error < 0.1
    assert np.abs(flat.numpy() - xy).mean() < 0.05


def test_the_fusion_weights_learn_and_blend():
    config = network_config("tome2017", "tiny")
    image, truth = labelled(config)
    network = build_network("tome2017", config)
    output = network(image)
    network.loss(output, truth, "train")[0].backward()
    assert bool((network.fusion.grad != 0).all()) and network.fusion.shape == (config.stages,)
    own, fused = output.parts["own"][:, 0, :17], output.parts["fused"][:, 0, :17]
    _, drawn = network.pose_layer(own)
    w = float(network.fusion_weights[0].detach())
    assert torch.allclose(fused, w * own + (1 - w) * drawn, atol=1e-5)
    plain = build_network("tome2017", network_config("tome2017", "tiny", {"use_3d_layer": False}))(image)
    assert torch.equal(plain.parts["own"], plain.parts["fused"])


# the joints themselves


def test_h36m_joints_are_the_inverse_of_the_mapping_to_canonical_ones():
    back = joint_mapping("h36m17").weights @ H36M_FROM_CANONICAL
    available = joint_mapping("h36m17").available.copy()
    available[CANONICAL.index("chest")] = False  # estimated from hips and shoulders
    assert np.allclose(back[available], np.eye(len(CANONICAL))[available])
