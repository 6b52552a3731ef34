"""No result ever replaces an input, another result, or a file that is not ours."""

import os
from pathlib import Path

import numpy as np
import pytest

from pose_core.config import CameraConfig, EstimateRequest, TrackConfig
from pose_core.errors import ConfigError, OutputError
from pose_core.job_paths import (
    PREVIEW_MARK,
    JobPath,
    JobPaths,
    check_collisions,
    check_estimate,
    is_motion_file,
    is_same_path,
    probe_writable,
)
from pose_core.video import PreviewWriter


def request(folder: Path, out: str, video: str = "walk.mp4", preview: str | None = None, **more: object):
    return EstimateRequest(str(folder / video), str(folder / out), str(folder / preview) if preview else None, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "walk.mp4").write_bytes(b"footage of the user")
    return tmp_path


def kept(folder: Path) -> bool:
    return (folder / "walk.mp4").read_bytes() == b"footage of the user"


@pytest.mark.parametrize(
    ("out", "preview"),
    [
        ("walk.motion.npz", "walk.mp4"),
        ("walk.mp4", None),
        ("x.motion.npz", "x.motion.npz"),
        ("sub/../walk.mp4", None),
        ("x.motion.npz", "./walk.mp4"),
    ],
)
def test_an_output_that_is_an_input_or_another_output_is_refused(folder: Path, out: str, preview: str | None) -> None:
    (folder / "sub").mkdir()
    with pytest.raises(ConfigError, match="would"):
        check_estimate(request(folder, out, preview=preview))
    assert kept(folder)


@pytest.mark.parametrize("link", ["symlink", "hardlink", "folder"])
def test_links_do_not_hide_an_input(folder: Path, link: str) -> None:
    if link == "symlink":
        (folder / "other.mp4").symlink_to(folder / "walk.mp4")
        name = "other.mp4"
    elif link == "hardlink":
        os.link(folder / "walk.mp4", folder / "other.mp4")
        name = "other.mp4"
    else:
        (folder / "again").symlink_to(folder)
        name = "again/walk.mp4"
    with pytest.raises(ConfigError, match="is the video"):
        check_estimate(request(folder, "x.motion.npz", preview=name))


def test_two_names_of_one_new_file_are_one_where_case_says_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_same_path(folder / "New.mp4", folder / "new.mp4")
    monkeypatch.setattr("pose_core.job_paths._ignores_case", lambda _folder: True)
    assert is_same_path(folder / "New.mp4", folder / "new.mp4")
    assert is_same_path(folder / "caf\u00e9.mp4", folder / "cafe\u0301.mp4")


def test_camera_file_and_further_inputs_are_kept(folder: Path) -> None:
    np.save(folder / "camera.npy", np.eye(4))
    camera = CameraConfig(poses_path=str(folder / "camera.npy"))
    with pytest.raises(ConfigError, match="the camera file"):
        check_estimate(request(folder, "camera.npy", camera=camera))
    (folder / "set.blend").write_bytes(b"scene")
    with pytest.raises(ConfigError, match="the open scene"):
        check_estimate(request(folder, "set.blend"), [JobPath("the open scene", folder / "set.blend")])


def test_files_of_further_people_are_looked_at_too(folder: Path) -> None:
    everybody = TrackConfig(people=0)
    (folder / "x.p2.motion.npz").write_bytes(b"not a motion")
    with pytest.raises(OutputError, match=r"x\.p2\.motion\.npz"):
        check_estimate(request(folder, "x.motion.npz", track=everybody))
    check_estimate(request(folder, "x.motion.npz"))
    (folder / "x.p2.motion.npz").unlink()
    (folder / "x.p3.motion.npz").write_bytes(b"a video with a strange name")
    with pytest.raises(ConfigError, match="further person"):
        check_estimate(request(folder, "x.motion.npz", video="x.p3.motion.npz", track=everybody))


def test_nothing_lands_among_the_pictures_that_are_read(folder: Path) -> None:
    (folder / "shots").mkdir()
    (folder / "shots" / "a_0001.png").write_bytes(b"png")
    for video in ("shots", "shots/a_####.png"):
        with pytest.raises(ConfigError, match="the video"):
            check_estimate(request(folder, "shots/a_0002.png", video=video))
    check_estimate(request(folder, "shots/a.motion.npz", video="shots"))


def test_only_our_own_files_are_replaced(folder: Path) -> None:
    np.savez(folder / "own.motion.npz", format=np.array("pose_core.motion"), version=np.array(99))
    np.savez(folder / "other.npz", format=np.array("weights"))
    (folder / "empty.npz").touch()
    (folder / "text.npz").write_text("notes")
    with PreviewWriter(folder / "own.mp4", 64, 48) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8), 0.0)
    (folder / "other.mp4").write_bytes((folder / "own.mp4").read_bytes().replace(PREVIEW_MARK.encode(), b"x" * 17))
    check_estimate(request(folder, "own.motion.npz", preview="own.mp4"))
    check_estimate(request(folder, "empty.npz"))
    for out, preview in (("other.npz", None), ("text.npz", None), ("x.npz", "other.mp4"), (".", None)):
        with pytest.raises(OutputError):
            check_estimate(request(folder, out, preview=preview))
    assert is_motion_file(folder / "own.motion.npz") and not is_motion_file(folder / "other.npz")


def test_outputs_are_probed_before_the_work(folder: Path) -> None:
    (folder / "file").write_text("a file, no folder")
    with pytest.raises(OutputError, match="Cannot write the motion file"):
        check_estimate(request(folder, "file/x.motion.npz"))
    with pytest.raises(OutputError, match="the preview"):
        check_estimate(request(folder, "x.motion.npz", preview="file/x.mp4"))
    probe_writable([JobPath("a result", folder / "new" / "deep" / "x")])
    assert sorted(p.name for p in folder.iterdir()) == ["file", "walk.mp4"]


def test_names_too_long_are_told_not_thrown(folder: Path) -> None:
    with pytest.raises(OutputError):
        check_estimate(request(folder, "x" * 5000))
    check_estimate(request(folder, "x.motion.npz", video="v" * 5000))


def test_many_paths_do_not_take_squared_time(folder: Path) -> None:
    reads = tuple(JobPath("an input", folder / f"in{k}") for k in range(3000))
    writes = tuple(JobPath("an output", folder / f"out{k}") for k in range(3000))
    check_collisions(JobPaths(reads, writes))
    with pytest.raises(ConfigError):
        check_collisions(JobPaths(reads, (*writes, JobPath("a result", folder / "in2999"))))
