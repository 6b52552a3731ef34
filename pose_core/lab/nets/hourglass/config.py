"""Sizes of the hourglass models."""

from __future__ import annotations

from dataclasses import dataclass

from pose_core.errors import ConfigError
from pose_core.lab.nets.base import NetworkConfig, Recipe


@dataclass(frozen=True)
class HourglassConfig(NetworkConfig):
    """Deviations from the text: the lifter sees the heatmaps averaged over small blocks (in full they are 70,000
    numbers); the volume's x and y become metres by the one scale at which its bones have the training people's
    lengths, as the text says nothing of how pixels become millimetres."""

    stacks: int = 8
    channels: int = 256
    depth: int = 4
    """Levels of one hourglass: how often it halves the picture."""
    blocks: int = 1
    """Residual blocks at every level."""
    sigma_cells: float = 1.0
    lifter_width: int = 1024
    lifter_pool: int = 4
    """Side of the blocks that the lifter sees as one number, cells."""
    depth_cells: tuple[int, ...] = (64,)
    """Cells in depth of each stack of the 3D model, as many as there are stacks."""
    depth_range_m: float = 2.0
    """Size of the volume along the line of sight; the pelvis is in the middle."""
    weight_heatmap: float = 1.0
    weight_position: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size % (4 * 2**self.depth) or self.stacks < 1 or not self.depth_range_m > 0:
            raise ConfigError(
                f"The picture must be a multiple of {4 * 2**self.depth} pixels for {self.depth} levels, "
                f"but is {self.image_size}; there must be a stack, and some depth."
            )
        if (self.image_size // 4) % self.lifter_pool:
            raise ConfigError(f"The maps, {self.image_size // 4} cells, are no multiple of {self.lifter_pool}.")

    @property
    def map_size(self) -> int:
        """Side of the heatmaps, cells."""
        return self.image_size // 4


def _check_volume(config: HourglassConfig) -> HourglassConfig:
    if len(config.depth_cells) != config.stacks:
        raise ConfigError(f"{config.stacks} stacks need as many depths, but there are {config.depth_cells}.")
    return config


_RMSPROP = Recipe("rmsprop", 2.5e-4, 0.99, batch=4, steps=310_000)
PAPER_2D = HourglassConfig(image_size=256, recipe=_RMSPROP)
PAPER_3D = _check_volume(HourglassConfig(image_size=256, stacks=4, depth_cells=(1, 2, 4, 64), recipe=_RMSPROP))
_ADAM = Recipe("adam", 1e-3, batch=16, steps=6_000)
SMALL_2D = HourglassConfig(image_size=128, stacks=2, channels=48, depth=3, lifter_width=512, recipe=_ADAM)
SMALL_3D = HourglassConfig(image_size=128, stacks=3, channels=48, depth=3, depth_cells=(1, 4, 32), recipe=_ADAM)
_QUICK = Recipe("adam", 4e-3, batch=8, steps=120)
TINY_2D = HourglassConfig(image_size=64, stacks=2, channels=16, depth=2, lifter_width=64, lifter_pool=2, recipe=_QUICK)
TINY_3D = HourglassConfig(
    image_size=64,
    stacks=2,
    channels=16,
    depth=2,
    depth_cells=(1, 8),
    sigma_cells=1.2,
    recipe=Recipe("adam", 6e-3, batch=8, steps=160),
)
