"""Making a worker environment: from a folder of wheels alone, complete or not at all."""

import base64
import hashlib
import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from pose_core import __version__
from pose_core.errors import CancelledError, WorkerError
from pose_core.install.environment import MARKER, environment_python, environment_status, lock_digest, site_packages
from pose_core.install.installer import installer_command, remove_environment
from pose_core.worker import protocol
from pose_core.worker.client import JOB_ID, WorkerClient
from tests.support.sources import REPOSITORY

BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)


def write_wheel(folder, name, version, files):
    """A minimal wheel of plain Python files."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        rows.append(f"{path},sha256={digest},{len(data)}")
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in content.items():
            archive.writestr(path, data)
    return wheel


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with wheels, a lock file for them, and a wheel that stands for `pose_core`."""
    folder = tmp_path_factory.mktemp("install")
    wheels = folder / "wheels"
    wheels.mkdir()
    demo = write_wheel(wheels, "demo_library", "1.5", {"demo_library.py": b"ANSWER = 42\n"})
    digest = hashlib.sha256(demo.read_bytes()).hexdigest()
    (folder / "lock.txt").write_text(
        f"demo-library==1.5 ; python_full_version >= '3.11' \\\n    --hash=sha256:{digest}\n"
        "elsewhere==9 ; sys_platform == 'no-such-system' \\\n    --hash=sha256:00\n"
    )
    write_wheel(folder, "pose_core", __version__, {"pose_core/__init__.py": b"__version__ = 'test'\n"})
    return folder


def message(place, target, **changes):
    fields = {
        "folder": str(target),
        "lock": str(place / "lock.txt"),
        "wheel": str(place / f"pose_core-{__version__}-py3-none-any.whl"),
        "wheel_folder": str(place / "wheels"),
    }
    return protocol.InstallEnvironment(JOB_ID, **{**fields, **changes})


def client(tmp_path, python=BASE_PYTHON):
    command = installer_command(python, REPOSITORY)
    return WorkerClient(python, command=command, log_path=tmp_path / "install.log")


def test_install_verify_damage_reinstall_remove(place, tmp_path):
    target = tmp_path / "deep" / "environment"
    stages = []
    result = client(tmp_path).run_blocking(message(place, target), lambda update: stages.append(update.stage))
    assert result.report["packages"] == 2
    assert {"create", "check"} <= set(stages)
    status = environment_status(target, place / "lock.txt")
    assert status.usable
    assert status.ours
    assert sorted(path.name for path in target.parent.iterdir()) == ["environment"]
    commands = [path.name for path in environment_python(target).parent.iterdir()]
    assert all(name.startswith("python") for name in commands)

    def problems():
        check = protocol.VerifyEnvironment(JOB_ID, str(target), str(place / "lock.txt"))
        return client(tmp_path).run_blocking(check).report["problems"]

    assert problems() == []
    module = site_packages(target) / "demo_library.py"
    module.write_text("ANSWER = 43\n")
    assert problems() == ["demo-library: the file demo_library.py was changed."]
    module.unlink()
    assert problems() == ["demo-library: the file demo_library.py is missing."]
    shutil.rmtree(site_packages(target) / "demo_library-1.5.dist-info")
    assert problems() == ["demo-library is missing."]

    client(tmp_path).run_blocking(message(place, target))
    assert problems() == []
    assert sorted(path.name for path in target.parent.iterdir()) == ["environment"]
    remove_environment(target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"wheel_folder": "/no/such/folder"}, "no folder"),
        ({"wheel": "/no/such.whl"}, "is missing"),
        ({"lock": "/no/such.txt"}, "cannot be read"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_made(place, tmp_path, changes, text):
    target = tmp_path / "environment"
    with pytest.raises(WorkerError, match=text):
        client(tmp_path).run_blocking(message(place, target, **changes))
    assert not target.exists()


def test_a_wheel_with_another_hash_is_refused_and_the_old_environment_kept(place, tmp_path):
    lock = tmp_path / "lock.txt"
    lock.write_text(f"demo-library==1.5 \\\n    --hash=sha256:{'0' * 64}\n")
    target = tmp_path / "place" / "environment"
    target.mkdir(parents=True)
    (target / MARKER).write_text(json.dumps({"version": "old"}))
    with pytest.raises(WorkerError, match=r"(?i)hash"):
        client(tmp_path).run_blocking(message(place, target, lock=str(lock)))
    assert json.loads((target / MARKER).read_text()) == {"version": "old"}
    assert sorted(path.name for path in target.parent.iterdir()) == ["environment"]


def test_a_folder_that_is_somebody_elses_is_not_replaced(place, tmp_path):
    target = tmp_path / "documents"
    target.mkdir()
    (target / "novel.txt").write_text("chapter 1")
    with pytest.raises(WorkerError, match="not replaced"):
        client(tmp_path).run_blocking(message(place, target))
    with pytest.raises(WorkerError, match="not removed"):
        remove_environment(target)
    assert (target / "novel.txt").read_text() == "chapter 1"


def test_cancelling_leaves_nothing(place, tmp_path):
    target = tmp_path / "place" / "environment"
    installer = client(tmp_path)

    def stop(_update):
        installer.cancel()

    with pytest.raises(CancelledError):
        installer.run_blocking(message(place, target), stop)
    assert list(target.parent.iterdir()) == []


def test_what_a_killed_installation_left_is_cleared_away(place, tmp_path):
    target = tmp_path / "place" / "environment"
    leftover = target.with_name(".environment.new-4999999")
    leftover.mkdir(parents=True)
    client(tmp_path).run_blocking(message(place, target))
    assert sorted(path.name for path in target.parent.iterdir()) == ["environment"]


def test_a_python_of_another_version_is_refused(place, tmp_path, monkeypatch):
    monkeypatch.setattr("pose_core.install.environment.SUPPORTED_PYTHON", ((3, 97), (3, 98)))
    with pytest.raises(WorkerError, match=r"Python 3\.97 to 3\.98 is needed"):
        client(tmp_path).run_blocking(message(place, tmp_path / "environment"))


def test_status_of_what_is_no_usable_environment(tmp_path):
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1\n")
    assert "not installed" in environment_status(tmp_path / "gone").problem
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "holds no Python" in environment_status(folder).problem
    python = environment_python(folder)
    python.parent.mkdir()
    python.symlink_to(tmp_path / "no-python")
    assert "is gone" in environment_status(folder).problem
    python.unlink()
    python.touch()
    assert environment_status(folder).usable
    marker = {"version": "0.0.1", "lock_sha256": lock_digest(lock)}
    (folder / MARKER).write_text(json.dumps(marker))
    assert "0.0.1" in environment_status(folder, lock).problem
    (folder / MARKER).write_text(json.dumps({**marker, "version": __version__}))
    assert environment_status(folder, lock).usable
    lock.write_text("a==2\n")
    assert "another list" in environment_status(folder, lock).problem
    assert environment_status(Path(sys.executable)).python == Path(sys.executable)
