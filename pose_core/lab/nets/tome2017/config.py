"""Sizes of the network of Tome et al. 2017."""

from __future__ import annotations

from dataclasses import dataclass

from pose_core.errors import ConfigError
from pose_core.lab.nets.base import NetworkConfig, Recipe


@dataclass(frozen=True)
class TomeConfig(NetworkConfig):
    """Deviations from the paper: 17 joints instead of 14; batch normalisation in the shared features, which are drawn
    at random instead of taken from a trained convolutional pose machine; the 3D layer tries fewer yaws than 100, but
    some elevations of the camera too; no gradient goes through the 3D layer's reading of maxima."""

    features: tuple[tuple[int, ...], ...] = (
        (64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 256, 256, 256, 256, 128),
    )  # fmt: skip
    """Channels of the shared 3 x 3 convolutions; the picture is halved between the groups."""
    first_width: int = 512
    """Of the 1 x 1 convolution of stage 1."""
    stages: int = 6
    stage_width: int = 128
    stage_layers: int = 5
    """Convolutions of later stages before the two of 1 x 1."""
    stage_kernel: int = 7
    sigma_cells: float = 1.0
    use_3d_layer: bool = True
    components: int = 10
    """Gaussians of the pose model, those of the largest shares."""
    directions: int = 10
    """Of each; the others count as noise."""
    yaws: int = 24
    elevations_deg: tuple[float, ...] = (0.0, 20.0)
    image_noise_m: float = 0.03
    """Standard deviation of a joint read from a belief map, metres at the person."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size % self.stride or self.stages < 1 or not self.features:
            raise ConfigError(f"The picture must be a multiple of {self.stride} pixels, and there must be a stage.")
        if self.yaws < 1 or not self.elevations_deg or min(self.components, self.directions) < 1:
            raise ConfigError("The 3D layer needs a component, a direction, a yaw and an elevation.")

    @property
    def stride(self) -> int:
        """Pixels a cell of the belief maps."""
        return int(2 ** (len(self.features) - 1))

    @property
    def map_size(self) -> int:
        """Side of the belief maps, cells."""
        return self.image_size // self.stride


PAPER = TomeConfig(image_size=368, recipe=Recipe("sgd", 1e-5, 0.9, 5e-4, batch=16, steps=200_000))
SMALL = TomeConfig(
    image_size=128, features=((16, 16), (32, 32), (64, 64), (96, 64, 48)), first_width=96, stages=4, stage_width=48,
    stage_layers=3, components=6, directions=8, yaws=16, elevations_deg=(10.0,),
    recipe=Recipe("adam", 1e-3, batch=16, steps=6_000),
)  # fmt: skip
TINY = TomeConfig(
    image_size=64, features=((8,), (16,), (24, 16)), first_width=32, stages=3, stage_width=16, stage_layers=2,
    stage_kernel=5, components=3, directions=4, yaws=8, elevations_deg=(10.0,),
    recipe=Recipe("adam", 4e-3, batch=8, steps=200),
)  # fmt: skip
