"""The losses of Habibie et al. 2019, for batches that mix samples with 3D labels and samples without."""

from __future__ import annotations

import torch
from torch import Tensor

from pose_core.errors import ShapeError
from pose_core.lab.nets.habibie2019.config import HabibieConfig
from pose_core.lab.nets.maps import gaussian_maps
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput, filled, require_2d, require_3d
from pose_core.skeletons.h36m import H36M

_CHILDREN = list(range(1, len(H36M)))
_PARENTS = [H36M.parents[j] for j in _CHILDREN]


def habibie_loss(
    output: PoseOutput, labels: PoseLabels, config: HabibieConfig, stage: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of stage `heatmaps` (2D pre-training) or `train` (everything).

    Raises:
        ShapeError: no 2D labels; in stage `train` no 3D labels, or no bone lengths for samples without 3D.
    """
    require_2d(labels, "heatmap")
    # without explicit features, the layers in between are still pre-trained on 2D, as the paper's baseline is
    maps = output.heatmaps if config.explicit_2d else output.heatmaps[:-1]
    terms: dict[str, Tensor] = {}
    if stage == "heatmaps" or config.explicit_2d:
        terms["heatmap"] = sum(
            (heatmap_loss(m, labels, config) for m in maps), torch.zeros((), device=labels.joints_px.device)
        )
    if stage == "heatmaps":
        loss = config.weight_heatmap * terms["heatmap"]
        return loss, {name: term.detach() for name, term in terms.items()}
    require_3d(labels, "3D position")
    assert output.joints_m is not None and output.camera is not None
    truth = filled(labels.joints_m, labels.has_3d)
    squared = ((output.joints_m - truth) ** 2).sum(dim=(1, 2))
    terms["position"] = (squared * labels.has_3d).sum() / labels.has_3d.sum()
    terms["bone"] = bone_loss(output.joints_m, labels)
    if config.projection:
        terms["projection"] = projection_loss(output.joints_m, output.camera, labels, config.image_size)
    weights = {
        "heatmap": config.weight_heatmap, "position": config.weight_position, "bone": config.weight_bone,
        "projection": config.weight_projection,
    }  # fmt: skip
    loss = sum((weights[name] * term for name, term in terms.items()), torch.zeros((), device=squared.device))
    return loss, {name: term.detach() for name, term in terms.items()}


def heatmap_loss(maps: Tensor, labels: PoseLabels, config: HabibieConfig) -> Tensor:
    """Squared error of the maps of joints that have labels, summed over cells and joints, a mean over samples."""
    target = gaussian_maps(labels.joints_px, labels.has_2d, config.image_size, maps.shape[-1], config.sigma_cells)
    squared = ((maps - target) ** 2).sum(dim=(2, 3)) * labels.has_2d
    return squared.sum() / (labels.has_2d.sum(dim=1) > 0).sum().clamp_min(1)


def bone_loss(joints_m: Tensor, labels: PoseLabels) -> Tensor:
    """Bones held to the truth: by vector where it is known, else by length alone.

    Args:
        joints_m: (B, 17, 3) estimate.
        labels: samples without 3D take `bone_lengths_m`, those of some training person.
    Returns:
        Squared error summed over bones, a mean over samples.
    Raises:
        ShapeError: a sample has neither 3D nor bone lengths.
    """
    bones = joints_m[:, _CHILDREN] - joints_m[:, _PARENTS]
    truth = filled(labels.joints_m, labels.has_3d)
    vector = ((bones - (truth[:, _CHILDREN] - truth[:, _PARENTS])) ** 2).sum(dim=(1, 2))
    if bool((labels.has_3d > 0).all()):
        return vector.mean()
    if labels.bone_lengths_m is None:
        raise ShapeError(
            "The bone loss needs bone lengths for samples that have 2D labels only.",
            "Give those of any training person as 'bone_lengths_m'.",
        )
    length = torch.sqrt((bones**2).sum(dim=-1) + 1e-10)
    scalar = ((length - labels.bone_lengths_m[:, _CHILDREN]) ** 2).sum(dim=1)
    return torch.where(labels.has_3d > 0, vector, scalar).mean()


def projection_loss(joints_m: Tensor, camera: Tensor, labels: PoseLabels, image_size: int) -> Tensor:
    """Equation 2: squared distance of projected and true 2D joints in half pictures, summed over joints.

    A mean over samples with 2D labels, whether or not they have 3D.
    """
    truth = filled(labels.joints_px, labels.has_2d) * (2 / image_size) - 1
    squared = ((project_weak_perspective(joints_m, camera) - truth) ** 2).sum(dim=-1) * labels.has_2d
    return squared.sum() / (labels.has_2d.sum(dim=1) > 0).sum().clamp_min(1)


def project_weak_perspective(joints_m: Tensor, camera: Tensor) -> Tensor:
    """(B, J, 3) and (B, 3) to (B, J, 2) in half inputs from the middle of the picture."""
    return camera[:, None, :1] * joints_m[..., :2] + camera[:, None, 1:]
