"""Sizes and weights of the network of Habibie et al. 2019."""

from __future__ import annotations

from dataclasses import dataclass

from pose_core.errors import ConfigError
from pose_core.lab.nets.base import NetworkConfig, Recipe
from pose_core.skeletons.h36m import H36M

_STAGES = (("heatmaps", 0.4), ("train", 0.6))
"""2D pre-training (186k steps in the paper), then everything (240k)."""


@dataclass(frozen=True)
class HabibieConfig(NetworkConfig):
    """Deviations from the paper: weights are drawn at random instead of taken from ImageNet; one 3 x 3 convolution
    makes the output map from res5a, so that heatmaps need not pass a ReLU; the camera's focal length and the weights
    of the losses are ours, as the paper does not give them."""

    width: int = 64
    """Channels of the first convolution; res2 to res4 have 4, 8 and 16 times as many."""
    blocks: tuple[int, int, int] = (3, 4, 6)
    """Bottlenecks of res2, res3 and res4; the paper's are ResNet-50's. The last but two of res4 is `res4d`."""
    last_channels: int = 512
    """Of res5a, which does not stride."""
    latent_channels: int = 47
    """Of the output map, beside the heatmaps."""
    lifter_width: int = 1024
    sigma_cells: float = 1.0
    explicit_2d: bool = True
    """Hold the first channels of the output map to the heatmaps."""
    projection: bool = True
    """Hold the projected 3D joints to the 2D joints."""
    weight_heatmap: float = 1.0
    weight_position: float = 10.0
    weight_bone: float = 5.0
    weight_projection: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.blocks[2] < 3 or min(self.blocks) < 1:
            raise ConfigError(f"res4 needs at least 3 blocks and the others 1, but they are {self.blocks}.")
        if 16 * self.width < len(H36M) or self.last_channels < len(H36M) or self.image_size % 16:
            raise ConfigError("Every supervised layer needs a channel a joint, and the picture a multiple of 16.")


PAPER = HabibieConfig(image_size=256, recipe=Recipe("adadelta", 0.1, 0.9, batch=21, steps=426_000, stages=_STAGES))
SMALL = HabibieConfig(
    image_size=128, width=16, blocks=(2, 2, 3), last_channels=128, latent_channels=15, lifter_width=256,
    recipe=Recipe("adam", 1e-3, batch=24, steps=6_000, stages=_STAGES),
)  # fmt: skip
TINY = HabibieConfig(
    image_size=64, width=4, blocks=(1, 1, 3), last_channels=32, latent_channels=7, lifter_width=64,
    recipe=Recipe("adam", 3e-3, batch=8, steps=160, stages=_STAGES),
)  # fmt: skip
