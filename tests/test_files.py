"""Files are there whole or not at all, with the user's permissions, and nothing but plain files is replaced."""

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from pose_core import files
from pose_core.files import atomic_path, why_not_written, write_text

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX")


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "walk.npz"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == ".npz" and temporary.name.startswith(".walk.")
        temporary.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new" and [p.name for p in target.parent.iterdir()] == ["walk.npz"]


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(kind: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "walk.npz"
    target.write_bytes(b"old")
    with pytest.raises(kind), atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        raise kind
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]
    with pytest.raises(kind), atomic_path(tmp_path / "a" / "b" / "walk.npz"):
        raise kind
    assert list(tmp_path.iterdir()) == [target]  # folders that were made for it are gone too


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_files_have_the_permissions_that_the_umask_leaves(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a.json", "{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o666 & ~umask


@posix
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    target.chmod(0o440)
    write_text(target, "new")
    assert target.read_text() == "new" and stat.S_IMODE(target.stat().st_mode) == 0o440


@posix
def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    real, link, dangling = tmp_path / "store" / "real.json", tmp_path / "link.json", tmp_path / "dangling.json"
    real.parent.mkdir()
    real.write_text("old")
    link.symlink_to(real)
    dangling.symlink_to(tmp_path / "later" / "there.json")
    write_text(link, "new")
    write_text(dangling, "made")
    assert link.is_symlink() and real.read_text() == "new"
    assert dangling.is_symlink() and (tmp_path / "later" / "there.json").read_text() == "made"
    (tmp_path / "round.json").symlink_to(tmp_path / "round.json")
    with pytest.raises(OSError, match=r"circle|[Ll]oop|levels"):
        write_text(tmp_path / "round.json", "x")


@posix
def test_folders_devices_pipes_and_sockets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    one = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    one.bind("socket")
    (tmp_path / "to-null").symlink_to("/dev/null")
    for name in ("folder", "pipe", "socket", "to-null", "/dev/null"):
        kind = stat.S_IFMT((tmp_path / name).stat().st_mode)
        with pytest.raises(OSError) as caught:
            write_text(tmp_path / name, "x")
        assert why_not_written(caught.value).startswith(("there is a folder", "it is a device, pipe or socket")), name
        assert stat.S_IFMT((tmp_path / name).stat().st_mode) == kind
    one.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "pipe", "socket", "to-null"]


@posix
def test_content_reaches_the_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        real_fsync(handle)

    def replace(self: Path, target: Path) -> Path:
        done.append("name")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_text(tmp_path / "a.txt", "x")
    assert done == ["file", "name", "folder"]


@posix
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_the_last_moment_leaves_the_old_file(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as caught:
        write_text(target, "new")
    assert why_not_written(caught.value) == {
        errno.ENOSPC: "the disk is full", errno.EIO: "the disk reports an error"
    }[code]  # fmt: skip
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_a_file_where_a_folder_is_needed_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError):
        write_text(tmp_path / "file" / "a.txt", "x")
    assert (tmp_path / "file").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


@posix
def test_long_names_fit(tmp_path: Path) -> None:
    target = tmp_path / ("ü" * 120 + ".json")  # 245 bytes
    write_text(target, "x")
    assert list(tmp_path.iterdir()) == [target]


def test_every_reason_is_in_plain_words() -> None:
    assert all(text[0].islower() and not text.endswith(".") for text in files._REASONS.values())
    assert why_not_written(OSError(errno.EBUSY, "Device or resource busy")) == "Device or resource busy"
