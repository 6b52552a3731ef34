"""What a video is, found out without reading it whole."""

from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from pose_core.errors import VideoError
from pose_core.video.bounds import MOST_FPS
from pose_core.video.container import HINT, index_entries, open_container, video_stream
from pose_core.video.images import find_image_sequence
from pose_core.video.info import DEFAULT_IMAGE_FPS, VideoInfo, exact_rate
from pose_core.video.native import geometry_from_native

# Enough packets to tell an even rate from an uneven one; reading more would make opening long files slow.
RATE_SAMPLE = 2000
# A file with nothing decodable in so many packets is not worth searching further.
MAX_PACKETS_TO_FIRST_FRAME = 1000


def probe_video(path: str | Path, *, image_fps: float | Fraction = DEFAULT_IMAGE_FPS) -> VideoInfo:
    """Find out what a video is; decodes its first picture.

    Args:
        path: video file, folder of images, or image pattern (`name_####.png`, `name_%04d.png`).
        image_fps: pictures a second of an image sequence.
    Returns:
        The facts.
    Raises:
        VideoError: missing, empty, damaged from the start, without pictures, or no video at all.
        ConfigError: `image_fps` is not above 0.
    """
    path = Path(path)
    sequence = find_image_sequence(path, exact_rate(image_fps))
    if sequence is not None:
        return sequence.info()
    return _probe_file(path)


def _probe_file(path: Path) -> VideoInfo:
    container = open_container(path)
    try:
        stream = video_stream(container, path)
        is_variable = _is_variable_rate(container, stream)
        frame = _first_frame(container, stream, path)
        geometry = geometry_from_native(frame, stream.sample_aspect_ratio, path)
        duration_s = _duration_s(container, stream)
        fps = stream.average_rate or stream.guessed_rate or stream.base_rate
        clock_is_useless = bool(fps and fps > MOST_FPS)
        if clock_is_useless:
            fps, duration_s = Fraction(DEFAULT_IMAGE_FPS), stream.frames / DEFAULT_IMAGE_FPS
        if not fps:
            fps = Fraction(stream.frames / duration_s).limit_denominator(100_000) if duration_s > 0 else Fraction(0)
        frame_count = stream.frames or max(1, round(duration_s * fps))
        fps = fps or Fraction(DEFAULT_IMAGE_FPS)
        ticks = frame.pts if frame.pts is not None else 0
        return VideoInfo(
            path=path,
            width=geometry.size[0],
            height=geometry.size[1],
            codec=stream.codec_context.codec.canonical_name,
            rotation_deg=geometry.rotation_deg,
            average_fps=Fraction(fps),
            frame_count=frame_count,
            duration_s=duration_s if duration_s > 0 else float(frame_count / fps),
            is_variable_rate=is_variable,
            pixel_format=frame.format.name,
            is_mirrored=geometry.is_mirrored,
            pixel_aspect=Fraction(geometry.pixel_aspect),
            start_time_s=ticks * Fraction(stream.time_base),
            focal_35mm=stated_focal_35mm({**container.metadata, **stream.metadata}),
            clock_is_useless=clock_is_useless,
        )
    finally:
        container.close()


def stated_focal_35mm(metadata: dict[str, str]) -> float | None:
    """Focal length among a file's metadata, as telephones write it; None if there is none that makes sense."""
    for key, text in metadata.items():
        if key.lower().endswith("focal_length.35mm_equivalent"):
            try:
                focal = float(text)
            except ValueError:
                return None
            return focal if 5.0 <= focal <= 2000.0 else None
    return None


def _first_frame(container: Any, stream: Any, path: Path) -> Any:
    import av

    damaged = 0
    try:
        for packet in islice(container.demux(stream), MAX_PACKETS_TO_FIRST_FRAME):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                damaged += 1
                continue
            for frame in frames:
                return frame
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(
            f"expected a video with pictures, but none in '{path}' can be decoded: {error}.", HINT
        ) from error
    reason = f"{damaged} damaged pieces at its start" if damaged else "it states a video but holds no picture"
    raise VideoError(f"expected a video with pictures, but none in '{path}' can be decoded: {reason}.", HINT)


def _duration_s(container: Any, stream: Any) -> float:
    import av

    if stream.duration:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return float(container.duration / av.time_base)
    return 0.0


def _is_variable_rate(container: Any, stream: Any) -> bool | None:
    # MP4 and MOV index every picture; the others only some of them, which says nothing about the rate.
    entries = index_entries(stream)
    if "mp4" not in container.format.name.split(",") or len(entries) < 3:
        return None
    stamps = [entry.timestamp for entry in islice(entries, RATE_SAMPLE)]
    steps = [after - before for before, after in pairwise(stamps)]
    # Clocks that do not divide by the rate make steps differ by one tick.
    return bool(max(steps) - min(steps) > 1)
