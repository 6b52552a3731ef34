"""Every Python that is promised: the installer makes an environment on it, and that one does a whole job.

Python 3.14 is that of the full Blender, where `tests/ui` installs by the button.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

import build_addon
from pose_core.config import EstimateRequest, TrackConfig, VideoConfig
from pose_core.install.environment import environment_status
from pose_core.install.installer import installer_command, remove_environment
from pose_core.install.platforms import PYTHONS
from pose_core.motion_file import read_motion
from pose_core.worker import protocol
from pose_core.worker.client import JOB_ID, WorkerClient
from tests.support.missing import skip_or_fail
from tests.support.sources import REPOSITORY
from tests.support.wheels import offline_wheels
from tools.errors import SetupError
from tools.python import find_python
from tools.wheels import OLDER

pytestmark = pytest.mark.model

LOCK = REPOSITORY / "requirements" / "worker.txt"
SAMPLE = REPOSITORY / "samples" / "mannequin_walk.mp4"
HERE = PYTHONS[:-1]
SAME_M = 1e-3
"""The packages are the same on each Python; threads add in another order."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of `pose_core` as the extension carries it."""
    return build_addon.build_wheel(Path(sys.executable), tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The motion that this Python makes."""
    return estimate(sys.executable, tmp_path_factory.mktemp("here"))


def estimate(python, folder):
    out = folder / "walk.motion.npz"
    request = EstimateRequest(
        str(SAMPLE),
        str(out),
        preview=str(folder / "walk.preview.mp4"),
        video_config=VideoConfig(end_s=2.0),
        track=TrackConfig(threads=2),
    )
    WorkerClient(python, log_path=folder / "worker.log").run_blocking(request)
    return read_motion(out)


def install(version, lock, wheel, tmp_path):
    """Make an environment as the add-on does; return the installer's report and the environment's Python."""
    wheels = offline_wheels()
    try:
        base = find_python(*version)
    except SetupError as error:
        skip_or_fail(str(error))
    folder = tmp_path / "environment"
    message = protocol.InstallEnvironment(JOB_ID, str(folder), str(lock), str(wheel), str(wheels))
    command = installer_command(base, wheel)
    report = WorkerClient(base, command=command, log_path=tmp_path / "install.log").run_blocking(message).report
    status = environment_status(folder, lock)
    assert status.usable and status.python is not None
    return report, status.python


def self_test(python, version, tmp_path):
    tested = WorkerClient(python, log_path=tmp_path / "worker.log").run_blocking(protocol.SelfTest(JOB_ID))
    assert tested.report["ok"], tested.report
    assert f"Python {version[0]}.{version[1]}." in tested.report["checks"][0]["detail"]
    return tested.report["checks"][0]["detail"]


def test_the_list_for_macos_13_serves_as_well(wheel, tmp_path):
    """Its packages are older ones: what is called of them must be there."""
    version, lock = OLDER
    _, python = install(version, lock, wheel, tmp_path)
    assert "av 15." in self_test(python, version, tmp_path)
    remove_environment(tmp_path / "environment")


@pytest.mark.parametrize("version", HERE, ids=[".".join(map(str, version)) for version in HERE])
def test_the_installed_environment_does_a_whole_job(version, wheel, expected, tmp_path, monkeypatch):
    # What would lead pip astray, and what lies in the working folder, must not count.
    for name in ("PIP_TARGET", "PIP_PREFIX"):
        monkeypatch.setenv(name, str(tmp_path / "astray"))
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("pip", "venv", "numpy", "pose_core"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the working folder is executed')\n")
    report, python = install(version, LOCK, wheel, tmp_path)
    assert report["packages"] == 20
    assert not (tmp_path / "astray").exists()
    self_test(python, version, tmp_path)
    motion = estimate(python, tmp_path)
    assert motion.joints_world_m.shape == expected.joints_world_m.shape == (60, *expected.joints_world_m.shape[1:])
    np.testing.assert_allclose(motion.joints_world_m, expected.joints_world_m, atol=SAME_M)
    assert (tmp_path / "walk.preview.mp4").stat().st_size > 10_000
    remove_environment(tmp_path / "environment")  # half a gigabyte that pytest would keep
