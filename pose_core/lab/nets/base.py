"""What all image networks have in common: configuration, training recipe, input check."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from pose_core.errors import ConfigError, ShapeError
from pose_core.lab.nets.outputs import PoseLabels, PoseOutput

OPTIMISERS = ("adam", "adadelta", "rmsprop", "sgd")


@dataclass(frozen=True)
class Recipe:
    """How a configuration is trained unless something else is asked for."""

    optimiser: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    """Of `sgd`; the decay of the running squares of `adadelta` and `rmsprop`."""
    weight_decay: float = 0.0
    batch: int = 16
    steps: int = 10_000
    stages: tuple[tuple[str, float], ...] = (("train", 1.0),)
    """Names of the stages of training and their shares of the steps, in order."""
    final_rate: float = 0.05
    """Share of the learning rate that is left at the end of a stage; it falls exponentially."""

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS or not self.learning_rate > 0 or self.batch < 1 or self.steps < 1:
            raise ConfigError(
                f"A recipe needs an optimiser out of {', '.join(OPTIMISERS)}, a learning rate, a batch and steps > 0."
            )
        if abs(sum(share for _, share in self.stages) - 1.0) > 1e-6:
            raise ConfigError(f"The shares of the stages must sum to 1, but are {self.stages}.")

    def stage_at(self, progress: float) -> tuple[str, float]:
        """Name of the stage at a progress in [0, 1], and how far the stage is."""
        begin = 0.0
        for name, share in self.stages:
            if progress < begin + share or name == self.stages[-1][0]:
                return name, min(max((progress - begin) / max(share, 1e-9), 0.0), 1.0)
            begin += share
        raise AssertionError("the last stage reaches to the end")


@dataclass(frozen=True)
class NetworkConfig:
    """What every configuration says."""

    image_size: int = 256
    """Side of the square input, pixels."""
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        if self.image_size < 16:
            raise ConfigError(f"The image size must be at least 16 pixels, but is {self.image_size}.")


class ImageNetwork(nn.Module):
    """A network on square crops.

    `forward` takes pictures as floats in [0, 1]; the mean is taken away inside.
    """

    config: NetworkConfig
    selected_by = "mpjpe_mm"
    """The error on held-out samples by which the best weights of a run are chosen; in 2D where there is no 3D."""

    def forward(self, image: Tensor) -> PoseOutput:
        """(B, 3, S, S) RGB in [0, 1] to what the network says."""
        raise NotImplementedError

    def loss(self, output: PoseOutput, labels: PoseLabels, stage: str) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a training stage, and its terms."""
        raise NotImplementedError

    def set_reference_bones(self, lengths_m: Tensor) -> None:
        """Tell the network the mean bone lengths (17,) of the training people; most do not need them."""

    def check_input(self, image: Tensor) -> None:
        """Refuse pictures of another size.

        Raises:
            ShapeError: not (B, 3, S, S) of the configured size.
        """
        size = self.config.image_size
        if image.ndim != 4 or tuple(image.shape[1:]) != (3, size, size):
            raise ShapeError(
                f"Pictures of shape (B, 3, {size}, {size}) were expected, but {tuple(image.shape)} came.",
                "Scale the crops to the size that the configuration names.",
            )
