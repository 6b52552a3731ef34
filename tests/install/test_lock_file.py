"""Which packages a lock file pins for which machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core.errors import WorkerError
from pose_core.install.lock_file import machine_markers, marker_holds, normalised, read_pins
from tests.support.sources import REPOSITORY

VALUES = {"python_full_version": "3.11.7", "python_version": "3.11", "sys_platform": "linux", "os_name": "posix"}


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("", True),
        ("python_full_version < '3.12'", True),
        ("python_full_version >= '3.12'", False),
        ("python_version == '3.11'", True),
        ("python_version >= '3.9'", True),
        ('sys_platform == "win32"', False),
        ("sys_platform != 'win32' and os_name == 'posix'", True),
        ("sys_platform == 'win32' or os_name == 'posix'", True),
        ("(sys_platform == 'win32' or os_name == 'nt') and python_version > '3'", False),
        ("(sys_platform == 'linux' and (os_name == 'nt' or os_name == 'posix'))", True),
    ],
)
def test_markers(marker, holds):
    assert marker_holds(marker, VALUES) == holds


@pytest.mark.parametrize("marker", ["what == 'x'", "sys_platform ~= '1'", "sys_platform < 'b'", "nonsense"])
def test_markers_that_are_not_understood_are_refused(marker):
    with pytest.raises(WorkerError, match="not understood"):
        marker_holds(marker, VALUES)


@given(st.tuples(st.integers(0, 20), st.integers(0, 20)), st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_versions_compare_as_numbers(left, right):
    values = {"python_version": ".".join(map(str, left))}
    text = ".".join(map(str, right))
    assert marker_holds(f"python_version < '{text}'", values) == (left < right)
    assert marker_holds(f"python_version >= '{text}'", values) == (left >= right)
    assert marker_holds(f"python_version == '{text}'", values) == (left == right)


def test_the_projects_own_lock_file_is_read_for_every_supported_machine():
    lock = REPOSITORY / "requirements" / "worker.txt"
    for python in ("3.11.7", "3.12.0", "3.13.1", "3.14.0"):
        for platform in ("linux", "win32", "darwin"):
            pins = read_pins(lock, {**machine_markers(), "python_full_version": python, "sys_platform": platform})
            names = [pin.name for pin in pins]
            assert len(names) == len(set(names))
            assert {"numpy", "scipy", "av", "opencv-python-headless", "onnxruntime", "ai-edge-litert"} <= set(names)


def test_names_are_normalised():
    assert normalised("Ruamel.Yaml__clib") == "ruamel-yaml-clib"


def test_a_file_without_pins_is_refused(tmp_path):
    (tmp_path / "lock.txt").write_text("# nothing\n")
    with pytest.raises(WorkerError, match="pins no package"):
        read_pins(tmp_path / "lock.txt")
