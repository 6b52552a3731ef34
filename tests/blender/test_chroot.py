"""Commands inside the full Blender's root file system: exit codes, visibility, and nothing left behind."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.support.blender import full_blender_root
from tools.chroot import Bind, root_command, run_in_root

pytestmark = pytest.mark.blender


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", 128 + 11), ("kill -ABRT $$", 128 + 6)]
)
def test_exit_codes_come_through(script: str, code: int) -> None:
    assert run_in_root(full_blender_root(), ["sh", "-c", script], timeout_s=60).returncode == code


def test_a_program_that_is_not_there_is_said_to_be_missing() -> None:
    done = run_in_root(full_blender_root(), ["no-such-program"], timeout_s=60)
    assert done.returncode == 127
    assert "no-such-program could not be started" in done.stdout


def test_share_is_writable_and_binds_are_not(tmp_path: Path) -> None:
    share, other = tmp_path / "share", tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("seen", encoding="utf-8")
    script = f"cat {other}/file; echo written > {share}/result; echo refused > {other}/result; echo; echo $HOME"
    done = run_in_root(full_blender_root(), ["sh", "-c", script], share, binds=[Bind(other)], timeout_s=60)
    assert done.stdout.startswith("seen")
    assert done.stdout.splitlines()[-1] == str(share / "home")
    assert (share / "result").read_text(encoding="utf-8") == "written\n"
    assert not (other / "result").exists()


def test_nothing_of_this_process_environment_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSE_CORE_TEST_SECRET", "1")
    done = run_in_root(full_blender_root(), ["env"], env={"GIVEN": "yes"}, timeout_s=60)
    assert "POSE_CORE_TEST_SECRET" not in done.stdout
    assert "GIVEN=yes" in done.stdout


def test_no_mount_and_no_temporary_file_is_left(tmp_path: Path) -> None:
    root = full_blender_root()
    run_in_root(root, ["touch", "/tmp/left"], tmp_path, timeout_s=60)
    assert not (root / "tmp/left").exists()
    assert str(root) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")


def test_killing_the_command_kills_all_that_it_started(tmp_path: Path) -> None:
    script = f"(while true; do date +%N > {tmp_path}/beat; sleep 0.05; done) & wait"
    process = subprocess.Popen(root_command(full_blender_root(), ["sh", "-c", script], tmp_path))
    beat = tmp_path / "beat"
    end = time.monotonic() + 60
    while not beat.exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.kill()
    process.wait(20)
    time.sleep(0.3)
    last = beat.stat().st_mtime_ns
    time.sleep(0.5)
    assert beat.stat().st_mtime_ns == last
