"""Videos for tests, made on the spot: every picture carries its number in large black and white blocks."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

BITS = 12
COLUMNS = 4
NTSC = Fraction(30000, 1001)


def numbered_picture(number: int, width: int = 96, height: int = 72) -> np.ndarray:
    """RGB picture whose 4x3 blocks are the bits of a number; a red corner shows which side is up."""
    rgb = np.zeros((height, width, 3), np.uint8)
    for bit in range(BITS):
        row, column = divmod(bit, COLUMNS)
        if number >> bit & 1:
            rgb[_block(row, height, BITS // COLUMNS), _block(column, width, COLUMNS)] = 255
    return rgb


def number_of(rgb: np.ndarray) -> int:
    """The number that a picture carries, after any lossy coding."""
    height, width = rgb.shape[:2]
    number = 0
    for bit in range(BITS):
        row, column = divmod(bit, COLUMNS)
        block = rgb[_block(row, height, BITS // COLUMNS), _block(column, width, COLUMNS)]
        number |= int(block.mean() > 127) << bit
    return number


def _block(index: int, size: int, count: int) -> slice:
    return slice(index * size // count, (index + 1) * size // count)


def make_video(
    path: Path,
    count: int = 30,
    *,
    codec: str = "libx264",
    fps: Fraction | int = NTSC,
    size: tuple[int, int] = (96, 72),
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    rotation_ccw_deg: float | None = None,
    pixel_aspect: Fraction | None = None,
    gop: int = 12,
    colour: tuple[int, int] | None = None,
    pictures: Sequence[np.ndarray] | None = None,
    container_format: str | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a video of numbered pictures (or of given ones) and return its path."""
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.gop_size = gop
        if time_base is not None:
            stream.time_base = time_base
            stream.codec_context.time_base = time_base
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if rotation_ccw_deg is not None:
            stream.set_display_rotation(rotation_ccw_deg)
        if colour is not None:
            stream.codec_context.colorspace, stream.codec_context.color_range = colour
        for index in range(count if pictures is None else len(pictures)):
            rgb = numbered_picture(index, *size) if pictures is None else pictures[index]
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            if colour is not None:
                frame = frame.reformat(
                    format=pixel_format, dst_colorspace=colour[0], src_color_range=2, dst_color_range=colour[1]
                )
            frame.pts = index if ticks is None else ticks[index]
            if time_base is not None:
                frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_sound(path: Path, seconds: float = 0.5, with_cover: bool = False) -> Path:
    """Write a file with a sound track only, or with a cover picture beside it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame" if path.suffix == ".mp3" else "aac", rate=44100)
        cover = None
        if with_cover:
            cover = container.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 96, 72, "yuvj420p"
            cover.disposition = Disposition.attached_pic
        samples = np.zeros((1, int(44100 * seconds)), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if cover is not None:
            picture = av.VideoFrame.from_ndarray(numbered_picture(1), format="rgb24")
            container.mux(cover.encode(picture))
            container.mux(cover.encode())
    return path


def decoded_by_pyav(path: Path) -> list[float]:
    """Times of all pictures as PyAV alone gives them, seconds from the first."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stamps = [frame.pts * stream.time_base for frame in container.decode(stream)]
    return [float(stamp - stamps[0]) for stamp in stamps]
