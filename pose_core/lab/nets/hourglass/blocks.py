"""The hourglass of Newell, Yang & Deng 2016, and a stack of them."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    """Normalise, activate, convolve, three times, around a bridge."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = max(outputs // 2, 1)
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, middle, 1),
            nn.BatchNorm2d(middle), nn.ReLU(), nn.Conv2d(middle, middle, 3, padding=1),
            nn.BatchNorm2d(middle), nn.ReLU(), nn.Conv2d(middle, outputs, 1),
        )  # fmt: skip
        self.bridge = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h, w)."""
        return self.body(x) + self.bridge(x)


class Hourglass(nn.Module):
    """Down to a small picture and up again, with a bridge at every level."""

    def __init__(self, depth: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.bridge = _residuals(channels, blocks)
        self.down = _residuals(channels, blocks)
        self.inner = Hourglass(depth - 1, channels, blocks) if depth > 1 else _residuals(channels, blocks)
        self.up = _residuals(channels, blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape."""
        small = self.up(self.inner(self.down(functional.max_pool2d(x, 2))))
        return self.bridge(x) + functional.interpolate(small, scale_factor=2.0, mode="nearest")


class HourglassStack(nn.Module):
    """Hourglasses one after the other; each reports, and all but the last hand their report on.

    Args:
        outputs: channels that each stack reports.
        channels: of the features.
        depth: levels of one hourglass.
        blocks: residual blocks at every level.
    """

    def __init__(self, outputs: tuple[int, ...], channels: int, depth: int, blocks: int) -> None:
        super().__init__()
        half, quarter = max(channels // 2, 1), max(channels // 4, 1)
        self.stem = nn.Sequential(
            nn.Conv2d(3, quarter, 7, 2, 3), nn.BatchNorm2d(quarter), nn.ReLU(),
            Residual(quarter, half), nn.MaxPool2d(2), Residual(half, half), Residual(half, channels),
        )  # fmt: skip
        self.hourglasses = nn.ModuleList(
            nn.Sequential(
                Hourglass(depth, channels, blocks), Residual(channels, channels),
                nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(),
            )
            for _ in outputs
        )  # fmt: skip
        self.reports = nn.ModuleList(nn.Conv2d(channels, size, 1) for size in outputs)
        for layer in self.reports:
            # most cells are empty, so nothing is a good first guess
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.bias)
        self.features_on = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in outputs[:-1])
        self.report_on = nn.ModuleList(nn.Conv2d(size, channels, 1) for size in outputs[:-1])

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, S, S) to one (B, outputs[i], S / 4, S / 4) a stack."""
        x = self.stem(image)
        out = []
        for i, (hourglass, report) in enumerate(zip(self.hourglasses, self.reports, strict=True)):
            features = hourglass(x)
            out.append(report(features))
            if i < len(self.report_on):
                x = x + self.features_on[i](features) + self.report_on[i](out[-1])
        return out


def _residuals(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(channels, channels) for _ in range(count)))
