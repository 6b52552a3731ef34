"""From the decoder's frames to planes that numpy sees, without a copy where their layout allows."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pose_core.video.bounds import check_pixel_aspect, check_size
from pose_core.video.colour import ColourSpace, guess_matrix_code
from pose_core.video.geometry import UPRIGHT, DisplayGeometry, orientation_from_display_matrix
from pose_core.video.planes import RgbPixels, StoredPixels, YuvPixels

# 4:2:0 with 8 bits, planes in the order Y, U, V; the alpha plane of the last one is not looked at.
PLANAR_420 = frozenset({"yuv420p", "yuvj420p", "yuva420p"})
FULL_RANGE_CODE = 2
# Motion JPEG and JPEG centre their chroma; MPEG codecs put it on the left luma column.
CENTRED_CHROMA = 0.5
LEFT_CHROMA = 0.0


def pixels_from_native(frame: Any) -> StoredPixels:
    """Planes of a decoded frame.

    Args:
        frame: an `av.VideoFrame` of any pixel format.
    Returns:
        Planes that share the frame's memory for 8-bit 4:2:0; other luma-chroma formats are brought to that, all else
        to RGB.
    """
    name = frame.format.name
    if name not in PLANAR_420:
        if not _is_luma_chroma(frame.format):
            return RgbPixels(_packed_rgb(frame.reformat(format="rgb24")))
        frame = _to_420(frame)
    is_full = name.startswith("yuvj") or int(frame.color_range) == FULL_RANGE_CODE
    colour = ColourSpace(guess_matrix_code(int(frame.colorspace), frame.width, frame.height), is_full)
    chroma_x = CENTRED_CHROMA if name.startswith("yuvj") else LEFT_CHROMA
    y, u, v = (_plane_view(plane) for plane in frame.planes[:3])
    return YuvPixels(y, u, v, colour, chroma_x, native=frame)


def geometry_from_native(frame: Any, pixel_aspect: Fraction | None, path: Path) -> DisplayGeometry:
    """How a decoded frame is to be displayed.

    Args:
        frame: an `av.VideoFrame`.
        pixel_aspect: the stream's sample aspect ratio, if it says one.
        path: for messages.
    Raises:
        VideoError: it would be too large, or its pixels have an impossible shape.
    """
    from av.sidedata.sidedata import Type

    side_data = frame.side_data.get(Type.DISPLAYMATRIX)
    orientation = UPRIGHT
    if side_data is not None:
        orientation = orientation_from_display_matrix(np.frombuffer(bytes(side_data), np.int32, count=9).tolist())
    aspect = pixel_aspect if pixel_aspect is not None and pixel_aspect > 0 else Fraction(1)
    geometry = DisplayGeometry(frame.width, frame.height, orientation, aspect)
    check_pixel_aspect(aspect, path)
    check_size(*geometry.size, path)
    return geometry


def _is_luma_chroma(pixel_format: Any) -> bool:
    return not pixel_format.is_rgb and not pixel_format.has_palette and len(pixel_format.components) >= 3


def _to_420(frame: Any) -> Any:
    # The same standard and range on both sides: this changes depth and chroma resolution, never colour.
    range_code = int(frame.color_range) or 1
    colourspace = guess_matrix_code(int(frame.colorspace), frame.width, frame.height)
    if frame.format.name.startswith("yuvj"):
        range_code = FULL_RANGE_CODE
    converted = frame.reformat(
        format="yuv420p",
        src_colorspace=colourspace,
        dst_colorspace=colourspace,
        src_color_range=range_code,
        dst_color_range=range_code,
    )
    converted.color_range = range_code
    return converted


def _plane_view(plane: Any) -> NDArray[np.uint8]:
    rows = np.frombuffer(plane, np.uint8, count=plane.line_size * plane.height)
    view = rows.reshape(plane.height, plane.line_size)[:, : plane.width]
    # The decoder still predicts later pictures from this memory.
    view.flags.writeable = False
    return view


def _packed_rgb(frame: Any) -> NDArray[np.uint8]:
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(frame.height, plane.line_size)
    return np.ascontiguousarray(rows[:, : frame.width * 3]).reshape(frame.height, frame.width, 3)
