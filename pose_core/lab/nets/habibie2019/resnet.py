"""The bottleneck residual network of He et al. 2016, up to its fourth level."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions around a bridge.

    Args:
        inputs: channels in.
        outputs: channels out; a quarter as many in between.
        stride: of the 3 x 3 convolution.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        middle = max(outputs // 4, 1)
        self.reduce = _normalised(inputs, middle, 1)
        self.spatial = _normalised(middle, middle, 3, stride)
        self.expand = _normalised(middle, outputs, 1)
        straight = inputs == outputs and stride == 1
        self.bridge = nn.Identity() if straight else _normalised(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h / stride, w / stride)."""
        y = self.expand(functional.relu(self.spatial(functional.relu(self.reduce(x)))))
        return functional.relu(y + self.bridge(x))


class ResNetTrunk(nn.Module):
    """conv1, res2, res3 and res4; stride 16."""

    def __init__(self, width: int, blocks: tuple[int, int, int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(_normalised(3, width, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.channels = 16 * width
        res2, res3, res4 = blocks
        self.res2 = _level(width, 4 * width, res2, 1)
        self.res3 = _level(4 * width, 8 * width, res3, 2)
        # the supervised block is the fourth of six, and its like in a shorter level
        self.res4_to_d = _level(8 * width, 16 * width, res4 - 2, 2)
        self.res4_rest = _level(16 * width, 16 * width, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) to the outputs of res4d and of the last block of res4, both (B, 16 width, S / 16, S / 16)."""
        res4d = self.res4_to_d(self.res3(self.res2(self.stem(x))))
        return res4d, self.res4_rest(res4d)


def _level(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(inputs, outputs, stride)
    return nn.Sequential(first, *(Bottleneck(outputs, outputs) for _ in range(blocks - 1)))


def _normalised(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))
