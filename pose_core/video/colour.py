"""From luma and chroma to RGB: the matrices behind the video standards."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Luma weights (red, blue) of the standards, by the `matrix_coefficients` code that streams carry.
# Source: ITU-T H.273, table 4.
LUMA_WEIGHTS: dict[int, tuple[float, float]] = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020, non-constant luminance
    10: (0.2627, 0.0593),
}
BT709 = 1
BT601 = 6
# A stream that does not say which standard it follows: HD is BT.709, standard definition BT.601, as players assume.
HD_MIN_WIDTH = 1280
HD_MIN_HEIGHT = 720


def guess_matrix_code(code: int, width: int, height: int) -> int:
    """The stream's own matrix code where it is a known one, else the one players assume for that size.

    Args:
        code: `matrix_coefficients` of the stream (2 = unspecified).
        width, height: stored size, pixels.
    Returns:
        A key of `LUMA_WEIGHTS`.
    """
    if code in LUMA_WEIGHTS:
        return code
    # A phone held upright stores 720x1280: judge by the long and the short side.
    is_hd = max(width, height) >= HD_MIN_WIDTH or min(width, height) >= HD_MIN_HEIGHT
    return BT709 if is_hd else BT601


@dataclass(frozen=True)
class ColourSpace:
    """What the numbers in luma and chroma planes mean.

    Args:
        matrix_code: key of `LUMA_WEIGHTS`.
        is_full_range: luma over 0..255 instead of 16..235.
    """

    matrix_code: int = BT709
    is_full_range: bool = False

    @cached_property
    def rgb_from_yuv(self) -> NDArray[np.float64]:
        """(3, 4) matrix from (Y, U, V, 1) in 0..255 to (R, G, B) in 0..255."""
        red, blue = LUMA_WEIGHTS[self.matrix_code]
        green = 1.0 - red - blue
        from_v, from_u = 2.0 * (1.0 - red), 2.0 * (1.0 - blue)
        luma_span, chroma_span, black = (255.0, 255.0, 0.0) if self.is_full_range else (219.0, 224.0, 16.0)
        matrix = np.array(
            [
                [1.0, 0.0, from_v],
                [1.0, -blue * from_u / green, -red * from_v / green],
                [1.0, from_u, 0.0],
            ]
        ) * np.array([255.0 / luma_span, 255.0 / chroma_span, 255.0 / chroma_span])
        offset = -matrix @ np.array([black, 128.0, 128.0])
        return np.concatenate([matrix, offset[:, None]], axis=1)

    def yuv_from_rgb(self, rgb: tuple[int, int, int]) -> tuple[float, float, float]:
        """Luma and chroma of one RGB colour, all in 0..255."""
        matrix = self.rgb_from_yuv
        yuv = np.linalg.solve(matrix[:, :3], np.asarray(rgb, dtype=np.float64) - matrix[:, 3])
        return float(yuv[0]), float(yuv[1]), float(yuv[2])
