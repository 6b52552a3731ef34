"""Pixels of one stored picture, as 4:2:0 planes or as RGB, and the warps of small crops out of them.

A crop for a network needs some 65 thousand pixels, a full HD picture has two million: warping the planes first and
converting only the crop's colours leaves almost nothing of the cost of a full conversion, and half of its memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import ShapeError
from pose_core.video.colour import ColourSpace
from pose_core.video.geometry import shift

UInt8Array = NDArray[np.uint8]
RgbColour = tuple[int, int, int]


class StoredPixels(Protocol):
    """One picture in stored orientation."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def to_rgb(self) -> UInt8Array: ...
    def downscale_rgb(self, width: int, height: int) -> UInt8Array: ...
    def downscale_grey(self, width: int, height: int) -> UInt8Array: ...
    def warp_rgb(
        self, T_dst_from_stored: NDArray[np.float64], size: tuple[int, int], border: RgbColour | None, antialias: bool
    ) -> UInt8Array: ...


@dataclass(frozen=True, eq=False)
class RgbPixels:
    """A picture held as RGB.

    Args:
        rgb: (H, W, 3) uint8.
    """

    rgb: UInt8Array

    def __post_init__(self) -> None:
        _check_plane("rgb", self.rgb, (self.rgb.shape[0], self.rgb.shape[1], 3) if self.rgb.ndim == 3 else (0, 0, 3))

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def nbytes(self) -> int:
        return int(self.rgb.nbytes)

    def to_rgb(self) -> UInt8Array:
        return self.rgb

    def downscale_rgb(self, width: int, height: int) -> UInt8Array:
        return _resize_area(self.rgb, width, height)

    def downscale_grey(self, width: int, height: int) -> UInt8Array:
        import cv2

        return np.asarray(cv2.cvtColor(self.downscale_rgb(width, height), cv2.COLOR_RGB2GRAY), np.uint8)

    def warp_rgb(
        self, T_dst_from_stored: NDArray[np.float64], size: tuple[int, int], border: RgbColour | None, antialias: bool
    ) -> UInt8Array:
        return _warp(self.rgb, T_dst_from_stored, size, border, antialias)


@dataclass(frozen=True, eq=False)
class YuvPixels:
    """A picture held as 8-bit luma and chroma planes, chroma at half resolution both ways (4:2:0).

    Args:
        y: (H, W) uint8 luma.
        u, v: (ceil(H / 2), ceil(W / 2)) uint8 chroma.
        colour: standard and range of the numbers.
        chroma_x: where a chroma sample lies between its two luma columns, 0 (on the left one) to 1; 0.5 in JPEG.
        native: the decoder's own frame, if the planes are views into it: converts full pictures fastest.
    """

    y: UInt8Array
    u: UInt8Array
    v: UInt8Array
    colour: ColourSpace = field(default_factory=ColourSpace)
    chroma_x: float = 0.0
    native: Any = None

    def __post_init__(self) -> None:
        if self.y.ndim != 2:
            raise ShapeError(f"expected a luma plane (H, W), got {self.y.shape}.")
        half = ((self.y.shape[0] + 1) // 2, (self.y.shape[1] + 1) // 2)
        _check_plane("y", self.y, self.y.shape)
        _check_plane("u", self.u, half)
        _check_plane("v", self.v, half)

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    @property
    def nbytes(self) -> int:
        # The decoder pads every row: a view keeps the padding alive too.
        return sum(plane.strides[0] * plane.shape[0] for plane in (self.y, self.u, self.v))

    def to_rgb(self) -> UInt8Array:
        if self.native is not None:
            return self._to_rgb_native()
        return self.warp_rgb(np.eye(3), (self.width, self.height), None, antialias=False)

    def _to_rgb_native(self) -> UInt8Array:
        range_code = 2 if self.colour.is_full_range else 1
        converted = self.native.reformat(
            format="rgb24",
            src_colorspace=self.colour.matrix_code,
            src_color_range=range_code,
            dst_color_range=2,
        )
        plane = converted.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(self.height, plane.line_size)
        # A copy gives the caller one contiguous picture of their own and lets go of the row padding.
        return np.ascontiguousarray(rows[:, : self.width * 3]).reshape(self.height, self.width, 3)

    def downscale_rgb(self, width: int, height: int) -> UInt8Array:
        return self._rgb_from_planes([_resize_area(plane, width, height) for plane in (self.y, self.u, self.v)])

    def downscale_grey(self, width: int, height: int) -> UInt8Array:
        return _resize_area(self.y, width, height)

    def warp_rgb(
        self, T_dst_from_stored: NDArray[np.float64], size: tuple[int, int], border: RgbColour | None, antialias: bool
    ) -> UInt8Array:
        # Vertically a chroma sample lies midway between its two luma rows.
        T_dst_from_chroma = T_dst_from_stored @ shift(self.chroma_x, 0.5) @ np.diag([2.0, 2.0, 1.0])
        borders = (None,) * 3 if border is None else tuple((value,) for value in self.colour.yuv_from_rgb(border))
        return self._rgb_from_planes(
            [
                _warp(self.y, T_dst_from_stored, size, borders[0], antialias),
                _warp(self.u, T_dst_from_chroma, size, borders[1], antialias),
                _warp(self.v, T_dst_from_chroma, size, borders[2], antialias),
            ]
        )

    def _rgb_from_planes(self, planes: list[UInt8Array]) -> UInt8Array:
        import cv2

        return np.asarray(cv2.transform(cv2.merge(planes), self.colour.rgb_from_yuv), np.uint8)


def _check_plane(name: str, plane: UInt8Array, shape: tuple[int, ...]) -> None:
    if plane.dtype != np.uint8 or plane.shape != shape or 0 in shape:
        raise ShapeError(f"expected {name} as uint8 of shape {shape}, got {plane.dtype} of shape {plane.shape}.")


def _halve(image: UInt8Array) -> UInt8Array:
    """Average 2x2 blocks; an odd last row or column is repeated first."""
    import cv2

    height, width = image.shape[:2]
    odd_h, odd_w = height % 2, width % 2
    padded = cv2.copyMakeBorder(image, 0, odd_h, 0, odd_w, cv2.BORDER_REPLICATE) if odd_h or odd_w else image
    # Exact halving is the one case of INTER_AREA that is vectorised: ten times as fast as any other reduction.
    halved = cv2.resize(padded, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(halved, np.uint8)


def _resize_area(image: UInt8Array, width: int, height: int) -> UInt8Array:
    """Resize so that every pixel of a reduction counts."""
    shrinks = image.shape[1] > width and image.shape[0] > height
    # Four samples a pixel leave no gap between 1 and 2, where halving the source would already blur.
    factor = 2 if shrinks else 1
    w, h = factor * width, factor * height
    scale = np.diag([w / image.shape[1], h / image.shape[0], 1.0])
    resized = _warp(image, shift(-0.5) @ scale @ shift(0.5), (w, h), None, antialias=True)
    return _halve(resized) if shrinks else resized


def _warp(
    image: UInt8Array,
    T_dst_from_src: NDArray[np.float64],
    size: tuple[int, int],
    border: Iterable[float] | None,
    antialias: bool,
) -> UInt8Array:
    """Warp with bilinear sampling; where the target is less than half as fine, out of an averaged source."""
    import cv2

    if antialias:
        image, T_dst_from_src = _reduce_source(image, T_dst_from_src, size)
    flags = cv2.INTER_LINEAR
    mode = cv2.BORDER_REPLICATE if border is None else cv2.BORDER_CONSTANT
    value = () if border is None else tuple(border)
    if _is_affine(T_dst_from_src):
        M = T_dst_from_src[:2]
        warped = cv2.warpAffine(image, M, size, flags=flags, borderMode=mode, borderValue=value)
    else:
        warped = cv2.warpPerspective(image, T_dst_from_src, size, flags=flags, borderMode=mode, borderValue=value)
    return np.asarray(warped, np.uint8)


def _is_affine(T: NDArray[np.float64]) -> bool:
    return bool(np.array_equal(T[2], (0.0, 0.0, 1.0)))


def _reduce_source(
    image: UInt8Array, T_dst_from_src: NDArray[np.float64], size: tuple[int, int]
) -> tuple[UInt8Array, NDArray[np.float64]]:
    """Halve the part of the source that the target sees, until sampling it skips no pixel.

    Bilinear sampling looks at four pixels only: at a reduction of two and more the others would be lost, which shows as
    jagged, flickering limbs.
    """
    if not _is_affine(T_dst_from_src):
        return image, T_dst_from_src
    stretch = float(np.linalg.svd(T_dst_from_src[:2, :2], compute_uv=False)[0])
    halvings = int(np.floor(np.log2(1.0 / stretch) + 1e-6)) if stretch > 1e-6 else 0
    if halvings < 1:
        return image, T_dst_from_src
    block = 2**halvings
    height, width = image.shape[:2]
    w, h = size
    corners = np.array([[-1.0, w, w, -1.0], [-1.0, -1.0, h, h], [1.0, 1.0, 1.0, 1.0]])
    seen = (np.linalg.inv(T_dst_from_src) @ corners)[:2]
    x0, y0 = (np.clip(np.floor(seen.min(axis=1)) - block, 0, (width - 1, height - 1)) // block * block).astype(int)
    x1, y1 = np.clip(np.ceil(seen.max(axis=1)) + block, (x0 + 1, y0 + 1), (width, height)).astype(int)
    part = image[y0:y1, x0:x1]
    for _ in range(halvings):
        part = _halve(part)
    T_src_from_part = shift(float(x0) - 0.5, float(y0) - 0.5) @ np.diag([block, block, 1.0]) @ shift(0.5)
    return part, T_dst_from_src @ T_src_from_part
