"""The campaign of kills: what it tries, how it sees half results and orphans, and a cut of it."""

import json
import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from pose_core.motion_file import write_motion
from tests.support.blender import bpy_python
from tests.support.campaign import run_cut
from tests.support.motions import sample_motion
from tests.support.sources import REPOSITORY
from tools.campaign import kills
from tools.campaign.kill_targets import targets, whats_broken
from tools.campaign.processes import children, gone_within, marked, start
from tools.campaign.small_disk import private_mounts_work, read_only_command, small_disk_command

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
WRITES = "import sys; open(sys.argv[1], 'wb').write(bytes(100_000))"


def test_every_job_is_ended_in_every_way() -> None:
    cases = list(islice(kills.plan(3), kills.CASES))
    assert cases == list(islice(kills.plan(3), kills.CASES)) and cases != list(islice(kills.plan(4), kills.CASES))
    assert len({case.id for case in cases}) == kills.CASES
    killed = [case.what for case in cases if case.what["way"] == "kill"]
    assert {(what["target"], what["signal"]) for what in killed} == {
        (name, number.name) for name in targets() for number in kills.SIGNALS
    }
    assert {what["victim"] for what in killed if what["target"] == "worker"} == {"itself", "child"}
    assert sum(case.what["way"] == "kill" for case in islice(kills.plan(0), kills.CASES)) >= 120
    assert {case.what["way"] for case in cases} == set(kills.WAYS)


def test_half_results_are_seen_and_whole_ones_are_not(tmp_path: Path) -> None:
    write_motion(tmp_path / "walk.motion.npz", sample_motion(8))
    shutil.copy(REPOSITORY / "pose_core" / "worker" / "self_test.mp4", tmp_path / "walk.mp4")
    shutil.copy(REPOSITORY / "samples" / "mannequin.fbx", tmp_path / "walk.fbx")
    (tmp_path / "walk.report.json").write_text(json.dumps({"a": 1}))
    (tmp_path / "walk.bvh").write_text("HIERARCHY\nMOTION\nFrames: 2\nFrame Time: 0.03\n1 2 3\n4 5 6\n")
    (tmp_path / ".half.pose-core-00000000-1-00000000.npz").write_bytes(b"half")
    assert whats_broken(tmp_path) == ""
    for path in sorted(tmp_path.glob("walk*")):
        content = path.read_bytes()
        path.write_bytes(content[: int(0.97 * len(content)) - 1])
        assert path.name in whats_broken(tmp_path), path
        path.write_bytes(content)
    (tmp_path / "environment").mkdir()
    assert "environment" in whats_broken(tmp_path)


def test_processes_that_stay_are_found_through_their_parents_and_ended(tmp_path: Path) -> None:
    sleeps = f"import subprocess, sys; subprocess.run([{sys.executable!r}, '-c', 'import time; time.sleep(600)'])"
    process = start([sys.executable, "-c", sleeps], f"test-{os.getpid()}", os.environ, tmp_path / "log.txt")
    while not children(process.pid):
        pass
    child = children(process.pid)[0]
    process.kill()
    process.wait()
    assert gone_within(f"test-{os.getpid()}", 0.0) == [child]
    assert gone_within(f"test-{os.getpid()}", 30.0) == [] and marked("nobody's") == []


def test_a_small_disk_is_full_and_a_read_only_one_takes_nothing(tmp_path: Path) -> None:
    if not private_mounts_work():
        pytest.skip("mounting needs the administrator")
    folder = tmp_path / "out"
    folder.mkdir()
    write = [sys.executable, "-c", WRITES, str(folder / "x")]
    small = small_disk_command(folder, 1 << 14, tmp_path / "small", write)
    large = small_disk_command(folder, 1 << 20, tmp_path / "large", write)
    locked = read_only_command(folder, tmp_path / "locked", write)
    codes = [subprocess.run(command, check=False, capture_output=True).returncode for command in (small, large, locked)]
    assert codes == [1, 0, 1]
    assert (tmp_path / "large" / "x").stat().st_size == 100_000 > (tmp_path / "small" / "x").stat().st_size
    assert not list((tmp_path / "locked").iterdir()) and not list(folder.iterdir())


@pytest.mark.model
def test_a_cut_of_it_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--seed", "7", "--cases", "36", "--minutes", "5", "--targets", "command line")
    code = run_cut(kills, tmp_path, *arguments)
    assert code == 0, capsys.readouterr().out
    assert "command line, kill" in (tmp_path / "page.md").read_text()


@pytest.mark.blender
def test_a_batch_on_a_full_disk_says_so(tmp_path: Path) -> None:
    bpy_python("5.0.1")
    if not private_mounts_work():
        pytest.skip("mounting needs the administrator")
    assert run_cut(kills, tmp_path, "--cases", "10", "--only", "batch full disk", "--minutes", "5") == 0
    kept = json.loads((tmp_path / "kept" / "kills-0.jsonl").read_text())
    assert kept["verdict"] == "refused"
