"""How stored pixels lie on the screen: quarter turns, mirroring and non-square pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import ShapeError

# Nearly square pixels (3041:3040 and the like, left behind by encoders) are not worth a resampling of every picture.
SQUARE_PIXEL_TOLERANCE = 0.01

Orientation = tuple[tuple[int, int], tuple[int, int]]
UPRIGHT: Orientation = ((1, 0), (0, 1))


@dataclass(frozen=True)
class DisplayGeometry:
    """The map from stored pixels to the picture as it is to be seen.

    Args:
        stored_width, stored_height: size in the file, pixels.
        orientation: signed permutation that turns a stored direction (x right, y down) into a displayed one.
        pixel_aspect: width of a stored pixel over its height.
    Raises:
        ShapeError: an empty picture, or an orientation that is no signed permutation.
    """

    stored_width: int
    stored_height: int
    orientation: Orientation = UPRIGHT
    pixel_aspect: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.stored_width < 1 or self.stored_height < 1:
            raise ShapeError(f"expected a picture of at least 1x1, got {self.stored_width}x{self.stored_height}.")
        magnitude = np.abs(np.asarray(self.orientation))
        if magnitude.shape != (2, 2) or not (magnitude.sum(0) == 1).all() or not (magnitude.sum(1) == 1).all():
            raise ShapeError(f"expected a signed 2x2 permutation as orientation, got {self.orientation}.")

    @property
    def is_transposed(self) -> bool:
        """Whether stored rows become displayed columns."""
        return self.orientation[0][0] == 0

    @property
    def square_size(self) -> tuple[int, int]:
        """Width and height with square pixels, before turning."""
        aspect = self.pixel_aspect
        if aspect <= 0 or abs(aspect - 1) <= SQUARE_PIXEL_TOLERANCE:
            return self.stored_width, self.stored_height
        return max(1, round(self.stored_width * aspect)), self.stored_height

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the displayed picture, pixels."""
        width, height = self.square_size
        return (height, width) if self.is_transposed else (width, height)

    @property
    def rotation_deg(self) -> int:
        """Clockwise turn from stored to displayed, 0, 90, 180 or 270 (after mirroring, for a mirrored video)."""
        (a, c), (b, d) = self.orientation
        if a * d - b * c < 0:
            a, b = -a, -b  # mirrored left to right first
        return round(math.degrees(math.atan2(b, a))) % 360

    @property
    def is_mirrored(self) -> bool:
        """Whether the displayed picture is a mirror image of the stored one."""
        (a, c), (b, d) = self.orientation
        return a * d - b * c < 0

    @property
    def T_display_from_stored(self) -> NDArray[np.float64]:
        """(3, 3) homogeneous map of pixel coordinates, integers at pixel centres."""
        width, height = self.square_size
        linear = np.asarray(self.orientation, dtype=np.float64)
        corners = linear @ np.array([[0.0, width], [0.0, height]])
        edges = np.eye(3)
        edges[:2, :2] = linear @ np.diag([width / self.stored_width, height / self.stored_height])
        edges[:2, 2] = -corners.min(axis=1)
        # Sizes count from a pixel's edge, coordinates from its centre: half a pixel lies between them.
        return shift(-0.5) @ edges @ shift(0.5)

    def orient(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn and mirror a stored image (any resolution) into display orientation.

        Args:
            image: (H, W) or (H, W, C).
        Returns:
            The same pixels turned; contiguous.
        """
        (a, c), (b, d) = self.orientation
        if self.is_transposed:
            image = image.swapaxes(0, 1)
        if a + c < 0:
            image = image[:, ::-1]
        if b + d < 0:
            image = image[::-1]
        return np.ascontiguousarray(image)


def shift(x: float, y: float | None = None) -> NDArray[np.float64]:
    """(3, 3) translation by (x, y); y is x where not given."""
    T = np.eye(3)
    T[:2, 2] = (x, x if y is None else y)
    return T


def orientation_from_display_matrix(matrix: Sequence[int]) -> Orientation:
    """Nearest quarter-turn orientation of a container's display matrix.

    Args:
        matrix: the 9 integers of the matrix as the container stores it: rows (a b u), (c d v), (x y w), of which
            a, b, c, d are 16.16 fixed point and map x' = a x + c y, y' = b x + d y with y down.
    Returns:
        The signed permutation nearest to it; upright for a degenerate matrix.
    Source: ISO/IEC 14496-12, track header box, `matrix`.
    """
    a, b, _, c, d = (float(value) for value in matrix[:5])
    if a * d - b * c == 0.0:
        return UPRIGHT
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (_sign(a), 0), (0, _sign(d))
    return (0, _sign(c)), (_sign(b), 0)


def _sign(value: float) -> int:
    return -1 if value < 0 else 1
