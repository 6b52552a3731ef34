"""Model 2: stacked hourglasses that report volumes, the later the finer in depth."""

from __future__ import annotations

import torch
from torch import Tensor

from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.nets.hourglass.blocks import HourglassStack
from pose_core.lab.nets.hourglass.config import PAPER_3D, HourglassConfig, _check_volume
from pose_core.lab.nets.hourglass.loss import map_loss
from pose_core.lab.nets.maps import gaussian_volumes, read_volumes
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput, filled, require_2d, require_3d
from pose_core.skeletons.canonical import stature_lengths
from pose_core.skeletons.h36m import H36M, h36m_joints

_JOINTS = len(H36M)
_CHILDREN = list(range(1, _JOINTS))
_PARENTS = [H36M.parents[j] for j in _CHILDREN]


class VolumeHourglass(ImageNetwork):
    """Stack i reports 17 x depth_cells[i] channels, one volume a joint.

    Source: Pavlakos et al. 2017, coarse-to-fine volumetric prediction, as Reddy takes it up.
    """

    config: HourglassConfig
    bone_lengths_m: Tensor

    def __init__(self, config: HourglassConfig = PAPER_3D) -> None:
        super().__init__()
        self.config = _check_volume(config)
        channels = tuple(_JOINTS * cells for cells in config.depth_cells)
        self.stack = HourglassStack(channels, config.channels, config.depth, config.blocks)
        self.register_buffer("bone_lengths_m", torch.as_tensor(_usual_lengths()))

    def set_reference_bones(self, lengths_m: Tensor) -> None:
        """Bone lengths that give the volume its size: (17,), of the joint at the end; 0 for the pelvis."""
        self.bone_lengths_m.copy_(lengths_m)

    def forward(self, image: Tensor) -> PoseOutput:
        """As `ImageNetwork.forward`; `heatmaps` are the volumes seen along the line of sight, `parts` has the volumes
        `volume_0`, `volume_1`, ... (B, 17, D, h, w)."""
        self.check_input(image)
        config = self.config
        volumes = [
            report.unflatten(1, (_JOINTS, cells))
            for report, cells in zip(self.stack(image - 0.5), config.depth_cells, strict=True)
        ]
        cells, confidence = read_volumes(volumes[-1])
        joints_px = (cells[..., :2] + 0.5) * (config.image_size / config.map_size)
        depth_m = ((cells[..., 2] + 0.5) / config.depth_cells[-1] - 0.5) * config.depth_range_m
        depth_m = depth_m - depth_m[:, :1]
        flat_px = joints_px - joints_px[:, :1]
        scale = metres_per_pixel(flat_px, depth_m, self.bone_lengths_m)
        joints_m = torch.cat([flat_px * scale[:, None, None], depth_m[..., None]], dim=-1)
        return PoseOutput(
            joints_px, confidence, joints_m,
            tuple(volume.amax(dim=2) for volume in volumes),
            parts={f"volume_{i}": volume for i, volume in enumerate(volumes)},
        )  # fmt: skip

    def loss(self, output: PoseOutput, labels: PoseLabels, stage: str) -> tuple[Tensor, dict[str, Tensor]]:
        """The volumes of every stack.

        Raises:
            ShapeError: the batch lacks 2D or 3D labels.
        """
        del stage
        require_2d(labels, "volume")
        require_3d(labels, "volume")
        config = self.config
        known = labels.has_2d * labels.has_3d[:, None]
        at = filled(labels.joints_px, labels.has_2d) * (config.map_size / config.image_size) - 0.5
        depth = filled(labels.joints_m, labels.has_3d)[..., 2:] / config.depth_range_m + 0.5
        terms: dict[str, Tensor] = {}
        for i, cells in enumerate(config.depth_cells):
            xyz = torch.cat([at, depth.clamp(0, 1) * cells - 0.5], dim=-1)
            target = gaussian_volumes(
                xyz, known, config.map_size, cells, config.sigma_cells, max(config.sigma_cells * cells / 32, 0.7)
            )
            terms[f"volume_{i}"] = map_loss(output.parts[f"volume_{i}"], target, known)
        loss = config.weight_heatmap * torch.stack(list(terms.values())).sum()
        return loss, {name: term.detach() for name, term in terms.items()}


def metres_per_pixel(flat_px: Tensor, depth_m: Tensor, lengths_m: Tensor) -> Tensor:
    """The scale at which bones seen under weak perspective have given lengths.

    Args:
        flat_px: (B, 17, 2) joints in the picture.
        depth_m: (B, 17) along the line of sight.
        lengths_m: (17,) bones, by the joint at their end.
    Returns:
        (B,) least squares over bones of scale^2 |flat|^2 = length^2 - depth^2.
    """
    flat = ((flat_px[:, _CHILDREN] - flat_px[:, _PARENTS]) ** 2).sum(dim=-1)
    deep = (depth_m[:, _CHILDREN] - depth_m[:, _PARENTS]) ** 2
    across = (lengths_m[_CHILDREN] ** 2 - deep).clamp_min(0.0)
    return torch.sqrt(across.sum(dim=1) / flat.sum(dim=1).clamp_min(1e-6) + 1e-12)


def _usual_lengths() -> list[float]:
    """Of an average adult, until the training data say better."""
    from pose_core.skeletons.canonical import CANONICAL, rest_offsets_from_lengths

    offsets = rest_offsets_from_lengths(stature_lengths(1.7))
    canonical = offsets.copy()
    for j, parent in enumerate(CANONICAL.parents):
        if parent >= 0:
            canonical[j] += canonical[parent]
    joints = h36m_joints(canonical)
    return [0.0, *(float(((joints[j] - joints[H36M.parents[j]]) ** 2).sum() ** 0.5) for j in _CHILDREN)]
