import dataclasses
import pickle

import numpy as np
import pytest

from pose_core.errors import MotionFileError, ShapeError
from pose_core.motion_file import read_motion, write_motion
from tests.support.walking import walking_motion


@pytest.fixture(scope="module")
def motion():
    return walking_motion(frames=20, missing=(5, 9))


def test_round_trip_keeps_every_field(motion, tmp_path):
    path = tmp_path / "walk.motion.npz"
    write_motion(path, motion)
    back = read_motion(path)
    for field in dataclasses.fields(motion):
        ours, theirs = getattr(motion, field.name), getattr(back, field.name)
        if isinstance(ours, np.ndarray):
            assert np.array_equal(ours, theirs, equal_nan=True), field.name
        else:
            assert ours == theirs, field.name
    assert back.valid.tolist() == [not 5 <= t < 9 for t in range(20)]
    assert list(tmp_path.iterdir()) == [path]


def _rewrite(path, **changes):
    with np.load(path, allow_pickle=False) as data:
        content = {k: data[k] for k in data.files}
    for key, value in changes.items():
        if value is None:
            del content[key]
        else:
            content[key] = value
    np.savez(path, **content)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": np.array(2)}, "version 2"),
        ({"format": np.array("other")}, "no motion file"),
        ({"contacts": None}, "lacks contacts"),
        ({"timestamps_s": np.zeros((20, 2))}, "timestamps_s"),
        ({"timestamps_s": np.zeros(20)}, "increase strictly"),
        ({"rotations_wxyz": np.full((20, 24, 4), "x")}, "must be numbers"),
        ({"joint_names": np.array(["a"] * 24)}, "canonical joints"),
        ({"root_translation_m": np.ones((20, 3))}, "disagree"),
        ({"diagnostics_json": np.array("{")}, "as JSON"),
    ],
)
def test_what_is_no_motion_is_refused(motion, tmp_path, changes, says):
    path = tmp_path / "bad.motion.npz"
    write_motion(path, motion)
    _rewrite(path, **changes)
    with pytest.raises(MotionFileError, match=says):
        read_motion(path)


class _Bomb:
    def __reduce__(self):
        raise AssertionError("unpickled")


def test_pickled_content_is_refused_and_never_run(motion, tmp_path):
    path = tmp_path / "evil.motion.npz"
    write_motion(path, motion)
    _rewrite(path, source=np.array([{"a": 1}], dtype=object))
    with pytest.raises(MotionFileError, match="pickled"):
        read_motion(path)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(MotionFileError):
        read_motion(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"hello"])
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "x.motion.npz"
    path.write_bytes(content)
    with pytest.raises(MotionFileError):
        read_motion(path)


def test_truncated_file_is_refused(motion, tmp_path):
    path = tmp_path / "cut.motion.npz"
    write_motion(path, motion)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(MotionFileError):
        read_motion(path)


def test_missing_file_and_bare_array(tmp_path):
    with pytest.raises(MotionFileError, match="no motion file"):
        read_motion(tmp_path / "none.npz")
    np.save(tmp_path / "bare.npy", np.zeros(3))
    with pytest.raises(MotionFileError, match="bare array"):
        read_motion(tmp_path / "bare.npy")


def test_failed_write_leaves_the_old_file(motion, tmp_path):
    path = tmp_path / "keep.motion.npz"
    write_motion(path, motion)
    before = path.read_bytes()
    broken = dataclasses.replace(motion, diagnostics={"set": object()})
    with pytest.raises(TypeError):
        write_motion(path, broken)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_inconsistent_joints_cannot_be_constructed(motion):
    with pytest.raises(ShapeError, match="disagree"):
        dataclasses.replace(motion, joints_world_m=motion.joints_world_m + 1e-4)
