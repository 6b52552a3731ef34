"""Temporary files: those of dead processes go, those of others and of live ones stay."""

import os
import subprocess
import sys

from pose_core import temporaries
from pose_core.files import atomic_path
from pose_core.temporaries import is_alive, leftovers_of, remove_leftovers, sweep, temporary_beside
from pose_core.video.writer import PreviewWriter

LEAVES = """
import os, sys
from pathlib import Path
from pose_core.temporaries import temporary_beside
from pose_core.files import atomic_path
from pose_core.video.writer import PreviewWriter
folder = Path(sys.argv[1])
temporary_beside(folder / "fetch").mkdir()
writer = PreviewWriter(folder / "walk.preview.mp4", 64, 64)
with atomic_path(folder / "walk.motion.npz") as path:
    path.write_text("half")
    print(os.getpid(), flush=True)
    os.kill(os.getpid(), 9)
"""


def leave(folder):
    """Have a process die that has begun to write; return its number."""
    done = subprocess.run([sys.executable, "-c", LEAVES, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    return int(done.stdout)


def test_the_next_process_that_writes_there_sweeps_what_a_dead_one_left(tmp_path, monkeypatch):
    dead = leave(tmp_path)
    assert len(leftovers_of(tmp_path, dead)) == 3
    own = temporary_beside(tmp_path / "walk.motion.npz")
    monkeypatch.setattr(temporaries, "_machine", lambda: "0" * 8)
    elsewhere = temporary_beside(tmp_path / "walk.motion.npz")
    monkeypatch.undo()
    users = [tmp_path / name for name in (
        ".walk.my own backup.mp4", ".walk.motion.npz.123.part", ".fetch-abc", f".walk.{dead}.npz",
        f".walk.pose-core-{dead}.npz", "walk.pose-core-00000000-1-00000000.npz",
    )]  # fmt: skip
    for path in (own, elsewhere, *users):
        path.touch()
    temporaries.sweep_once.cache_clear()
    with atomic_path(tmp_path / "other.json") as path:
        path.write_text("{}")
    assert {path.name for path in tmp_path.iterdir()} == {p.name for p in (own, elsewhere, *users)} | {"other.json"}


def test_the_preview_sweeps_too(tmp_path):
    dead = leave(tmp_path)
    temporaries.sweep_once.cache_clear()
    writer = PreviewWriter(tmp_path / "run.preview.mp4", 64, 64)
    assert leftovers_of(tmp_path, dead) == []
    assert len(leftovers_of(tmp_path, os.getpid())) == 1
    writer.cancel()
    assert list(tmp_path.iterdir()) == []


def test_one_process_is_cleared_away_after_and_no_other(tmp_path):
    dead = leave(tmp_path)
    own = temporary_beside(tmp_path / "x")
    own.touch()
    remove_leftovers(tmp_path, dead + 1)
    assert len(leftovers_of(tmp_path, dead)) == 3
    remove_leftovers(tmp_path, dead)
    assert [path.name for path in tmp_path.iterdir()] == [own.name]
    sweep(tmp_path / "gone")


def test_names_keep_the_suffix_and_stay_short(tmp_path):
    for name in ("walk.motion.npz", "x" * 240 + ".mp4", "歩" * 80 + ".fbx"):
        path = temporary_beside(tmp_path / name)
        assert path.suffix == (tmp_path / name).suffix
        path.touch()
        assert leftovers_of(tmp_path, os.getpid()) == [path]
        path.unlink()


def test_files_follow_the_users_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_path(tmp_path / "private.json") as path:
            path.write_text("{}")
    finally:
        os.umask(before)
    assert (tmp_path / "private.json").stat().st_mode & 0o777 == 0o640


def test_who_is_alive():
    assert is_alive(os.getpid()) and is_alive(1)
    assert not is_alive(4999999)


def test_a_name_that_is_no_text_gets_a_temporary_one_all_the_same(tmp_path):
    final = tmp_path / "walk\udcff.npz"  # how Python shows a file name with a byte that is no UTF-8
    with atomic_path(final) as temporary:
        temporary.write_bytes(b"content")
    assert [path.name for path in tmp_path.iterdir()] == [final.name]
