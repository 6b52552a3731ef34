"""Every path that a job reads and writes, and the refusal of those that would destroy something.

Looked at before any work, by whatever starts a job. Standard library only: Blender's Python and the quickstart load it.
"""

from __future__ import annotations

import re
import struct
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_core.config import EstimateRequest
from pose_core.errors import ConfigError, OutputError
from pose_core.untrusted.archive import UNZIP_ERRORS
from pose_core.untrusted.text import TextBounds, read_json

MOTION_SUFFIX = ".motion.npz"
PREVIEW_MARK = "Pose Core preview"
"""Stands in every preview's metadata: what tells one from a video of the user's."""
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".jp2", ".ppm", ".pgm"})
NUMBER_PATTERN = re.compile(r"#+|%0?\d*d")
"""Where the running number of an image sequence stands in a pattern."""

_MOTION_FORMAT = "pose_core.motion"
_MARK_BYTES = 1 << 12
_PROBE = b"\0" * (1 << 16)
REPORT_BOUNDS = TextBounds(most_bytes=64 << 20, most_depth=64, most_values=5_000_000)
_HINT = "Choose another name or folder."


@dataclass(frozen=True)
class JobPath:
    """A path and what it is, in words for messages.

    Args:
        what: `the video`, `the preview` and so on.
        path: the file, or a folder or pattern of images.
        is_own: for an output, tells whether an existing file is of this kind and may be replaced; None = never.
    """

    what: str
    path: Path
    is_own: Callable[[Path], bool] | None = None


@dataclass(frozen=True)
class JobPaths:
    """What a job reads and writes.

    Args:
        reads: inputs; those that are absent are no concern of this module.
        writes: outputs.
        series: outputs of further people, of which only first name and pattern are known: (folder, name's pattern).
    """

    reads: tuple[JobPath, ...]
    writes: tuple[JobPath, ...]
    series: tuple[tuple[JobPath, re.Pattern[str]], ...] = ()


def motion_paths(out: str, person_ids: Sequence[int]) -> tuple[str, ...]:
    """Where the motions of several people go: `out` for the first, `NAME.p2.motion.npz` and so on beside it."""
    base = out.removesuffix(MOTION_SUFFIX).removesuffix(".npz")
    return (out, *(f"{base}.p{person}{MOTION_SUFFIX}" for person in person_ids[1:]))


def estimate_paths(request: EstimateRequest, further_reads: Iterable[JobPath] = ()) -> JobPaths:
    """The paths of an estimate.

    Args:
        request: the job.
        further_reads: what the caller has open besides, such as the scene.
    """
    reads = [JobPath("the video", Path(request.video)), *further_reads]
    if request.camera.poses_path:
        reads.append(JobPath("the camera file", Path(request.camera.poses_path)))
    out = JobPath("the motion file", Path(request.out), is_motion_file)
    writes = [out]
    if request.preview:
        writes.append(JobPath("the preview", Path(request.preview), is_preview))
    series: list[tuple[JobPath, re.Pattern[str]]] = []
    if request.track.people != 1 and request.track.person_id is None:
        stem = Path(motion_paths(request.out, (0, 0))[1]).name.removesuffix(f".p0{MOTION_SUFFIX}")
        pattern = re.compile(rf"{re.escape(stem)}\.p\d+{re.escape(MOTION_SUFFIX)}", re.IGNORECASE)
        series.append((JobPath("a motion file", Path(request.out), is_motion_file), pattern))
    return JobPaths(tuple(reads), tuple(writes), tuple(series))


def check_paths(paths: JobPaths) -> None:
    """Refuse a job whose outputs would replace an input, each other, or a file that is not ours.

    Raises:
        ConfigError: as `check_collisions`.
        OutputError: an output exists and is not a file that Pose Core wrote.
    """
    check_collisions(paths)
    check_foreign(paths)


def check_collisions(paths: JobPaths) -> None:
    """Refuse outputs that are inputs or each other, by whatever name or link.

    Raises:
        ConfigError: an output is an input or another output, or lies among the pictures of a sequence that is read.
    """
    taken = {path_key(read.path): read for read in paths.reads}
    images = [read for read in paths.reads if _is_image_sequence(read.path)]
    for output in paths.writes:
        among = (read for read in images if _is_among_images(output.path, read.path))
        read = taken.get(path_key(output.path)) or next(among, None)
        if read is not None:
            raise ConfigError(f"'{output.path}' is {read.what}: {output.what} would replace it.", _HINT)
    written: dict[tuple[object, ...], JobPath] = {}
    for output in paths.writes:
        other = written.setdefault(path_key(output.path), output)
        if other is not output:
            raise ConfigError(f"'{output.path}' would be both {other.what} and {output.what}.", _HINT)
    _check_series(paths)


def _check_series(paths: JobPaths) -> None:
    beside: dict[tuple[object, ...], list[JobPath]] = {}
    for path in (*paths.reads, *paths.writes):
        beside.setdefault(path_key(path.path.absolute().parent), []).append(path)
    for output, pattern in paths.series:
        for path in beside.get(path_key(output.path.absolute().parent), ()):
            if pattern.fullmatch(path.path.name):
                raise ConfigError(
                    f"'{path.path}' is {path.what}: {output.what} of a further person would replace it.", _HINT
                )


def check_foreign(paths: JobPaths) -> None:
    """Refuse to replace what Pose Core did not write.

    Raises:
        OutputError: such a file stands where a result belongs, or may belong.
    """
    for output in paths.writes:
        refuse_foreign(output)
    for output, pattern in paths.series:
        folder = output.path.absolute().parent
        beside = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in beside:
            if pattern.fullmatch(path.name):
                refuse_foreign(JobPath(output.what, path, output.is_own))


def refuse_foreign(output: JobPath) -> None:
    """Refuse to replace what is not ours.

    Raises:
        OutputError: the path exists and is neither an empty file nor one that Pose Core wrote.
    """
    try:
        if not output.path.exists():
            return
        if not output.path.is_file():
            raise OutputError(f"'{output.path}' cannot become {output.what}: it is no file.", _HINT)
        if output.path.stat().st_size == 0:
            return
        is_own = output.is_own is not None and output.is_own(output.path)
    except OSError as error:
        raise OutputError(f"'{output.path}' cannot be looked at ({error.strerror or error}).", _HINT) from error
    if not is_own:
        raise OutputError(
            f"'{output.path}' exists already and is not {output.what} of an earlier run: it is left alone.",
            f"{_HINT[:-1]}, or move that file away.",
        )


def probe_writable(outputs: Iterable[JobPath]) -> None:
    """Try whether outputs can be written, before hours of work for nothing; makes no folder and leaves no file.

    Raises:
        OutputError: a folder cannot be made or written in, or its disk is full.
    """
    for output in outputs:
        folder = output.path.absolute().parent
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        try:
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(_PROBE)
                probe.flush()
        except OSError as error:
            raise OutputError(
                f"Cannot write {output.what} '{output.path}' ({error.strerror or error}).",
                "Check the folder, its permissions and the free space, or choose another.",
            ) from error


def check_estimate(request: EstimateRequest, further_reads: Iterable[JobPath] = ()) -> None:
    """All checks of an estimate's paths, before any work.

    Raises:
        ConfigError, OutputError: as `check_paths` and `probe_writable`.
    """
    paths = estimate_paths(request, further_reads)
    check_paths(paths)
    probe_writable(paths.writes)


def path_key(path: Path) -> tuple[object, ...]:
    """What two paths share if they lead, or would lead, to one file: through links, in whatever case it is all one."""
    try:
        if path.exists():
            status = path.stat()
            return ("file", status.st_dev, status.st_ino)
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name too long: opening it will tell
        return ("name", str(path))
    return ("name", _folded(real) if _ignores_case(real.parent) else str(real))


def is_same_path(first: Path, second: Path) -> bool:
    """Whether two paths lead, or would lead, to one file."""
    return path_key(first) == path_key(second)


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _ignores_case(folder: Path) -> bool:
    """Whether the file system takes `A` and `a` for one name, told by the nearest folder with a letter in its name."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        if place.exists() and other.name != place.name:
            return other.exists() and other.samefile(place)
    return False


def _is_image_sequence(source: Path) -> bool:
    try:
        return source.is_dir() or (NUMBER_PATTERN.search(source.name) is not None and not source.exists())
    except OSError:  # a name too long: opening it will tell
        return False


def _is_among_images(output: Path, source: Path) -> bool:
    """Whether an output would be taken for a picture of the sequence that is read."""
    if source.is_dir():
        return output.suffix.lower() in IMAGE_SUFFIXES and is_same_path(output.absolute().parent, source)
    number = list(NUMBER_PATTERN.finditer(source.name))[-1]
    before, after = re.escape(source.name[: number.start()]), re.escape(source.name[number.end() :])
    same_folder = is_same_path(output.absolute().parent, source.absolute().parent)
    return same_folder and re.fullmatch(rf"{before}\d+{after}", output.name, re.IGNORECASE) is not None


def is_motion_file(path: Path) -> bool:
    """Whether a file says of itself that it is a motion file, of whatever version; reads a few bytes only."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("format.npy") as member:
            text = member.read(4096)
    except UNZIP_ERRORS:
        return False
    return any(_MOTION_FORMAT.encode(coding) in text for coding in ("utf-32-le", "utf-32-be"))


def is_preview(path: Path) -> bool:
    """Whether a file is a preview that Pose Core wrote: the mark stands at the end of an MP4's index."""
    at, end = 0, path.stat().st_size
    with path.open("rb") as file:
        while at + 8 <= end:
            file.seek(at)
            size, kind = struct.unpack(">I4s", file.read(8))
            if kind == b"moov":
                file.seek(max(at, at + size - _MARK_BYTES))
                return PREVIEW_MARK.encode() in file.read(_MARK_BYTES)
            if size < 8:  # to the end of the file, or with a size of 64 bits: none of ours
                return False
            at += size
    return False


def is_report(path: Path) -> bool:
    """Whether a file is the report of a job."""
    return bool(read_report(path))


def read_report(path: Path) -> dict[str, Any]:
    """The report of a job; empty if there is none, or the file is something else."""
    try:
        data = read_json(path, "the report", ConfigError, bounds=REPORT_BOUNDS)
    except (OSError, ConfigError):
        return {}
    return data if isinstance(data, dict) and {"pose_core", "digest"} <= set(data) else {}
