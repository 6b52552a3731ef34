"""NumPy files of others: sizes known before reading, nothing unpickled, every fault one kind of error."""

import gzip
import io
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pose_core.errors import ConfigError, MotionFileError, PoseCoreError
from pose_core.motion_file import read_motion
from pose_core.solve.camera_poses import read_camera_poses
from pose_core.untrusted.arrays import ArrayBounds, read_npy, read_npz
from tests.support.shared import shared_file

CASES = ("bit1", "diag_deep", "hdr_syntax_source", "imsize_inf", "struct_version")


@pytest.mark.parametrize("name", CASES)
def test_damaged_motion_files_are_refused(name: str) -> None:
    with pytest.raises(MotionFileError):
        read_motion(shared_file(f"cases/{name}.npz"))


def test_what_unpacks_to_gigabytes_is_refused_before_unpacking(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.npz"
    bomb.write_bytes(gzip.decompress(shared_file("cases/bomb3g.npz.gz").read_bytes()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MotionFileError, match="would unpack to"):
        read_motion(bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24.0).reshape(2, 3, 4), np.array(7), np.array("text \u00e4\U0001f600"), np.array(["a", "bcd"]),
        np.zeros((0, 3)), np.array([True, False]), np.arange(6, dtype=">i2").reshape(2, 3),
        np.array(["x"], dtype=">U3"), np.array(1 + 2j), np.array(""),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)  # fmt: skip
def test_arrays_come_back_as_numpy_reads_them(array: np.ndarray, order: str, tmp_path: Path) -> None:
    array = np.asarray(array, order=order)
    np.savez_compressed(tmp_path / "a.npz", x=array)
    np.save(tmp_path / "a.npy", array)
    for found in (
        read_npz(tmp_path / "a.npz", "it", ConfigError)["x"],
        read_npy(tmp_path / "a.npy", "it", ConfigError),
    ):
        assert found.dtype == array.dtype and found.shape == array.shape and np.array_equal(found, array)


def _npy(header: bytes, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + content


BAD_ARRAYS = [
    b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x09\x00\x00\x00\x00\x00", _npy(b"{}\n"), _npy(b"[" * 4000),
    _npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", b"x" * 8),
    _npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999,), }\n", b"x" * 8),
    _npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n", b"x" * 8),
    _npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", b"x" * 8),
    _npy(b"{'descr': '<f7', 'fortran_order': False, 'shape': (1,), }\n", b"x" * 7),
    _npy(b"{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }\n", b"\xff" * 4),
    _npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n" + b" " * 9000, b"x" * 8),
    _npy(b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }\n", b"x" * 8),
    _npy(b"{'descr': '<f8', 'fortran_order': __import__('os'), 'shape': (1,), }\n", b"x" * 8),
]  # fmt: skip


@pytest.mark.parametrize("content", BAD_ARRAYS, ids=range(len(BAD_ARRAYS)))
def test_bad_arrays_are_one_kind_of_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("T_world_camera.npy", content)
    for read, name in ((read_npy, "x.npy"), (read_npz, "x.npz")):
        with pytest.raises(ConfigError, match="Cannot read it"):
            read(tmp_path / name, "it", ConfigError)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(ConfigError, match="camera file"):
            read_camera_poses(str(tmp_path / name))


def test_archives_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **{f"a{k}": np.zeros(3) for k in range(5)})
    for bounds in (ArrayBounds(most_members=4), ArrayBounds(most_unpacked_bytes=500), ArrayBounds(most_file_bytes=500)):
        with pytest.raises(ConfigError):
            read_npz(path, "it", ConfigError, bounds=bounds)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ConfigError, match="is no array"):
        read_npz(path, "it", ConfigError)


def test_every_single_damaged_byte_gives_an_error_of_ours_or_the_same_numbers(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, T_world_camera=np.eye(4), note=np.array("text"))
    sound, path = buffer.getvalue(), tmp_path / "x.npz"
    for at in range(len(sound)):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x55]) + sound[at + 1 :])
        try:
            read_camera_poses(str(path))
        except PoseCoreError:
            continue
    for length in range(0, len(sound), 7):
        path.write_bytes(sound[:length])
        with pytest.raises(ConfigError):
            read_camera_poses(str(path))
