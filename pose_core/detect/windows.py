"""Parts of the picture to look for people in: a detector sees small people only when it looks closely."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pose_core.detect.detection import Detection
from pose_core.keypoints.crop import Region

MOST_TILES = 16
"""However oblong the picture is."""
_MIN_ASPECT = 1.3
"""Pictures nearer to a square fill the detector's square input well enough as a whole."""
_SAME_CENTRE = 0.15
_SAME_SIZE = 1.4


def square_tiles(image_size: tuple[int, int]) -> tuple[Region, ...]:
    """Squares side by side that cover an oblong picture, overlapping a little.

    Args:
        image_size: (width, height).
    Returns:
        Windows of the shorter side's size, larger if there would be more than `MOST_TILES`; none for a picture that is
        nearly square.
    """
    width, height = image_size
    side, length = min(image_size), max(image_size)
    if length < _MIN_ASPECT * side:
        return ()
    # A strip is covered by few large squares: its people are small in any of them, and time is bounded.
    side = max(side, math.ceil(1.1 * length / MOST_TILES))
    count = math.ceil(1.1 * length / side)
    starts = [(length - side) * k / (count - 1) + side / 2 for k in range(count)]
    if width >= height:
        return tuple(Region(at, height / 2, side, side) for at in starts)
    return tuple(Region(width / 2, at, side, side) for at in starts)


def merge_detections(found: Sequence[Sequence[Detection]]) -> list[Detection]:
    """One list out of what several windows showed: people seen in two of them count once, at their best score.

    Args:
        found: detections by window; within a window they are different people.
    Returns:
        Detections, most certain first.
    """
    numbered = [(detection, window) for window, people in enumerate(found) for detection in people]
    numbered.sort(key=lambda item: -item[0].score)
    kept: list[tuple[Detection, int]] = []
    for detection, window in numbered:
        if not any(other != window and _is_same(detection.region, best.region) for best, other in kept):
            kept.append((detection, window))
    return [detection for detection, _ in kept]


def _is_same(first: Region, second: Region) -> bool:
    size = max(first.width, second.width)
    ratio = size / min(first.width, second.width)
    distance = math.hypot(first.center_x - second.center_x, first.center_y - second.center_y)
    return distance < _SAME_CENTRE * size and ratio < _SAME_SIZE
