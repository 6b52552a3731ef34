"""The add-on's runner of phases, without Blender: order, failure, cancel."""

import importlib.util
import sys
import time
from pathlib import Path

import pytest

from pose_core.config import EstimateRequest
from pose_core.errors import CancelledError, VideoError, WorkerError
from pose_core.worker.client import WorkerClient
from tests.support.sources import REPOSITORY

STUB = REPOSITORY / "tests" / "worker" / "stub_worker.py"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def runner_module():
    # By its path: the package around it needs Blender.
    spec = importlib.util.spec_from_file_location("addon_runner", REPOSITORY / "blender_addon" / "job" / "runner.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["addon_runner"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["addon_runner"]


@pytest.fixture
def phase(runner_module, tmp_path):
    started = []

    def make(behaviour):
        def start():
            started.append(behaviour)
            return WorkerClient(sys.executable, log_path=tmp_path / "log", command=[sys.executable, "-I", str(STUB)])

        return runner_module.Phase(start, EstimateRequest(video=f"{behaviour}.mp4", out=str(tmp_path / "x.motion.npz")))

    make.started = started
    return make


def tick_to_the_end(runner):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        outcome = runner.tick()
        if outcome is not False:
            return outcome
        time.sleep(0.01)
    raise AssertionError("no end")


def test_phases_run_one_after_the_other(runner_module, phase):
    runner = runner_module.Runner([phase("good"), phase("noise")])
    told = []
    runner.on_progress = lambda number, update: told.append((number, update.stage))
    runner.start()
    assert tick_to_the_end(runner) is True
    assert [result.report["frames"] for result in runner.results] == [100, 1]
    assert phase.started == ["good", "noise"]
    assert {number for number, _ in told} == {0}
    assert runner.tick() is True


def test_a_failure_leaves_out_the_rest(runner_module, phase):
    runner = runner_module.Runner([phase("damaged"), phase("good")])
    runner.start()
    outcome = tick_to_the_end(runner)
    assert isinstance(outcome.error, VideoError)
    assert "Traceback" in outcome.details
    assert phase.started == ["damaged"]


def test_a_cancel_ends_it(runner_module, phase):
    runner = runner_module.Runner([phase("endless"), phase("good")])
    runner.start()
    runner.cancel()
    outcome = tick_to_the_end(runner)
    assert isinstance(outcome.error, CancelledError)
    assert phase.started == ["endless"]


def test_a_phase_that_cannot_start_is_a_failure(runner_module, phase):
    def broken():
        raise WorkerError("no python")

    bad = runner_module.Phase(broken, phase("good").message)
    with pytest.raises(WorkerError):
        runner_module.Runner([bad]).start()
    runner = runner_module.Runner([phase("good"), bad])
    runner.start()
    assert "no python" in str(tick_to_the_end(runner).error)


def test_blocking_gives_the_same(runner_module, phase):
    runner = runner_module.Runner([phase("good"), phase("noise")])
    assert [result.report["frames"] for result in runner.run_blocking()] == [100, 1]
    with pytest.raises(VideoError):
        runner_module.Runner([phase("damaged")]).run_blocking()


def test_it_can_be_closed_at_any_time(runner_module, phase):
    runner = runner_module.Runner([phase("endless")])
    runner.close()
    runner.start()
    runner.close()
    runner.close()
    assert runner.tick() is True


def test_the_add_ons_light_parts_know_nothing_of_blender():
    for name in ("job/runner.py",):
        text = Path(REPOSITORY / "blender_addon" / name).read_text(encoding="utf-8")
        assert "import bpy" not in text
