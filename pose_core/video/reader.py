"""Videos and image sequences as a stream of timed pictures, in memory that does not grow with their length."""

import gc
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from pose_core.errors import ConfigError
from pose_core.types import CancelCallback
from pose_core.video.animated_webp import AnimatedWebp
from pose_core.video.decode import decode_file, nothing_in_range
from pose_core.video.diagnostics import ReadDiagnostics
from pose_core.video.frame import VideoFrame
from pose_core.video.images import ImageSequence, find_image_sequence
from pose_core.video.info import DEFAULT_IMAGE_FPS, VideoInfo, exact_rate
from pose_core.video.probe import probe_video
from pose_core.video.ranges import FrameRange
from pose_core.video.timeline import thin_to_rate


class VideoReader:
    """One reading of a video; iterate over it once, and close it (or use `with`).

    Args:
        info: the video's facts.
        wanted: the range to read.
        target_fps: pictures a second to keep, None for all.
        threads: decoder threads, None to choose by the machine.
        sequence: the images, if it is an image sequence.
        cancel: asked often while pictures are looked for.
    """

    def __init__(
        self,
        info: VideoInfo,
        wanted: FrameRange,
        target_fps: float | None = None,
        threads: int | None = None,
        sequence: ImageSequence | AnimatedWebp | None = None,
        cancel: CancelCallback | None = None,
    ) -> None:
        self.info = info
        self._diagnostics = ReadDiagnostics()
        self._wanted = wanted
        source = (
            decode_file(info, wanted, self._diagnostics, threads, cancel)
            if sequence is None
            else sequence.frames(wanted, self._diagnostics, cancel)
        )
        self._source = source
        self._frames = self._counted(source if target_fps is None else thin_to_rate(source, target_fps))

    @property
    def diagnostics(self) -> dict[str, object]:
        """What happened so far; complete once the reading has ended. See `ReadDiagnostics` for the keys."""
        return self._diagnostics.as_dict()

    @property
    def warnings(self) -> list[str]:
        """What a user should know of the reading, in sentences; complete once it has ended."""
        return self._diagnostics.warnings()

    def __iter__(self) -> Iterator[VideoFrame]:
        return self._frames

    def __next__(self) -> VideoFrame:
        return next(self._frames)

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading and let go of the file; frames handed out stay valid."""
        self._frames.close()
        self._source.close()
        # PyAV's pictures and their side data refer to each other: some would stay, and the decoder's memory with them,
        # until Python next looks for such circles, which in a worker that has loaded everything is hardly ever.
        gc.collect()

    def _counted(self, frames: Iterator[VideoFrame]) -> Generator[VideoFrame]:
        for frame in frames:
            self._diagnostics.frames_yielded += 1
            yield frame
        if self._diagnostics.frames_yielded == 0:
            raise nothing_in_range(self.info, self._wanted, self._diagnostics)


def open_video(
    path: str | Path,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    start_frame: int | None = None,
    end_frame: int | None = None,
    target_fps: float | None = None,
    image_fps: float | Fraction = DEFAULT_IMAGE_FPS,
    threads: int | None = None,
    cancel: CancelCallback | None = None,
) -> VideoReader:
    """Open a video, or an image sequence, to read its pictures in presentation order.

    Times count in seconds from the first picture of the whole video, whatever the range. Ranges are half-open: the end
    is the first picture not read.

    Args:
        path: video file, folder of images, image pattern (`name_####.png`, `name_%04d.png`) or single image.
        start_s, end_s: range in seconds.
        start_frame, end_frame: range in picture numbers from 0; each side in one of the two ways.
        target_fps: keep the pictures nearest to this beat, each with its own time; None keeps all.
        image_fps: pictures a second of an image sequence.
        threads: decoder threads; None takes half of the cores, at most 4.
        cancel: asked often, also while pictures are skipped; the reading then ends with `CancelledError`.
    Returns:
        The reader.
    Raises:
        VideoError: missing, empty, damaged from the start, without pictures, or no video; during reading: no picture
            in the range.
        ConfigError: a range, rate or thread count that makes no sense.
    """
    wanted = FrameRange(start_s, end_s, start_frame, end_frame)
    if target_fps is not None and not 0 < target_fps < 1e6:
        raise ConfigError(f"expected a target frame rate above 0, got {target_fps}.")
    if threads is not None and threads < 1:
        raise ConfigError(f"expected at least 1 decoder thread, got {threads}.")
    path = Path(path)
    sequence = find_image_sequence(path, exact_rate(image_fps))
    info = sequence.info() if sequence is not None else probe_video(path)
    return VideoReader(info, wanted, target_fps, threads, sequence, cancel)
