"""One picture of a video, with the moment at which it is to be seen."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pose_core.errors import ShapeError
from pose_core.video.geometry import DisplayGeometry, shift
from pose_core.video.planes import RgbColour, RgbPixels, StoredPixels, UInt8Array

BLACK: RgbColour = (0, 0, 0)


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """A picture and its time.

    Coordinates are pixels of the displayed picture (x right, y down, integers at pixel centres): turning, mirroring
    and non-square pixels are folded into every warp, so no full picture is ever turned to get a crop.

    Args:
        index: number of the picture in presentation order, from 0 for the first of the video.
        time_s: presentation time, seconds after the first picture of the video.
        pixels: the stored picture.
        geometry: how it is displayed; of the same stored size as `pixels`.
    Raises:
        ShapeError: a negative index, a time that is no number, or sizes that differ.
    """

    index: int
    time_s: float
    pixels: StoredPixels
    geometry: DisplayGeometry

    def __post_init__(self) -> None:
        if self.index < 0 or not math.isfinite(self.time_s):
            raise ShapeError(f"expected an index >= 0 and a finite time, got {self.index} and {self.time_s}.")
        stored = (self.geometry.stored_width, self.geometry.stored_height)
        if stored != (self.pixels.width, self.pixels.height):
            raise ShapeError(f"expected pixels of {stored}, got {(self.pixels.width, self.pixels.height)}.")

    @classmethod
    def from_rgb(cls, rgb: UInt8Array, *, index: int = 0, time_s: float = 0.0) -> "VideoFrame":
        """Frame around an RGB picture.

        Args:
            rgb: (H, W, 3) uint8, already upright.
            index, time_s: as in the class.
        Raises:
            ShapeError: another shape or type.
        """
        pixels = RgbPixels(rgb)
        return cls(index, time_s, pixels, DisplayGeometry(pixels.width, pixels.height))

    @property
    def width(self) -> int:
        """Displayed width, pixels."""
        return self.geometry.size[0]

    @property
    def height(self) -> int:
        """Displayed height, pixels."""
        return self.geometry.size[1]

    @property
    def nbytes(self) -> int:
        """Memory held by the picture, bytes."""
        return self.pixels.nbytes

    def to_rgb(self) -> UInt8Array:
        """The whole displayed picture.

        Returns:
            (height, width, 3) uint8 RGB; treat as read-only (it may be the frame's own memory).
        """
        rgb = self.pixels.to_rgb()
        if self.geometry.square_size != (self.pixels.width, self.pixels.height):
            import cv2

            rgb = np.asarray(cv2.resize(rgb, self.geometry.square_size, interpolation=cv2.INTER_LINEAR), np.uint8)
        return self.geometry.orient(rgb)

    def warp_rgb(
        self,
        M_dst_from_src: ArrayLike,
        size: tuple[int, int],
        border_value: int | RgbColour | None = BLACK,
        *,
        antialias: bool = True,
    ) -> UInt8Array:
        """Cut a turned, scaled, sheared or perspective crop out of the picture.

        Args:
            M_dst_from_src: (2, 3) affine or (3, 3) homogeneous map from displayed pixels to crop pixels.
            size: width and height of the crop, pixels.
            border_value: RGB (or grey) outside the picture; None repeats the picture's edge.
            antialias: average the source where the crop is less than half as fine (affine maps only).
        Returns:
            (size[1], size[0], 3) uint8 RGB, the caller's own.
        Raises:
            ShapeError: a map of another shape, not invertible or not finite, or an empty size.
        """
        T_dst_from_src = _as_homogeneous(M_dst_from_src)
        width, height = int(size[0]), int(size[1])
        if width < 1 or height < 1:
            raise ShapeError(f"expected a crop of at least 1x1, got {size}.")
        border = (border_value,) * 3 if isinstance(border_value, int) else border_value
        T_dst_from_stored = T_dst_from_src @ self.geometry.T_display_from_stored
        return self.pixels.warp_rgb(T_dst_from_stored, (width, height), border, antialias)

    def downscale_rgb(self, width: int, height: int) -> UInt8Array:
        """The whole displayed picture at another size, averaging all pixels that fall together.

        A pixel (x, y) of the frame lies at ((x + 0.5) * width / self.width - 0.5, and likewise in y) of the result.

        Args:
            width, height: wanted size, pixels; larger than the frame interpolates.
        Returns:
            (height, width, 3) uint8 RGB.
        Raises:
            ShapeError: an empty size.
        """
        if width < 1 or height < 1:
            raise ShapeError(f"expected a size of at least 1x1, got {width}x{height}.")
        stored_size = (height, width) if self.geometry.is_transposed else (width, height)
        return self.geometry.orient(self.pixels.downscale_rgb(*stored_size))

    def letterbox_rgb(
        self, width: int, height: int, border_value: int | RgbColour = BLACK
    ) -> tuple[UInt8Array, NDArray[np.float64]]:
        """The whole picture fitted into a fixed size, proportions kept, centred between even borders.

        Args:
            width, height: size to fill, pixels.
            border_value: RGB (or grey) of the borders.
        Returns:
            (height, width, 3) uint8 RGB, and the (2, 3) map M_dst_from_src from displayed to result pixels.
        Raises:
            ShapeError: an empty size.
        """
        if width < 1 or height < 1:
            raise ShapeError(f"expected a size of at least 1x1, got {width}x{height}.")
        scale = min(width / self.width, height / self.height)
        inner_w = min(width, max(1, round(self.width * scale)))
        inner_h = min(height, max(1, round(self.height * scale)))
        left, top = (width - inner_w) // 2, (height - inner_h) // 2
        canvas = np.empty((height, width, 3), np.uint8)
        canvas[:] = border_value
        canvas[top : top + inner_h, left : left + inner_w] = self.downscale_rgb(inner_w, inner_h)
        stretch = np.diag([inner_w / self.width, inner_h / self.height, 1.0])
        T_dst_from_src = shift(left - 0.5, top - 0.5) @ stretch @ shift(0.5)
        return canvas, T_dst_from_src[:2]


def _as_homogeneous(matrix: ArrayLike) -> NDArray[np.float64]:
    M = np.asarray(matrix, dtype=np.float64)
    if M.shape == (2, 3):
        M = np.vstack([M, (0.0, 0.0, 1.0)])
    if M.shape != (3, 3) or not np.isfinite(M).all():
        raise ShapeError(f"expected a finite (2, 3) or (3, 3) map from picture to crop, got {M.shape}: {M.tolist()}.")
    if abs(np.linalg.det(M)) < 1e-12:
        raise ShapeError(f"expected an invertible map from picture to crop, got {M.tolist()}.")
    return M
