"""Image sequences: a folder of numbered pictures, or a pattern, read as a video."""

import re
from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from pose_core.cancel import stop_if
from pose_core.errors import VideoError
from pose_core.job_paths import IMAGE_SUFFIXES
from pose_core.job_paths import NUMBER_PATTERN as PATTERN
from pose_core.types import CancelCallback
from pose_core.video.animated_webp import AnimatedWebp, open_animated_webp
from pose_core.video.bounds import check_size
from pose_core.video.diagnostics import ReadDiagnostics
from pose_core.video.frame import VideoFrame
from pose_core.video.image_size import image_size
from pose_core.video.info import VideoInfo
from pose_core.video.planes import UInt8Array
from pose_core.video.ranges import FrameRange

MAX_SPARSITY = 2  # numbers to images
NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)


@dataclass(frozen=True)
class ImageSequence:
    """Pictures in order, with the beat on which each lies.

    Args:
        path: folder, pattern or single image, as given.
        files: the pictures.
        beats: for each its number of beats after the first; numbers left out are gaps in time.
        fps: beats a second.
    """

    path: Path
    files: tuple[Path, ...]
    beats: tuple[int, ...]
    fps: Fraction

    @property
    def missing(self) -> int:
        """How many numbers are left out between the first and the last picture."""
        return self.beats[-1] + 1 - len(self.beats)

    def info(self) -> VideoInfo:
        """Facts about the sequence; reads the first picture.

        Raises:
            VideoError: the first picture cannot be read.
        """
        first = read_image(self.files[0])
        if first is None:
            raise VideoError(f"expected an image, but '{self.files[0]}' cannot be read as one.", "Export it again.")
        return VideoInfo(
            path=self.path,
            width=first.shape[1],
            height=first.shape[0],
            codec=self.files[0].suffix.lower().lstrip("."),
            rotation_deg=0,
            average_fps=self.fps,
            frame_count=len(self.files),
            duration_s=float((self.beats[-1] + 1) / self.fps),
            is_variable_rate=self.missing > 0,
            pixel_format="rgb24",
        )

    def frames(
        self, wanted: FrameRange, diagnostics: ReadDiagnostics, cancel: CancelCallback | None = None
    ) -> Generator[VideoFrame]:
        """Read the pictures of a range one by one.

        Args:
            wanted: the range.
            diagnostics: updated while reading.
            cancel: asked before every picture.
        Raises:
            CancelledError: `cancel` said so.
            VideoError: a picture is too large.
        """
        diagnostics.missing_images = self.missing
        size: tuple[int, ...] | None = None
        for index, (file, beat) in enumerate(zip(self.files, self.beats, strict=True)):
            stop_if(cancel)
            time_s = float(beat / self.fps)
            if wanted.is_before(index, time_s):
                continue
            if wanted.is_after(index, time_s):
                return
            rgb = read_image(file)
            if rgb is None:
                diagnostics.damaged_packets += 1
                diagnostics.frames_dropped_damaged += 1
                if diagnostics.first_damage_s is None:
                    diagnostics.first_damage_s = time_s
                continue
            diagnostics.frames_decoded += 1
            if size is not None and rgb.shape != size:
                diagnostics.stopped_early = (
                    f"'{file.name}' is {rgb.shape[1]}x{rgb.shape[0]}, those before are {size[1]}x{size[0]}"
                )
                return
            size = rgb.shape
            yield VideoFrame.from_rgb(rgb, index=index, time_s=time_s)


def find_image_sequence(path: Path, fps: Fraction) -> ImageSequence | AnimatedWebp | None:
    """Recognise an image sequence.

    Args:
        path: folder, pattern (`####` or `%04d` in the name) or image file; anything else is no sequence.
        fps: pictures a second.
    Returns:
        The sequence, or None if the path does not ask for one.
    Raises:
        VideoError: a folder or pattern without images, or a folder with several sequences in it.
    """
    try:
        is_folder = path.is_dir()
    except OSError:  # a name too long: opening it as a video says so
        return None
    if is_folder:
        return _from_folder(path, fps)
    if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
        animation = open_animated_webp(path)
        if animation is not None:
            return animation
        return None if _is_animated_png(path) else ImageSequence(path, (path,), (0,), fps)
    if PATTERN.search(path.name) and not path.exists():
        return _from_pattern(path, fps)
    return None


def read_image(path: Path) -> UInt8Array | None:
    """One image as RGB, upright by its own orientation tag.

    Args:
        path: the file.
    Returns:
        (H, W, 3) uint8, or None if it cannot be read as an image.
    Raises:
        VideoError: it is too large; looked at before decoding.
    """
    import cv2

    try:
        # Read by Python: OpenCV's own reading fails for names outside the code page on Windows.
        content = path.read_bytes()
    except OSError:
        return None
    size = image_size(content)
    if size is None:
        return None
    check_size(*size, path)
    try:
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if bgr is None else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _is_animated_png(path: Path) -> bool:
    """Whether it is a PNG with several pictures, which is read as a video."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
    except OSError:
        return False
    end = head.find(b"IDAT")
    return head.startswith(b"\x89PNG") and head.find(b"acTL", 0, end if end > 0 else len(head)) > 0


def _from_folder(folder: Path, fps: Fraction) -> ImageSequence:
    files = [file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()]
    # Hidden files are thumbnails and leftovers of other programs.
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        raise VideoError(
            f"expected images in the folder '{folder}', but it holds none.",
            f"Known are {', '.join(sorted(IMAGE_SUFFIXES))}.",
        )
    groups: dict[str, list[tuple[int, Path]]] = {}
    for file in files:
        match = NUMBERED.fullmatch(file.stem)
        before, digits, after = match.groups() if match else (file.stem, "0", "")
        groups.setdefault(f"{before}#{after}{file.suffix.lower()}", []).append((int(digits), file))
    if len(groups) == 1:
        return _from_numbered(folder, next(iter(groups.values())), fps)
    if all(len(group) == 1 for group in groups.values()):
        # Names without a running number: their order is all there is.
        ordered = sorted(files, key=lambda file: _natural_key(file.name))
        return ImageSequence(folder, tuple(ordered), tuple(range(len(ordered))), fps)
    names = ", ".join(f"'{name.replace('#', '####')}' ({len(group)})" for name, group in sorted(groups.items())[:5])
    raise VideoError(
        f"expected one image sequence in the folder '{folder}', but it holds {len(groups)}: {names}.",
        "Name one of them by its pattern.",
    )


def _from_pattern(path: Path, fps: Fraction) -> ImageSequence:
    matches = list(PATTERN.finditer(path.name))
    number = matches[-1]
    prefix, suffix = path.name[: number.start()], path.name[number.end() :]
    expression = re.compile(re.escape(prefix) + r"(\d+)" + re.escape(suffix))
    found = []
    if path.parent.is_dir():
        for file in path.parent.iterdir():
            match = expression.fullmatch(file.name)
            if match and file.is_file():
                found.append((int(match.group(1)), file))
    if not found:
        raise VideoError(f"expected images like '{path}', but there are none.", "Check the folder and the pattern.")
    return _from_numbered(path, found, fps)


def _from_numbered(path: Path, numbered: list[tuple[int, Path]], fps: Fraction) -> ImageSequence:
    numbered = sorted(numbered)
    numbers = [number for number, _ in numbered]
    files = tuple(file for _, file in numbered)
    for before, after in pairwise(numbered):
        if before[0] == after[0]:
            raise VideoError(
                f"expected one image a number in '{path}', but '{before[1].name}' and '{after[1].name}' share theirs.",
                "Name one of the sequences by its pattern.",
            )
    beats = tuple(number - numbers[0] for number in numbers)
    # Mostly empty numbering counts something else than frames, a clock for instance.
    if beats[-1] + 1 > MAX_SPARSITY * len(files):
        beats = tuple(range(len(files)))
    return ImageSequence(path, files, beats, fps)


def _natural_key(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name)]
