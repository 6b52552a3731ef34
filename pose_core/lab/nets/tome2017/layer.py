"""The probabilistic 3D layer: belief maps in, the likeliest 3D pose and its belief maps out.

The same hypotheses and the same evidence as `lifting.lift_poses` on its coarse grid, as operations that run inside a
network and can be exported with it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pose_core.lab.nets.maps import gaussian_maps, read_maps
from pose_core.lab.nets.tome2017.config import TomeConfig
from pose_core.lab.pose_prior.lifting import view_rotations
from pose_core.lab.pose_prior.prior import PosePrior
from pose_core.skeletons.h36m import H36M, h36m_joints
from pose_core.types import FloatArray

_RIDGE_SCALE = 1e-6
_RIDGE_SHIFT = 1e-6
_LEAST_SCALE = 0.05
"""Half inputs a metre: people are never so small in their own crop."""
_MOST_DEVIATIONS = 4.0
"""Maps that say nothing must not bend a pose out of all shape."""


class PoseLayer(nn.Module):
    """Lifts read joints with a mixture of PPCA and draws the projection; learns nothing.

    Args:
        prior: the pose model, of canonical joints.
        config: how many hypotheses.
    """

    parts: Tensor
    products: Tensor
    variance: Tensor
    log_share: Tensor

    def __init__(self, prior: PosePrior, config: TomeConfig) -> None:
        super().__init__()
        self.config = config
        mean, basis, noise, share = _reduced(prior, config)
        yaw, elevation = np.meshgrid(
            np.arange(config.yaws) * 2 * np.pi / config.yaws, np.radians(config.elevations_deg), indexing="ij"
        )
        R = view_rotations(yaw.ravel(), elevation.ravel(), np.zeros(yaw.size))
        own = np.concatenate([mean[:, None], basis], axis=1)
        # (H, 17, 3, 1 + Q): what one unit of scale, and of each coefficient times scale, adds to a joint
        parts = np.einsum("dxy,mqjy->mdjxq", R, own).reshape(-1, len(H36M), 3, own.shape[1])
        shift = np.broadcast_to(np.eye(2), (*parts.shape[:2], 2, 2))
        design = np.concatenate([parts[:, :, :2], shift], axis=-1)
        products = np.einsum("hjxa,hjxb->jhab", design, design)
        variance = noise**2 + config.image_noise_m**2
        # kept out of the checkpoint: all of it follows from the pose model and the configuration
        for name, array in {
            "parts": parts,
            "products": products.reshape(len(H36M), -1),
            "variance": np.repeat(variance, len(R)),
            "log_share": np.repeat(np.log(share / share.sum()), len(R)),
        }.items():
            self.register_buffer(name, torch.as_tensor(array, dtype=torch.float32), persistent=False)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Belief maps (B, 17, h, h) to joints (B, 17, 3), relative to the pelvis, of a person of 1.70 m, and the maps
        (B, 17, h, h) of their projection."""
        size = self.config.image_size
        # the systems are too ill-conditioned for half precision
        with torch.no_grad(), torch.autocast(maps.device.type, enabled=False):
            maps = maps.float()
            xy_px, weight = read_maps(maps, size)
            joints, flat = self.lift(xy_px * (2 / size) - 1, weight)
            known = torch.ones_like(weight)
            drawn = gaussian_maps((flat + 1) * (size / 2), known, size, maps.shape[-1], self.config.sigma_cells)
        return joints, drawn

    def lift(self, xy: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest pose.

        Args:
            xy: (B, 17, 2) in half inputs from the middle, y down.
            weight: (B, 17) in [0, 1].
        Returns:
            (B, 17, 3) joints as in `forward`, and (B, 17, 2) their projection in the units of `xy`.
        Source: Tome et al. 2017, section 4.
        """
        hypotheses, _, _, own = self.parts.shape
        unknowns = own + 2
        A = (weight @ self.products).unflatten(1, (hypotheses, unknowns, unknowns))
        pull = weight[..., None] * xy
        along = torch.einsum("bjx,hjxa->bha", pull, self.parts[:, :, :2])
        b = torch.cat([along, pull.sum(dim=1)[:, None].expand(-1, hypotheses, -1)], dim=-1)
        ridge = torch.tensor(
            [_RIDGE_SCALE, *[1.0] * (own - 1), _RIDGE_SHIFT, _RIDGE_SHIFT], dtype=xy.dtype, device=xy.device
        )
        A = A / self.variance[:, None, None] + torch.diag(ridge)
        b = b / self.variance[:, None]
        u, log_det = solve_positive(A, b)
        squared = (pull * xy).sum(dim=(1, 2))[:, None] / self.variance - (b * u).sum(dim=-1)
        scale = u[..., 0].clamp_min(_LEAST_SCALE)
        evidence = (
            self.log_share
            - 0.5 * squared / scale**2
            - 0.5 * log_det
            - weight.sum(dim=1)[:, None] * (torch.log(self.variance) + 2 * torch.log(scale))
        )
        # a person of negative size would be seen through the back of the camera
        evidence = torch.where(u[..., 0] > _LEAST_SCALE, evidence, torch.full_like(evidence, -1e30))
        best = evidence.argmax(dim=1)
        chosen = torch.gather(u, 1, best[:, None, None].expand(-1, 1, unknowns))[:, 0]
        parts = self.parts[best]
        size = chosen[:, None, :1].clamp_min(_LEAST_SCALE)
        coefficients = (chosen[:, None, 1:own] / size).clamp(-_MOST_DEVIATIONS, _MOST_DEVIATIONS)
        joints = parts[..., 0] + (parts[..., 1:] * coefficients[:, :, None]).sum(dim=-1)
        return joints - joints[:, :1], joints[..., :2] * size + chosen[:, None, own:]


def solve_positive(A: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Solve symmetric positive definite systems by Gauss and Jordan, in operations that ONNX has.

    Args:
        A: (..., U, U).
        b: (..., U).
    Returns:
        (..., U) solutions, and (...) logarithms of the determinants.
    """
    size = A.shape[-1]
    rows = torch.cat([A, b[..., None]], dim=-1)
    log_det = torch.zeros_like(b[..., 0])
    unit = torch.eye(size, dtype=A.dtype, device=A.device)
    for k in range(size):
        # positive pivots need no exchange of rows
        pivot = rows[..., k : k + 1, k : k + 1].clamp_min(1e-12)
        log_det = log_det + torch.log(pivot[..., 0, 0])
        row = rows[..., k : k + 1, :] / pivot
        rows = rows - (rows[..., :, k : k + 1] - unit[:, k : k + 1]) * row
    return rows[..., -1], log_det


def _reduced(prior: PosePrior, config: TomeConfig) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mean (M, 17, 3), basis (M, Q, 17, 3), noise (M,) and share (M,) of the components and directions to use."""
    order = np.argsort(-prior.share)[: config.components]
    basis = prior.basis_m[order]
    length = np.sum(basis**2, axis=(2, 3))
    keep = np.argsort(-length, axis=1)
    basis = np.take_along_axis(basis, keep[:, :, None, None], axis=1)
    dropped = np.sum(np.take_along_axis(length, keep, axis=1)[:, config.directions :], axis=1)
    noise = np.sqrt(prior.noise_m[order] ** 2 + dropped / (3 * (basis.shape[2] - 1)))
    return h36m_joints(prior.mean_m[order]), h36m_joints(basis[:, : config.directions]), noise, prior.share[order]
