"""Environments are made once, recognised by their marker, and remade when they are broken."""

import dataclasses
import multiprocessing
import multiprocessing.synchronize
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tools import environments, locks
from tools.environments import Environment, ensure_environment, is_current, read_marker
from tools.errors import SetupError
from tools.progress import Progress
from tools.python import base_python


class Steps(Progress):
    """Counts the steps that were taken."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "progress.txt").open("a+", encoding="utf-8")
        super().__init__(self._file)

    def taken(self) -> list[str]:
        self._file.seek(0)
        return [line for line in self._file.read().splitlines() if line.split()[0] in ("done", "FAILED")]


@pytest.fixture
def unmade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A real environment with nothing in it but pip, so that no network is needed; it is yet to be made."""
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path / "cache"))
    lock = tmp_path / "empty.txt"
    lock.write_text("# nothing\n", encoding="utf-8")
    return Environment("test environment", tmp_path / "env", base_python(), (lock,))


@pytest.fixture(scope="module")
def bare_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bare") / "env"
    subprocess.run([base_python(), "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def environment(unmade: Environment, bare_venv: Path, tmp_path: Path) -> Environment:
    """The same, made and complete."""
    shutil.copytree(bare_venv, unmade.folder, symlinks=True)
    ensure_environment(unmade, Steps(tmp_path))
    return unmade


def test_a_complete_environment_is_left_alone(unmade: Environment, tmp_path: Path) -> None:
    environment = unmade
    first, second = Steps(tmp_path), Steps(tmp_path)
    assert not is_current(environment)
    python = ensure_environment(environment, first)
    assert subprocess.run([python, "-c", "pass"], check=False).returncode == 0
    count = len(first.taken())
    assert count > 0
    assert is_current(environment)
    assert ensure_environment(environment, second) == python
    assert len(second.taken()) == count
    assert list(tmp_path.glob("env.*")) == []


def test_one_without_a_marker_is_adopted_only_if_it_works(environment: Environment, tmp_path: Path) -> None:
    keep = environment.folder / "kept"
    keep.touch()
    (environment.folder / environments.MARKER).unlink()
    ensure_environment(environment, Steps(tmp_path))
    assert keep.exists()
    assert is_current(environment)

    (environment.folder / environments.MARKER).unlink()
    pip = next(environment.folder.glob("lib*/**/site-packages/pip"), None)
    assert pip is not None
    shutil.rmtree(pip)
    ensure_environment(environment, Steps(tmp_path))
    assert not keep.exists()
    assert is_current(environment)


def test_one_whose_python_is_gone_is_made_anew(environment: Environment, tmp_path: Path) -> None:
    environment.executable.unlink()
    assert not is_current(environment)
    ensure_environment(environment, Steps(tmp_path))
    assert subprocess.run([environment.executable, "-c", "pass"], check=False).returncode == 0


def test_another_lock_file_makes_it_outdated(environment: Environment, tmp_path: Path) -> None:
    environment.lock_files[0].write_text("# nothing, said otherwise\n", encoding="utf-8")
    assert not is_current(environment)
    ensure_environment(environment, Steps(tmp_path))
    assert is_current(environment)


def test_a_pin_that_cannot_be_had_is_an_error_with_advice_and_no_marker(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The index is a folder without packages: nothing can be found, and no network is asked.
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    environment.lock_files[0].write_text(f"no-such-thing==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    with pytest.raises(SetupError, match="no-such-thing") as caught:
        ensure_environment(environment, Steps(tmp_path))
    assert caught.value.advice
    assert Path(caught.value.log).exists()
    assert read_marker(environment.folder) == {}


def test_a_check_that_fails_right_after_the_installation_is_an_error(unmade: Environment, tmp_path: Path) -> None:
    broken = dataclasses.replace(unmade, check="import no_such_module")
    with pytest.raises(SetupError, match="no_such_module"):
        ensure_environment(broken, Steps(tmp_path))
    assert not is_current(broken)


def test_missing_pins_are_told_from_present_ones(environment: Environment) -> None:
    version = subprocess.run(
        [environment.executable, "-c", "import pip; print(pip.__version__)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    zeros = "0" * 64
    environment.lock_files[0].write_text(
        f"# comment\npip=={version} \\\n    --hash=sha256:{zeros}\n    # via something\n"
        f"elsewhere==1 ; sys_platform == 'no-such-system' \\\n    --hash=sha256:{zeros}\n",
        encoding="utf-8",
    )
    assert environments._missing_pins(environment) == []
    environment.lock_files[0].write_text(
        f"pip==0.1 \\\n    --hash=sha256:{zeros}\nabsent==1 \\\n    --hash=sha256:{zeros}\n", encoding="utf-8"
    )
    assert [line.split()[0] for line in environments._missing_pins(environment)] == ["pip==0.1", "absent==1"]


def _hold(cache: str, entered: multiprocessing.synchronize.Event, leave: multiprocessing.synchronize.Event) -> None:
    import os

    os.environ["POSE_CORE_CACHE"] = cache
    with locks.held("test"):
        entered.set()
        leave.wait(60)


def test_only_one_process_holds_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path))
    context = multiprocessing.get_context("spawn")
    entered, leave = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path), entered, leave))
    other.start()
    try:
        assert entered.wait(60)
        waited: list[float] = []

        def let_go() -> None:
            waited.append(time.monotonic())
            leave.set()

        with locks.held("test", let_go):
            assert waited, "the lock was taken although another process held it"
    finally:
        leave.set()
        other.join(60)
    assert other.exitcode == 0


def test_a_lock_dies_with_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSE_CORE_CACHE", str(tmp_path))
    context = multiprocessing.get_context("spawn")
    entered, leave = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path), entered, leave))
    other.start()
    assert entered.wait(60)
    other.kill()
    other.join(60)
    with locks.held("test", lambda: pytest.fail("a dead process still holds the lock")):
        pass
