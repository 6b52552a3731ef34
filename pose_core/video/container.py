"""Opening video files: every way in which it can fail becomes an error that names the file and the cause."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from pose_core.errors import VideoError
from pose_core.video.bounds import MOST_PIXELS, check_pixel_aspect, check_size

# Playlists can name other files and addresses; nothing but this one file is ever to be opened.
OPEN_OPTIONS = {"protocol_whitelist": "file"}
# For the decoder itself: a size that only the coded pictures tell.
CODEC_OPTIONS = {"max_pixels": str(MOST_PIXELS)}
# Demuxers that accept almost any text as pictures.
NOT_VIDEO_FORMATS = frozenset(
    {"tty", "ffmetadata", "concat", "hls", "dash", "image2", "bintext", "xbin", "idf", "ansi"}
)
HINT = "Play it in a media player to see whether it is whole, or convert it to an H.264 MP4 file."


def open_container(path: Path) -> Any:
    """Open a video file with PyAV.

    Args:
        path: the file.
    Returns:
        An `av.container.InputContainer`; the caller closes it.
    Raises:
        VideoError: no such file, not readable, empty, or no video file.
    """
    import av

    check_file(path)
    try:
        options = {**OPEN_OPTIONS, **CODEC_OPTIONS}
        container = av.open(str(path.resolve()), options=options, **_reads_any_text(av.__version__))
    except PermissionError as error:
        raise VideoError(f"expected a readable video file, but reading '{path}' is not permitted.") from error
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(f"expected a video file, but '{path}' cannot be read as one: {cause(error)}.", HINT) from error
    names = set(container.format.name.split(","))
    if names & NOT_VIDEO_FORMATS or container.format.name.endswith("_pipe"):
        container.close()
        raise VideoError(f"expected a video file, but '{path}' is of the kind '{container.format.name}'.", HINT)
    return container


def _reads_any_text(av_version: str) -> dict[str, Any]:
    """What opens a file whose title is in no known writing; PyAV 19 does so by itself and refuses the word."""
    return {"metadata_errors": "replace"} if int(av_version.partition(".")[0]) < 19 else {}


def index_entries(stream: Any) -> Sequence[Any]:
    """A stream's index of pictures, empty where the file has none or where PyAV is older than 17."""
    return getattr(stream, "index_entries", ())


def check_file(path: Path) -> None:
    """Refuse what cannot be a file with content.

    Raises:
        VideoError: no such file, a directory, or an empty file.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise VideoError(f"expected a video file, but '{path}' does not exist.", "Check the path.") from error
    except OSError as error:
        raise VideoError(f"expected a readable video file, but '{path}' cannot be reached: {cause(error)}.") from error
    if not path.is_file():
        raise VideoError(f"expected a video file, but '{path}' is not a file.")
    if size == 0:
        raise VideoError(f"expected a video file, but '{path}' is empty (0 bytes).", "Copy or record it again.")


def video_stream(container: Any, path: Path) -> Any:
    """The video stream that a player would show.

    Args:
        container: an open input container.
        path: for messages.
    Returns:
        An `av.video.stream.VideoStream`.
    Raises:
        VideoError: there is none, or its coding is not known.
    """
    from av.stream import Disposition

    # The cover picture of a sound file is a video stream too, but no video.
    shown = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    # A stream in an unknown coding has no context, and without one no size.
    streams = [stream for stream in shown if stream.codec_context is not None]
    if shown and not streams:
        raise VideoError(f"expected a video in a known coding, but '{path}' uses one that cannot be decoded.", HINT)
    if not streams:
        # Any video stream left here is a cover picture.
        kinds = sorted({"a cover picture" if stream.type == "video" else stream.type for stream in container.streams})
        found = f"only {' and '.join(kinds)}" if kinds else "no streams at all"
        raise VideoError(f"expected a video, but '{path}' has no pictures: {found}.", "Pick the file with the picture.")
    # Where several are there, the one marked as default, else the largest.
    stream = max(
        streams, key=lambda s: (bool(s.disposition & Disposition.default), (s.width or 0) * (s.height or 0), -s.index)
    )
    check_size(stream.width or 0, stream.height or 0, path)
    check_pixel_aspect(stream.sample_aspect_ratio or Fraction(1), path)
    stream.codec_context.options = dict(CODEC_OPTIONS)
    return stream


def cause(error: BaseException) -> str:
    """Short reason of a library's or the system's error, without numbers and paths."""
    strerror = getattr(error, "strerror", None)
    return str(strerror or error).rstrip(".")
