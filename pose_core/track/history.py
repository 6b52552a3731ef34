"""The last few frames, to look back at somebody who was noticed late."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pose_core.video.frame import VideoFrame


class FrameHistory:
    """Keeps frames for a while.

    Args:
        seconds: how long.
        most_bytes: memory that they may hold; large pictures are kept for less long.
    """

    def __init__(self, seconds: float, most_bytes: int = 96 * 2**20) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._frames: deque[tuple[int, VideoFrame]] = deque()
        self._bytes = 0

    def append(self, position: int, frame: VideoFrame) -> None:
        """Add the newest frame and let go of the oldest."""
        self._frames.append((position, frame))
        self._bytes += frame.nbytes
        while self._frames and (
            self._bytes > self._most_bytes or frame.time_s - self._frames[0][1].time_s > self._seconds
        ):
            self._bytes -= self._frames.popleft()[1].nbytes

    def clear(self) -> None:
        """Let go of all frames: what comes next has nothing to do with them."""
        self._frames.clear()
        self._bytes = 0

    def backwards(self) -> Iterator[tuple[int, VideoFrame]]:
        """Positions and frames, the newest first."""
        return reversed(self._frames)
