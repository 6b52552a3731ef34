"""Decoding of video files: pictures in presentation order, exact times, damage kept out."""

import heapq
import os
from bisect import bisect_left
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from pose_core.cancel import stop_if
from pose_core.errors import VideoError
from pose_core.types import CancelCallback
from pose_core.video.container import HINT, cause, index_entries, open_container, video_stream
from pose_core.video.diagnostics import ReadDiagnostics
from pose_core.video.frame import VideoFrame
from pose_core.video.geometry import DisplayGeometry
from pose_core.video.info import VideoInfo
from pose_core.video.native import geometry_from_native, pixels_from_native
from pose_core.video.ranges import FrameRange
from pose_core.video.timeline import LONGEST_GAP_S, TimestampRepair

# Jumping costs a scan of the packets and decoding from a key frame: not worth it for less than this.
MIN_FRAMES_TO_SEEK = 120
# No codec shows a picture later than this many packets after its own.
MAX_REORDER = 64
# Jump this much further back each time a jump landed too late.
SEEK_BACK_OFF_S = (0.0, 2.0, 10.0, 60.0)
MAX_AUTO_THREADS = 4
FULL_HD_PIXELS = 1920 * 1088


@dataclass(frozen=True)
class StartPoint:
    """A picture to jump to.

    Args:
        ticks: its time stamp.
        index: its number in the video.
    """

    ticks: int
    index: int


@dataclass(frozen=True)
class NativeFrame:
    """A picture as the decoder gave it.

    Args:
        frame: an `av.VideoFrame`.
        ticks: its time stamp after reordering, None where there is none.
        is_usable: neither it nor what it builds on is damaged.
        lost_before: pictures before it that gave nothing at all.
    """

    frame: Any
    ticks: int | None
    is_usable: bool
    lost_before: int = 0


def default_thread_count(width: int, height: int) -> int:
    """Decoder threads for a picture size.

    Args:
        width, height: pixels.
    Returns:
        Up to full HD half of the cores: decoding keeps up, and the others stay free for what is done with the
        pictures. Above, decoding is what all else waits for, and takes them all.
    """
    cores = os.cpu_count() or 1
    return max(1, min(MAX_AUTO_THREADS, cores if width * height > FULL_HD_PIXELS else cores // 2))


def decode_file(
    info: VideoInfo,
    wanted: FrameRange,
    diagnostics: ReadDiagnostics,
    threads: int | None = None,
    cancel: CancelCallback | None = None,
) -> Generator[VideoFrame]:
    """Pictures of a range of a video file, one by one.

    Args:
        info: the file's facts.
        wanted: the range.
        diagnostics: updated while reading.
        threads: decoder threads; None picks by the machine.
        cancel: asked between packets.
    Returns:
        Frames in presentation order, with strictly increasing times.
    Raises:
        VideoError: the file cannot be opened any more.
        CancelledError: `cancel` said so.
    """
    start = _find_start(info, wanted, cancel)
    decoder = _Decoder(info.path, threads or default_thread_count(info.width, info.height), diagnostics, cancel)
    try:
        natives = decoder.frames_from(start.ticks) if start else None
        if natives is None or start is None:
            start = None
            natives = decoder.frames()
        yield from _in_range(natives, decoder, info, wanted, start.index if start else 0, diagnostics)
    finally:
        decoder.close()


def _in_range(
    natives: Iterator[NativeFrame],
    decoder: "_Decoder",
    info: VideoInfo,
    wanted: FrameRange,
    first_index: int,
    diagnostics: ReadDiagnostics,
) -> Iterator[VideoFrame]:
    period_s = 1 / info.average_fps
    repair = TimestampRepair(decoder.time_base_s, period_s)
    origin_s = info.start_time_s if first_index else None
    geometry: DisplayGeometry | None = None
    for count, native in enumerate(natives, start=first_index):
        index = count + native.lost_before
        diagnostics.frames_decoded += 1
        clock_s = repair.time_of(None if info.clock_is_useless else native.ticks)
        diagnostics.timestamps_repaired = repair.repaired
        diagnostics.clock_jumps, diagnostics.longest_jump_s = repair.jumps, float(repair.longest_jump_s)
        origin_s = clock_s if origin_s is None else origin_s
        time_s = float(clock_s - origin_s)
        if wanted.is_after(index, time_s):
            return
        if not native.is_usable:
            diagnostics.frames_dropped_damaged += 1
            if diagnostics.first_damage_s is None:
                diagnostics.first_damage_s = time_s
            continue
        if wanted.is_before(index, time_s):
            continue
        frame = native.frame
        diagnostics.interlaced_frames += bool(frame.interlaced_frame)
        if geometry is None:
            geometry = geometry_from_native(frame, decoder.pixel_aspect, info.path)
        if (frame.width, frame.height) != (geometry.stored_width, geometry.stored_height):
            diagnostics.stopped_early = (
                f"the picture's size changes from {geometry.stored_width}x{geometry.stored_height} to "
                f"{frame.width}x{frame.height} at {time_s:.3f} s"
            )
            return
        yield VideoFrame(index, time_s, pixels_from_native(frame), geometry)
    # Only here, at the end of the file, can it be said that something is missing there.
    if diagnostics.stopped_early is None:
        diagnostics.stopped_early = decoder.missing_end()


class _Decoder:
    """The decoding loop: packets in, pictures out, and the book-keeping of damage."""

    def __init__(
        self, path: Path, threads: int, diagnostics: ReadDiagnostics, cancel: CancelCallback | None = None
    ) -> None:
        self.path = path
        self.cancel = cancel
        self.threads = threads
        self.diagnostics = diagnostics
        self._open()

    def _open(self) -> None:
        self.container = open_container(self.path)
        self.stream = video_stream(self.container, self.path)
        context = self.stream.codec_context
        context.thread_count = self.threads
        context.thread_type = "AUTO" if self.threads > 1 else "NONE"
        self.time_base_s = Fraction(self.stream.time_base)
        self.pixel_aspect: Fraction | None = self.stream.sample_aspect_ratio
        # AVI stores no presentation stamps: the demuxer numbers packets as they come, which is right as a set only.
        self._stamps_unordered = self.container.format.name == "avi"
        self._packets = 0
        self._last_ticks: int | None = None
        self._from_start = True

    def close(self) -> None:
        self.container.close()

    def frames(self) -> Iterator[NativeFrame]:
        """All pictures from the start."""
        return self._frames()

    def frames_from(self, ticks: int) -> Iterator[NativeFrame] | None:
        """Pictures from the one with a given stamp on, by a jump.

        Returns:
            The pictures, or None if no jump lands before it; the decoder then stands at the start again.
        """
        import av

        for back_s in SEEK_BACK_OFF_S:
            target = ticks - int(Fraction(back_s) / self.time_base_s)
            try:
                self.container.seek(target, stream=self.stream, backward=True)
            except (av.error.FFmpegError, OSError):
                break
            self._from_start = False
            natives = self._frames()
            first = next(natives, None)
            if first is not None and first.ticks is not None and first.ticks <= ticks:
                return _skip_before(ticks, first, natives)
        self.close()
        self._open()
        return None

    def missing_end(self) -> str | None:
        """Why the reading ended before the file's stated end, or None if it did not."""
        entries = index_entries(self.stream)
        unread = False
        if len(entries) and self._last_ticks is not None:
            unread = entries[-1].timestamp > self._last_ticks
        if self._from_start and 0 < self._packets < self.stream.frames:
            unread = True
        if not unread:
            return None
        return f"the file is cut off: it ends after {self._packets} pictures of about {self.stream.frames} it states"

    def _frames(self) -> Iterator[NativeFrame]:
        """Decode; pictures that build on damaged ones are marked until the next clean key frame.

        Decoders conceal damage: they hand out smeared pictures instead. Pictures come in presentation order, packets in
        decoding order, so a picture is judged by the place of its packet, not by when it comes out.
        """
        place_of: dict[int, int] = {}
        stamps: list[int] = []
        damaged_place: int | None = None
        lost = lost_before = 0
        for place, (packet, frames, is_damaged) in enumerate(self._decoded_packets()):
            if packet is not None and packet.pts is not None:
                place_of[packet.pts] = place
                if self._stamps_unordered:
                    heapq.heappush(stamps, packet.pts)
            if is_damaged:
                lost += not frames
                # Decoder threads report an error some packets late.
                damaged_place = place - (self.threads if self.threads > 1 else 0)
            for frame in frames:
                own_place = place_of.pop(frame.pts, None) if frame.pts is not None else None
                ticks = heapq.heappop(stamps) if stamps else frame.pts
                if frame.is_corrupt:
                    damaged_place = own_place if own_place is not None else place
                    yield NativeFrame(frame, ticks, False, lost_before)
                    continue
                usable = True
                if damaged_place is not None:
                    is_later = own_place is None or own_place > damaged_place
                    if frame.key_frame and is_later:
                        damaged_place = None
                        lost_before = lost
                    else:
                        usable = not is_later and own_place != damaged_place
                yield NativeFrame(frame, ticks, usable, lost_before)
            # Stamps of packets that gave no picture would pile up.
            if len(place_of) > 4 * MAX_REORDER:
                place_of = {ticks: at for ticks, at in place_of.items() if at > place - 2 * MAX_REORDER}

    def _decoded_packets(self) -> Iterator[tuple[Any, list[Any], bool]]:
        import av

        packets = self.container.demux(self.stream)
        while True:
            stop_if(self.cancel)
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                self.diagnostics.stopped_early = f"the file is damaged: {cause(error)}"
                packet = None
            if packet is None:
                break
            if packet.size == 0:
                # A picture left out (AVI), or the end of the stream: the decoder would take either for the end.
                continue
            self._packets += 1
            known = [value for value in (packet.pts, packet.dts, self._last_ticks) if value is not None]
            self._last_ticks = max(known) if known else None
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.diagnostics.damaged_packets += 1
                yield packet, [], True
                continue
            # What the demuxer suspects (in joined transport streams) is mostly whole: the decoder knows.
            yield packet, frames, False
        try:
            yield None, self.stream.codec_context.decode(None), False
        except av.error.FFmpegError:
            self.diagnostics.damaged_packets += 1


def _skip_before(ticks: int, first: NativeFrame, rest: Iterator[NativeFrame]) -> Iterator[NativeFrame]:
    if first.ticks is not None and first.ticks >= ticks:
        yield first
    for native in rest:
        if native.ticks is None or native.ticks >= ticks:
            yield native
            break
    yield from rest


def _find_start(info: VideoInfo, wanted: FrameRange, cancel: CancelCallback | None = None) -> StartPoint | None:
    """Stamp and number of the first picture of a range, from the packets alone.

    Returns:
        None where the start is near, or where stamps are missing or in disorder: then only decoding from the start
        tells which picture is which.
    """
    import av

    near_s = MIN_FRAMES_TO_SEEK / float(info.average_fps)
    if (wanted.start_frame or 0) < MIN_FRAMES_TO_SEEK and (wanted.start_s or 0.0) < near_s:
        return None
    container = open_container(info.path)
    try:
        if container.format.name == "avi":
            return None
        stream = video_stream(container, info.path)
        tick_s = Fraction(stream.time_base)
        stamps: list[int] = []
        last_dts: int | None = None
        beyond = 0
        for packet in container.demux(stream):
            stop_if(cancel)
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None or packet.is_corrupt:
                return None
            if packet.dts is not None:
                if last_dts is not None and packet.dts <= last_dts:
                    return None
                last_dts = packet.dts
            stamps.append(packet.pts)
            is_past_time = wanted.start_s is not None and packet.pts * tick_s - info.start_time_s >= wanted.start_s
            is_past_frame = wanted.start_frame is not None and len(stamps) > wanted.start_frame
            beyond += is_past_time or is_past_frame
            if beyond > MAX_REORDER:
                break
    except (av.error.FFmpegError, OSError):
        return None
    finally:
        container.close()
    stamps.sort()
    if len(set(stamps)) != len(stamps) or not stamps or stamps[0] * tick_s != info.start_time_s:
        return None
    if info.clock_is_useless or any((b - a) * tick_s > LONGEST_GAP_S for a, b in pairwise(stamps)):
        return None
    if wanted.start_frame is not None:
        index = wanted.start_frame
    else:
        start_s = wanted.start_s or 0.0
        index = bisect_left(stamps, start_s, key=lambda ticks: float(ticks * tick_s - info.start_time_s))
    # Past the end: decoding from the start finds out how many pictures there are, for the message.
    return StartPoint(stamps[index], index) if index < len(stamps) else None


def nothing_in_range(info: VideoInfo, wanted: FrameRange, diagnostics: ReadDiagnostics) -> VideoError:
    """The error for a reading that gave no picture."""
    if diagnostics.frames_dropped_damaged:
        damaged = diagnostics.frames_dropped_damaged
        return VideoError(f"expected pictures in '{info.path}', but all {damaged} from {wanted} are damaged.", HINT)
    return VideoError(
        f"expected pictures in '{info.path}' from {wanted}, but it has about {info.frame_count} frames, "
        f"{info.duration_s:.3f} s.",
        "Choose a range inside the video.",
    )
