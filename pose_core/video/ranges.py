"""Which part of a video is wanted."""

import math
from dataclasses import dataclass

from pose_core.errors import ConfigError


@dataclass(frozen=True)
class FrameRange:
    """A half-open part of a video, by number or by time: the end is the first picture not wanted.

    Args:
        start_s, end_s: seconds from the first picture of the video; None is the video's own start or end.
        start_frame, end_frame: the same as picture numbers from 0. A side is given in one of the two ways.
    Raises:
        ConfigError: a side given twice, a negative value, or an end that is not after the start.
    """

    start_s: float | None = None
    end_s: float | None = None
    start_frame: int | None = None
    end_frame: int | None = None

    def __post_init__(self) -> None:
        if self.start_s is not None and self.start_frame is not None:
            raise ConfigError("expected the start as a time or as a frame number, got both.", "Give one of them.")
        if self.end_s is not None and self.end_frame is not None:
            raise ConfigError("expected the end as a time or as a frame number, got both.", "Give one of them.")
        for name in ("start_s", "end_s", "start_frame", "end_frame"):
            value = getattr(self, name)
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise ConfigError(f"expected {name} >= 0, got {value}.")
        for start, end in ((self.start_s, self.end_s), (self.start_frame, self.end_frame)):
            if end is not None and end <= (start or 0):
                raise ConfigError(f"expected the end of the range after its start, got {start or 0} to {end}.")

    def is_before(self, index: int, time_s: float) -> bool:
        """Whether a picture lies before the start."""
        early_frame = self.start_frame is not None and index < self.start_frame
        return early_frame or (self.start_s is not None and time_s < self.start_s)

    def is_after(self, index: int, time_s: float) -> bool:
        """Whether a picture lies at or after the end."""
        late_frame = self.end_frame is not None and index >= self.end_frame
        return late_frame or (self.end_s is not None and time_s >= self.end_s)

    def __str__(self) -> str:
        start = f"frame {self.start_frame}" if self.start_frame is not None else f"{self.start_s or 0.0:g} s"
        if self.end_frame is None and self.end_s is None:
            return f"{start} to the end"
        return f"{start} to " + (f"frame {self.end_frame}" if self.end_frame is not None else f"{self.end_s:g} s")
