"""What is known of a video."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pose_core.errors import ConfigError

DEFAULT_IMAGE_FPS = 30


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a video file or image sequence.

    Args:
        path: file, folder or pattern.
        width, height: displayed size, pixels: turned upright, with square pixels.
        codec: name of the coding, `h264` and so on; the file type for image sequences.
        rotation_deg: clockwise turn from stored to displayed pictures, 0, 90, 180 or 270.
        average_fps: pictures a second on average, exact (29.97 is 30000/1001).
        frame_count: number of pictures as the file states it, else estimated; only reading tells for sure.
        duration_s: length in seconds.
        is_variable_rate: whether the distances between pictures differ; None where the file's index does not say.
        pixel_format: how pixels are stored, `yuv420p` and so on.
        is_mirrored: whether pictures are displayed mirrored.
        pixel_aspect: width of a stored pixel over its height.
        start_time_s: time of the first picture on the file's own clock, seconds; reading counts from there.
        focal_35mm: focal length as the file states it, millimetres on 35 mm film; None where it does not, as mostly.
        clock_is_useless: the file states an impossible rate; its times are not looked at, `average_fps` is assumed.
    """

    path: Path
    width: int
    height: int
    codec: str
    rotation_deg: int
    average_fps: Fraction
    frame_count: int
    duration_s: float
    is_variable_rate: bool | None
    pixel_format: str
    is_mirrored: bool = False
    pixel_aspect: Fraction = Fraction(1)
    start_time_s: Fraction = Fraction(0)
    focal_35mm: float | None = None
    clock_is_useless: bool = False


def exact_rate(fps: float | Fraction) -> Fraction:
    """Exact fraction of a rate; decimals of the NTSC family (29.97, 23.976, 59.94) become n * 1000/1001.

    Args:
        fps: pictures a second.
    Raises:
        ConfigError: not a finite number above 0.
    """
    if not 0 < fps < 1e6:
        raise ConfigError(f"expected a frame rate above 0, got {fps}.")
    if isinstance(fps, Fraction | int):
        return Fraction(fps)
    ntsc = Fraction(round(fps * 1.001) * 1000, 1001)
    if ntsc > 0 and fps != round(fps) and abs(float(ntsc) - fps) < 1e-3:
        return ntsc
    return Fraction(fps).limit_denominator(100_000)
