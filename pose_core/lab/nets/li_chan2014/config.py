"""Sizes and strategies of the networks of Li & Chan 2014."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pose_core.errors import ConfigError
from pose_core.lab.nets.base import NetworkConfig, Recipe

STRATEGIES = ("regression", "multi_task", "pretrain")


@dataclass(frozen=True)
class LiChanConfig(NetworkConfig):
    """Deviations from the papers: kernel sizes and widths of the layers are ours (the text we have does not give
    them); a part is found by a window where its bone crosses the window; targets are scaled to the range of tanh."""

    dimensions: int = 3
    """2: joints in the picture; 3: every joint relative to its parent."""
    strategy: str = "multi_task"
    """`regression` alone, `multi_task` (both at once), or `pretrain` (detection first, then regression from its
    convolutions on)."""
    channels: tuple[int, int, int] = (32, 64, 64)
    kernels: tuple[int, int, int] = (9, 5, 3)
    width: int = 1024
    dropout: float = 0.25
    window_px: int = 10
    """Side and stride of the detection windows, pixels of the input."""
    unit_m: float = 0.75
    """Length that tanh's 1 stands for: longer than any bone."""
    weight_detection: float = 1.0
    weight_regression: float = 1.0
    """The papers add the two errors; to count one more than the other, change these."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dimensions not in (2, 3) or self.strategy not in STRATEGIES:
            raise ConfigError(
                f"Dimensions must be 2 or 3 and the strategy one of {', '.join(STRATEGIES)}, "
                f"but are {self.dimensions} and '{self.strategy}'."
            )
        if self.image_size < 2 * self.window_px:
            raise ConfigError("The picture must be at least two windows wide.")

    @property
    def windows(self) -> int:
        """Windows along a side."""
        return self.image_size // self.window_px

    @property
    def detects(self) -> bool:
        """Whether the network has detectors."""
        return self.strategy != "regression"


def with_strategy(config: LiChanConfig, strategy: str) -> LiChanConfig:
    """The same network with another strategy, and the stages of training that it needs."""
    stages = (("detect", 0.4), ("regress", 0.6)) if strategy == "pretrain" else (("train", 1.0),)
    return replace(config, strategy=strategy, recipe=replace(config.recipe, stages=stages))


PAPER = LiChanConfig(image_size=112, recipe=Recipe("sgd", 1e-2, 0.9, 5e-4, batch=128, steps=60_000))
SMALL = LiChanConfig(
    image_size=112, width=160, weight_regression=20.0, recipe=Recipe("adam", 1e-3, batch=32, steps=8_000)
)
TINY = LiChanConfig(
    image_size=60, channels=(8, 16, 16), kernels=(5, 5, 3), width=64, dropout=0.0,
    weight_regression=20.0, recipe=Recipe("adam", 3e-3, batch=8, steps=160),
)  # fmt: skip
