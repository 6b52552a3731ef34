"""Which machines are served: judged before anything is downloaded, and as README says."""

from types import SimpleNamespace

import pytest

import check_platforms
import tests.support.blender  # noqa: F401 - puts the scripts on the path
from pose_core.errors import WorkerError
from pose_core.install import installer, lock_file, platforms
from pose_core.install.platforms import PLATFORMS, PYTHONS, Machine, lock_name, platform_of, this_machine, why_not
from pose_core.worker import protocol
from tests.support.sources import REPOSITORY

GLIBC, MAC = (2, 31), (14, 5)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("system", "architecture", "version", "lock"),
    [
        ("Windows", "x86_64", (), "worker"),
        ("Linux", "x86_64", GLIBC, "worker"),
        ("Linux", "arm64", GLIBC, "worker"),
        ("Darwin", "arm64", MAC, "worker"),
        ("Darwin", "arm64", (26, 1), "worker"),
    ],
)
def test_what_is_promised(system, architecture, version, lock, python):
    machine = Machine(system, architecture, python, version)
    assert why_not(machine) == ("", "")
    assert lock_name(machine) == lock


@pytest.mark.parametrize(
    ("machine", "text", "advice"),
    [
        (Machine("Darwin", "x86_64", (3, 11), MAC), "ai-edge-litert and onnxruntime", "Apple silicon"),
        (Machine("Darwin", "arm64", (3, 11), (12, 7)), "macOS 12, Apple silicon is not served: av and", "macOS 13"),
        (Machine("Darwin", "arm64", (3, 14), (13, 6)), "with Python 3.14 is not served: onnxruntime", "3.13"),
        (Machine("Windows", "arm64", (3, 13)), "ai-edge-litert and opencv-python-headless", "x64"),
        (Machine("Windows", "x86", (3, 13), (), False), "no packages for Windows on x86", "64-bit Linux"),
        (Machine("Linux", "x86_64", (3, 11), (2, 17)), "glibc 2.17", "glibc 2.28"),
        (Machine("Linux", "x86_64", (3, 11)), "another C library", "glibc 2.28"),
        (Machine("Linux", "riscv64", (3, 11), GLIBC), "riscv64", "64-bit Linux"),
        (Machine("FreeBSD", "x86_64", (3, 11)), "FreeBSD", "64-bit Linux"),
        (Machine("Linux", "x86_64", (3, 10), GLIBC), "3.11 to 3.14 is needed, but this is Python 3.10", "Base Python"),
        (Machine("Linux", "x86_64", (3, 15), GLIBC), "this is Python 3.15", "Base Python"),
        (Machine("Linux", "x86_64", (3, 13), GLIBC, True, True), "free-threaded Python 3.13", "Base Python"),
    ],
)
def test_what_is_not_served_is_said_with_what_is_missing(machine, text, advice):
    problem, what_to_do = why_not(machine)
    assert text in problem
    assert advice in what_to_do


def test_macos_13_has_a_list_of_its_own():
    machine = Machine("Darwin", "arm64", (3, 13), (13, 6))
    assert why_not(machine) == ("", "")
    assert lock_name(machine) == "worker-macos-13"
    found = platform_of(machine)
    pins = {}
    for name in ("worker", "worker-macos-13"):
        lock = REPOSITORY / "requirements" / f"{name}.txt"
        values = {**found.markers, "python_version": "3.13", "python_full_version": "3.13.0"}
        pins[name] = {pin.name: pin.version for pin in lock_file.read_pins(lock, values)}
    assert pins["worker-macos-13"]["av"].startswith("15.")
    same = ("numpy", "scipy", "ai-edge-litert", "opencv-python-headless")
    assert all(pins["worker"][name] == pins["worker-macos-13"][name] for name in same)


def test_every_list_pins_one_version_for_all_pythons():
    """What is tested on one Python is then what runs on the others."""
    for name in sorted({platform.lock for platform in PLATFORMS if platform.lock}):
        lines = (REPOSITORY / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        pinned = [pin.name for line in lines if (pin := lock_file.pin_of(line)) is not None]
        assert len(pinned) == len(set(pinned))
        assert not [line for line in lines if "python_" in line and lock_file.pin_of(line)]


def test_this_machine_is_served():
    assert why_not(this_machine()) == ("", "")


def test_the_installer_refuses_before_it_makes_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(platforms, "this_machine", lambda: Machine("Darwin", "x86_64", (3, 11), MAC))
    message = protocol.InstallEnvironment("a", str(tmp_path / "environment"), "lock.txt", "wheel.whl")
    with pytest.raises(WorkerError, match="macOS, Intel is not served"):
        installer.run_install(message, lambda _p: None, lambda: False)
    assert list(tmp_path.iterdir()) == []


def test_the_installer_refuses_a_disk_without_room(tmp_path, monkeypatch):
    monkeypatch.setattr(installer.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=100 << 20))
    with pytest.raises(WorkerError, match="100 MB free"):
        installer._check_room(tmp_path)


def test_readme_shows_the_table():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    shown = text.partition(check_platforms.BEGIN)[2].partition(check_platforms.END)[0].strip()
    assert shown == check_platforms.table(), "python3 scripts/check_platforms.py --write"
