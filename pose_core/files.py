"""Files: which ones a character can come from; written so that a failure leaves nothing half-written behind.

Everything that the program keeps is written by `AtomicFile` or `atomic_path`: under a hidden name beside its place,
brought to the disk, and only then put in its place. What that means:

- Whoever looks sees the old file or the new one, also after a loss of power. A failure leaves the old one, no scraps.
- Only plain files are replaced. A folder, device, pipe or socket of that name is refused.
- A symbolic link stays, and the file that it points to is replaced (or made).
- A new file gets the permissions that the user's umask leaves; a replaced one keeps those that it has.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pose_core.temporaries import sweep_once, temporary_beside

RIG_SUFFIXES = (".fbx", ".glb", ".gltf", ".vrm", ".blend")
"""Files that a character can come from."""

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "that place is read-only",
    errno.EACCES: "writing there is not allowed",
    errno.EPERM: "writing there is not allowed",
    errno.ENOTDIR: "a file stands where a folder is needed",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EISDIR: "there is a folder of this name",
    errno.ELOOP: "its symbolic links go round in a circle",
    errno.EIO: "the disk reports an error",
}


class AtomicFile:
    """A file that is written under a temporary name and put in its place by `commit`, or thrown away by `discard`.

    Missing folders are made, and removed again where nothing came of it. The temporary name keeps the target's suffix,
    as some writers choose the format by it.

    Args:
        target: where the finished file shall be.
    Raises:
        OSError: something else than a plain file is there, or it cannot be written to.
    """

    def __init__(self, target: str | os.PathLike[str]) -> None:
        self.target = _place_of(Path(target))
        self._folders = [one for one in self.target.parents if not one.exists()]
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.path = _new_beside(self.target)
            """Where to write."""
        except BaseException:
            self._remove_folders()
            raise

    def commit(self) -> None:
        """Bring what was written to the disk, and put it in its place.

        Raises:
            OSError: that failed; nothing is left, and the old file is as it was.
        """
        try:
            _flush(self.path)
            with contextlib.suppress(FileNotFoundError):
                self.path.chmod(stat.S_IMODE(self.target.stat().st_mode))
            self.path.replace(self.target)
        except BaseException:
            self.discard()
            raise
        _flush_folder(self.target.parent)

    def discard(self) -> None:
        """Leave nothing behind; does nothing after `commit`."""
        self.path.unlink(missing_ok=True)
        self._remove_folders()

    def _remove_folders(self) -> None:
        for folder in self._folders:
            with contextlib.suppress(OSError):  # not empty, or never made
                folder.rmdir()


@contextmanager
def atomic_path(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path in the target's folder that becomes the target on success; see `AtomicFile`.

    Args:
        target: where the finished file shall be.
    Yields:
        The path to write to.
    Raises:
        OSError: it cannot be written; nothing is left, and the old file is as it was.
    """
    file = AtomicFile(target)
    try:
        yield file.path
        file.commit()
    finally:
        file.discard()


def write_text(target: str | os.PathLike[str], text: str) -> None:
    """Write a whole text file, UTF-8 with plain line ends, as `atomic_path` does.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def why_not_written(error: OSError) -> str:
    """An error of writing in plain words."""
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


def _place_of(target: Path) -> Path:
    """The file meant: a link's own target.

    Raises:
        OSError: links in a circle, or something that is no plain file.
    """
    try:
        final = target.resolve(strict=False)
        status = final.stat()
    except FileNotFoundError:
        return final
    except RuntimeError as error:  # before Python 3.13 a circle of links was one
        raise OSError(errno.ELOOP, _REASONS[errno.ELOOP], str(target)) from error
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, _REASONS[errno.EISDIR], str(target))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a device, pipe or socket, and no file", str(target))
    return final


def _new_beside(final: Path) -> Path:
    """Make an empty file of a name of its own, with the permissions that the umask leaves."""
    sweep_once(final.parent.absolute())
    while True:
        path = temporary_beside(final)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return path


def _flush(path: Path) -> None:
    """Bring a file's content to the disk."""
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk, where the system can."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # some network file systems refuse it; the file itself is safe by now
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
