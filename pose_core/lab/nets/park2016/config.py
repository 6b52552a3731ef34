"""Sizes and weights of the network of Park et al. 2016."""

from __future__ import annotations

from dataclasses import dataclass

from pose_core.errors import ConfigError
from pose_core.lab.nets.base import NetworkConfig, Recipe
from pose_core.skeletons.h36m import H36M

ROOTS = tuple(H36M.index(name) for name in ("pelvis", "thorax", "left_knee", "right_knee", "left_elbow", "right_elbow"))
"""Six joints, so that most others are a root or next to one; the paper shows which only in a figure."""


@dataclass(frozen=True)
class ParkConfig(NetworkConfig):
    """Deviations from the paper: batch normalisation after every convolution (without it, the network from scratch
    needs many times the steps), and the weights of the two losses, which the text we have does not give."""

    channels: tuple[int, int, int] = (64, 128, 192)
    """Of the first, the second, and the last three convolutions."""
    width: int = 2048
    """Of the fully connected layers."""
    grid: int = 16
    """Cells along a side of the picture, each a class of the 2D classification."""
    roots: tuple[int, ...] = ROOTS
    """Joints that the others are estimated from."""
    use_2d: bool = True
    """Feed the 2D classification into the 3D regression."""
    dropout: float = 0.5
    weight_2d: float = 0.1
    weight_3d: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.roots or len(set(self.roots)) != len(self.roots) or not set(self.roots) <= set(range(len(H36M))):
            raise ConfigError(f"The roots must be different joints out of 0 to {len(H36M) - 1}, but are {self.roots}.")
        if self.grid < 2:
            raise ConfigError(f"The grid needs at least 2 cells a side, but has {self.grid}.")


PAPER = ParkConfig(image_size=225, recipe=Recipe("sgd", 1e-2, 0.9, 5e-4, batch=128, steps=50_000))
SMALL = ParkConfig(
    image_size=129, channels=(32, 64, 96), width=384, grid=12, dropout=0.2,
    recipe=Recipe("adam", 1e-3, batch=32, steps=6_000),
)  # fmt: skip
TINY = ParkConfig(
    image_size=65, channels=(8, 16, 24), width=96, grid=8, dropout=0.0,
    recipe=Recipe("adam", 3e-3, batch=8, steps=120),
)  # fmt: skip
