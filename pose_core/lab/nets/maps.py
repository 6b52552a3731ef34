"""Belief maps: made from joints, and read again. Everything here can be exported to ONNX."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_maps(joints_px: Tensor, known: Tensor, input_size: int, map_size: int, sigma_cells: float) -> Tensor:
    """Target maps with a Gaussian of height 1 at every joint.

    Args:
        joints_px: (B, J, 2) pixels of the input.
        known: (B, J) maps of joints that are not known are 0.
        input_size: side of the input, pixels.
        map_size: side of the maps, cells.
        sigma_cells: standard deviation.
    Returns:
        (B, J, map_size, map_size).
    """
    at = torch.where(known[..., None] > 0, joints_px, torch.zeros_like(joints_px)) * (map_size / input_size) - 0.5
    cells = torch.arange(map_size, dtype=at.dtype, device=at.device)
    across = torch.exp(-((cells - at[..., :1]) ** 2) / (2 * sigma_cells**2))
    down = torch.exp(-((cells - at[..., 1:]) ** 2) / (2 * sigma_cells**2))
    return down[..., :, None] * across[..., None, :] * known[..., None, None]


def gaussian_volumes(
    cells_xyz: Tensor, known: Tensor, map_size: int, depth_size: int, sigma_cells: float, sigma_depth: float
) -> Tensor:
    """Target volumes: (B, J, 3) joints in cells to (B, J, depth_size, map_size, map_size)."""
    axes = []
    for axis, (size, sigma) in enumerate(((map_size, sigma_cells), (map_size, sigma_cells), (depth_size, sigma_depth))):
        cells = torch.arange(size, dtype=cells_xyz.dtype, device=cells_xyz.device)
        axes.append(torch.exp(-((cells - cells_xyz[..., axis, None]) ** 2) / (2 * sigma**2)))
    x, y, z = axes
    volume = z[..., :, None, None] * y[..., None, :, None] * x[..., None, None, :]
    return volume * known[..., None, None, None]


def read_maps(maps: Tensor, input_size: int, reach: float = 1.5) -> tuple[Tensor, Tensor]:
    """Joints from maps: the highest cell, refined by the mean over the cells around it.

    Args:
        maps: (B, J, h, w).
        input_size: side of the input, pixels.
        reach: cells on either side that take part.
    Returns:
        (B, J, 2) pixels, and (B, J) height of the highest cell, held in [0, 1].
    """
    size = maps.shape[-1]
    flat = _in_full(maps).flatten(2)
    cells = torch.arange(size, dtype=flat.dtype, device=flat.device)
    x = cells.repeat(maps.shape[-2])
    y = torch.arange(maps.shape[-2], dtype=flat.dtype, device=flat.device).repeat_interleave(size)
    top, index = flat.max(dim=-1, keepdim=True)
    index = index.to(flat.dtype)
    row = torch.floor((index + 0.5) / size)
    column = index - row * size
    near = ((x - column).abs() <= reach) & ((y - row).abs() <= reach)
    weight = torch.where(near, flat.clamp_min(0.0), torch.zeros_like(flat)) + torch.where(
        (x == column) & (y == row), torch.full_like(flat, 1e-6), torch.zeros_like(flat)
    )
    total = weight.sum(dim=-1)
    xy = torch.stack([(weight * x).sum(dim=-1), (weight * y).sum(dim=-1)], dim=-1) / total[..., None]
    return (xy + 0.5) * (input_size / size), top[..., 0].clamp(0.0, 1.0)


def read_volumes(volumes: Tensor, reach: float = 1.5) -> tuple[Tensor, Tensor]:
    """Joints from volumes (B, J, D, h, w): (B, J, 3) x, y, z in cells and (B, J) height of the highest cell in [0, 1].

    The highest cell is refined axis by axis by the mean over the cells around it.
    """
    volumes = _in_full(volumes)
    depth, height, width = volumes.shape[2:]
    top, index = volumes.flatten(2).max(dim=-1)
    index = index.to(volumes.dtype)
    z = torch.floor((index + 0.5) / (height * width))
    rest = index - z * (height * width)
    y = torch.floor((rest + 0.5) / width)
    peak = (rest - y * width, y, z)
    near = [_near(size, at, reach, volumes) for size, at in zip((width, height, depth), peak, strict=True)]
    positive = volumes.clamp_min(0.0) + 1e-9
    weight = positive * near[2][..., :, None, None] * near[1][..., None, :, None] * near[0][..., None, None, :]
    total = weight.sum(dim=(2, 3, 4))
    sides = ((width, (2, 3)), (height, (2, 4)), (depth, (3, 4)))
    out = []
    for size, summed in sides:
        cells = torch.arange(size, dtype=volumes.dtype, device=volumes.device)
        out.append((weight.sum(dim=summed) * cells).sum(dim=-1) / total)
    return torch.stack(out, dim=-1), top.clamp(0.0, 1.0)


def _in_full(maps: Tensor) -> Tensor:
    """Half precision cannot tell the numbers of cells apart."""
    return maps.float() if maps.dtype in (torch.float16, torch.bfloat16) else maps


def _near(size: int, at: Tensor, reach: float, like: Tensor) -> Tensor:
    cells = torch.arange(size, dtype=like.dtype, device=like.device)
    return ((cells - at[..., None]).abs() <= reach).to(like.dtype)
