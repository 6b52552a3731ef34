"""Animated WebP: what FFmpeg does not read, picture by picture with its time.

Source: WebP container specification, "Animation".
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from pose_core.cancel import stop_if
from pose_core.errors import VideoError
from pose_core.types import CancelCallback
from pose_core.video.bounds import check_size
from pose_core.video.diagnostics import ReadDiagnostics
from pose_core.video.frame import VideoFrame
from pose_core.video.image_size import image_size
from pose_core.video.info import VideoInfo
from pose_core.video.planes import UInt8Array
from pose_core.video.ranges import FrameRange

LEAST_SHOWN_MS = 10
DEFAULT_SHOWN_MS = 100
"""What browsers show pictures for whose stated time is shorter than `LEAST_SHOWN_MS`."""
_MOST_PICTURES = 1_000_000
_ANIMATED, _WITH_ALPHA = 0x02, 0x10


@dataclass(frozen=True)
class _Piece:
    """A rectangle that is drawn onto the canvas."""

    x: int
    y: int
    width: int
    height: int
    start_ms: int
    shown_ms: int
    blends: bool
    disposes: bool
    data: bytes


@dataclass(frozen=True)
class AnimatedWebp:
    """The pictures of an animation; as `ImageSequence`, read as a video.

    Args:
        path: the file.
        width, height: of the canvas, pixels.
        pieces: what is drawn, in order.
    """

    path: Path
    width: int
    height: int
    pieces: tuple[_Piece, ...]

    def info(self) -> VideoInfo:
        """Facts about the animation."""
        last = self.pieces[-1]
        duration_ms = last.start_ms + last.shown_ms
        lengths = {piece.shown_ms for piece in self.pieces[:-1]}
        return VideoInfo(
            path=self.path,
            width=self.width,
            height=self.height,
            codec="webp",
            rotation_deg=0,
            average_fps=Fraction(1000 * len(self.pieces), duration_ms),
            frame_count=len(self.pieces),
            duration_s=duration_ms / 1000,
            is_variable_rate=len(lengths) > 1,
            pixel_format="rgb24",
        )

    def frames(
        self, wanted: FrameRange, diagnostics: ReadDiagnostics, cancel: CancelCallback | None = None
    ) -> Generator[VideoFrame]:
        """Draw the pictures of a range one by one.

        Args:
            wanted: the range.
            diagnostics: updated while reading.
            cancel: asked before every picture.
        Raises:
            CancelledError: `cancel` said so.
        """
        for index, rgb in enumerate(self._drawn(diagnostics)):
            stop_if(cancel)
            time_s = self.pieces[index].start_ms / 1000
            if wanted.is_after(index, time_s):
                return
            if rgb is not None and not wanted.is_before(index, time_s):
                yield VideoFrame.from_rgb(rgb, index=index, time_s=time_s)

    def _drawn(self, diagnostics: ReadDiagnostics) -> Iterator[UInt8Array | None]:
        canvas = np.zeros((self.height, self.width, 3), np.uint8)
        damaged = False
        for piece in self.pieces:
            area = canvas[piece.y : piece.y + piece.height, piece.x : piece.x + piece.width]
            rgba = _decoded(piece)
            if rgba is None or rgba.shape[:2] != area.shape[:2]:
                diagnostics.damaged_packets += 1
                damaged = True
            elif piece.blends:
                alpha = rgba[..., 3:].astype(np.uint16)
                area[:] = ((rgba[..., :3] * alpha + area * (255 - alpha) + 127) // 255).astype(np.uint8)
                damaged = damaged and not _covers(piece, self)
            else:
                area[:] = rgba[..., :3]
                damaged = damaged and not _covers(piece, self)
            diagnostics.frames_decoded += 1
            if damaged:
                diagnostics.frames_dropped_damaged += 1
                if diagnostics.first_damage_s is None:
                    diagnostics.first_damage_s = piece.start_ms / 1000
            yield None if damaged else canvas.copy()
            if piece.disposes:
                area[:] = 0


def open_animated_webp(path: Path) -> AnimatedWebp | None:
    """Recognise an animated WebP file; None for anything else, a still one too.

    Raises:
        VideoError: it is one, but too large or without pictures.
    """
    try:
        with path.open("rb") as file:
            if not _is_animated(file.read(21)):
                return None
            data = file.read()
    except OSError:
        return None
    width, height = 1 + int.from_bytes(data[3:6], "little"), 1 + int.from_bytes(data[6:9], "little")
    check_size(width, height, path)
    pieces = tuple(_pieces(data[9:], width, height))
    if not pieces:
        raise VideoError(f"expected pictures in '{path}', but it holds none that fit.", "Export it again.")
    return AnimatedWebp(path, width, height, pieces)


def _is_animated(head: bytes) -> bool:
    is_extended = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X"
    return is_extended and len(head) == 21 and bool(head[20] & _ANIMATED)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _pieces(data: bytes, width: int, height: int) -> Iterator[_Piece]:
    start_ms = 0
    for count, (kind, body) in enumerate(_chunks(data)):
        if count >= _MOST_PICTURES:
            return
        if kind != b"ANMF" or len(body) < 24:
            continue
        x, y, w, h, shown_ms = (int.from_bytes(body[k : k + 3], "little") for k in (0, 3, 6, 9, 12))
        x, y, w, h = 2 * x, 2 * y, w + 1, h + 1
        if x + w > width or y + h > height:
            continue
        shown_ms = shown_ms if shown_ms >= LEAST_SHOWN_MS else DEFAULT_SHOWN_MS
        yield _Piece(x, y, w, h, start_ms, shown_ms, not body[15] & 0x02, bool(body[15] & 0x01), body[16:])
        start_ms += shown_ms


def _decoded(piece: _Piece) -> UInt8Array | None:
    """(H, W, 4) RGB and alpha of a piece, wrapped as a file of its own."""
    import cv2

    parts = dict(_chunks(piece.data))
    flags = _WITH_ALPHA if b"ALPH" in parts else 0
    size = (piece.width - 1).to_bytes(3, "little") + (piece.height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + (10).to_bytes(4, "little") + bytes([flags, 0, 0, 0]) + size + piece.data
    if b"VP8L" in parts:
        body = b"WEBP" + piece.data
    file = b"RIFF" + len(body).to_bytes(4, "little") + body
    if image_size(file) != (piece.width, piece.height):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if image is None or image.ndim != 3:
        return None
    code = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return np.asarray(cv2.cvtColor(image, code), np.uint8)


def _covers(piece: _Piece, animation: AnimatedWebp) -> bool:
    return (piece.width, piece.height) == (animation.width, animation.height)
