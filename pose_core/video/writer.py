"""Preview videos: H.264 in MP4 with exact times, complete or not there at all."""

import contextlib
import math
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from pose_core.errors import ConfigError, ShapeError, VideoError
from pose_core.temporaries import sweep_once, temporary_beside
from pose_core.video.colour import BT601
from pose_core.video.container import cause
from pose_core.video.planes import UInt8Array

# Hits 24, 25, 30, 50, 60 and their NTSC relatives exactly.
CLOCK = Fraction(1, 90_000)
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow")
ENCODERS = ("libx264", "libopenh264", "mpeg4")
# Key frames at this distance let an animator scrub through the preview.
KEY_FRAME_DISTANCE = 30
DEFAULT_CRF = 23
DEFAULT_PRESET = "superfast"
MPEG4_BITS_PER_PIXEL = 0.25
LIMITED_RANGE_CODE = 1
# Whatever the size: OpenCV converts to this standard ten times as fast as FFmpeg to any, and the file says which it is.
COLOURSPACE_CODE = BT601


class PreviewWriter:
    """Writes pictures with their times into an MP4 file; use `with`, or `close()` on success and `cancel()` else.

    The file appears under its name only when it is complete. Odd sizes are filled up to even ones by repeating the
    last row or column, as 4:2:0 needs.

    Args:
        path: file to write; its folder must exist; an older file is replaced at the end.
        width, height: size of the pictures, pixels.
        fps: nominal rate, for players' information and the last picture's length; times rule.
        crf: quality of H.264, 0 (lossless) to 51; 18 to 23 is usual.
        preset: effort of libx264, `ultrafast` (large files) to `slow`.
        threads: encoder threads; None leaves the choice to the encoder.
    Raises:
        ConfigError: a size, rate or quality out of range.
        VideoError: the file cannot be created, or there is no encoder.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        *,
        fps: Fraction | float = Fraction(30),
        crf: int = DEFAULT_CRF,
        preset: str = DEFAULT_PRESET,
        threads: int | None = None,
    ) -> None:
        if width < 1 or height < 1 or max(width, height) > 16384:
            raise ConfigError(f"expected a preview size from 1x1 to 16384x16384, got {width}x{height}.")
        if not (0 < fps < 1e4 and 0 <= crf <= 51):
            raise ConfigError(f"expected a rate above 0 and a quality in 0..51, got {fps} and {crf}.")
        self.path = Path(path)
        self.width, self.height = width, height
        self.frames_written = 0
        if preset not in PRESETS:
            raise ConfigError(f"expected a preset out of {', '.join(PRESETS)}, got '{preset}'.")
        self._fps = Fraction(fps).limit_denominator(100_000)
        self._stored = (width + width % 2, height + height % 2)
        self._first_s = 0.0
        self._last_ticks = -1
        # Hidden, and of this process: two jobs on one name do not write into each other's file.
        sweep_once(self.path.parent.absolute())
        self._temporary = temporary_beside(self.path, ".part")
        self._container: Any = None
        try:
            self._open(crf, preset, threads)
        except BaseException:
            self.cancel()
            raise

    def _open(self, crf: int, preset: str, threads: int | None) -> None:
        import av

        try:
            # PyAV creates the file at the first packet only, which is late to learn that it cannot be created.
            self._temporary.touch()
            self._container = av.open(
                str(self._temporary.absolute()), "w", format="mp4", options={"movflags": "+faststart"}
            )
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(
                f"expected to write the preview '{self.path}', but that failed: {cause(error)}.",
                "Choose another folder.",
            ) from error
        encoder = next((name for name in ENCODERS if _can_encode(name)), None)
        if encoder is None:
            raise VideoError(
                f"expected one of the encoders {', '.join(ENCODERS)} for the preview, but PyAV has none of them.",
                "Install the PyAV wheel of the package index.",
            )
        # No B-frames: then the first time in the file is 0 without an edit list, which not every program honours.
        options = {"preset": preset, "crf": str(crf), "bf": "0"} if encoder == "libx264" else {}
        stream = self._container.add_stream(encoder, rate=self._fps, options=options)
        stream.width, stream.height = self._stored
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = CLOCK
        stream.time_base = CLOCK
        context.gop_size = KEY_FRAME_DISTANCE
        context.colorspace = COLOURSPACE_CODE
        context.color_range = LIMITED_RANGE_CODE
        if encoder != "libx264":
            context.bit_rate = int(MPEG4_BITS_PER_PIXEL * self._stored[0] * self._stored[1] * float(self._fps))
        if threads is not None:
            context.thread_count = threads
        self.encoder = encoder
        self._stream = stream

    def write(self, rgb: UInt8Array, time_s: float) -> None:
        """Add a picture.

        Args:
            rgb: (height, width, 3) uint8.
            time_s: its time, seconds, later than the one before; the first one's becomes 0.
        Raises:
            ShapeError: another shape or type, or a time that is not later.
            VideoError: the file cannot be written (any more).
        """
        import av
        import cv2

        if self._container is None:
            raise VideoError(f"expected an open preview, but '{self.path}' is closed.")
        if rgb.dtype != np.uint8 or rgb.shape != (self.height, self.width, 3):
            raise ShapeError(f"expected uint8 ({self.height}, {self.width}, 3), got {rgb.dtype} {rgb.shape}.")
        if not math.isfinite(time_s):
            raise ShapeError(f"expected a time in seconds, got {time_s}.")
        if self.frames_written == 0:
            self._first_s = time_s
        ticks = round((time_s - self._first_s) / CLOCK)
        if ticks <= self._last_ticks:
            raise ShapeError(
                f"expected each picture later than the one before, got {time_s} s after "
                f"{self._first_s + float(self._last_ticks * CLOCK)} s."
            )
        planes = np.asarray(cv2.cvtColor(self._even(rgb), cv2.COLOR_RGB2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = ticks
        frame.time_base = CLOCK
        frame.duration = round(1 / self._fps / CLOCK)
        frame.color_range = LIMITED_RANGE_CODE
        frame.colorspace = COLOURSPACE_CODE
        self._encode(frame)
        self._last_ticks = ticks
        self.frames_written += 1

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            VideoError: no picture was written, or the file cannot be finished.
        """
        import av

        if self._container is None:
            return
        if self.frames_written == 0:
            self.cancel()
            raise VideoError(f"expected at least one picture in the preview '{self.path}', got none.")
        try:
            self._encode(None)
            self._container.close()
            self._container = None
            self._temporary.replace(self.path)
        except (av.error.FFmpegError, OSError) as error:
            self.cancel()
            raise VideoError(
                f"expected to write the preview '{self.path}', but that failed: {cause(error)}."
            ) from error

    def cancel(self) -> None:
        """Drop everything written; an older file of that name stays as it was."""
        import av

        if self._container is not None:
            # The file is thrown away: what goes wrong in finishing it does not matter.
            with contextlib.suppress(av.error.FFmpegError, OSError):
                self._container.close()
            self._container = None
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> "PreviewWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.cancel()

    def _encode(self, frame: Any) -> None:
        import av

        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (av.error.FFmpegError, OSError) as error:
            self.cancel()
            raise VideoError(
                f"expected to write the preview '{self.path}', but that failed: {cause(error)}."
            ) from error

    def _even(self, rgb: UInt8Array) -> UInt8Array:
        extra_h, extra_w = self._stored[1] - self.height, self._stored[0] - self.width
        if extra_h or extra_w:
            return np.pad(rgb, ((0, extra_h), (0, extra_w), (0, 0)), mode="edge")
        return np.ascontiguousarray(rgb)


def _can_encode(name: str) -> bool:
    import av

    try:
        av.Codec(name, "w")
    except ValueError:
        return False
    return True
