"""Client and worker as real processes: jobs, noise, cancel, crash, other versions, a parent that dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pose_core import __version__, temporaries
from pose_core.config import EstimateRequest
from pose_core.errors import CancelledError, PoseCoreError, VideoError, WorkerError
from pose_core.temporaries import temporary_beside
from pose_core.worker import client as client_module
from pose_core.worker import protocol
from pose_core.worker.client import WorkerClient, worker_command

STUB = Path(__file__).with_name("stub_worker.py")
PATIENCE_S = 60.0  # a hang shall fail; how quick it is, is not the point


def make(tmp_path, *arguments, command=None):
    command = command or [sys.executable, "-I", str(STUB), *arguments]
    return WorkerClient(sys.executable, log_path=tmp_path / "worker.log", command=command)


def request(tmp_path, behaviour):
    return EstimateRequest(
        video=str(tmp_path / f"{behaviour}.mp4"),
        out=str(tmp_path / "x.motion.npz"),
        preview=str(tmp_path / "x.preview.mp4"),
    )


def poll_until(client, wanted):
    """Poll as a timer would until `wanted(message)`; return all messages."""
    messages = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        messages += client.poll()
        if any(wanted(message) for message in messages):
            return messages
        time.sleep(0.01)
    raise AssertionError(f"only {messages} came")


def is_last(message):
    return not isinstance(message, protocol.ProgressUpdate)


def wait_gone(pid):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        stat = Path(f"/proc/{pid}/stat")
        try:
            if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")


def test_a_job_runs_with_progress_and_result(tmp_path):
    updates = []
    result = make(tmp_path).run_blocking(request(tmp_path, "good"), updates.append)
    assert result.report == {"frames": 100}
    assert result.motion_paths == [str(tmp_path / "x.motion.npz")]
    stages = [update.stage for update in updates]
    assert stages == sorted(stages, key=["track", "solve"].index)
    assert {"track", "solve"} == set(stages)
    assert [update.done for update in updates if update.stage == "track"][-1] == 100
    assert len(updates) < 50  # a hundred updates in no time are throttled


def test_polling_gives_the_same_and_exactly_one_last_message(tmp_path):
    client = make(tmp_path)
    client.estimate(request(tmp_path, "good"))
    messages = poll_until(client, is_last)
    assert [is_last(message) for message in messages] == [False] * (len(messages) - 1) + [True]
    assert isinstance(messages[-1], protocol.Result)
    assert client.finished
    assert client.poll() == []
    client.close(wait_s=PATIENCE_S)
    client.close()


def test_noise_on_standard_output_does_not_reach_the_protocol(tmp_path):
    client = make(tmp_path)
    assert client.run_blocking(request(tmp_path, "noise")).report == {"frames": 1}
    log = client.log_path.read_text()
    assert "library noise" in log
    assert "and from Python" in log


def test_an_error_keeps_kind_message_hint_and_traceback(tmp_path):
    with pytest.raises(VideoError, match="damaged") as caught:
        make(tmp_path).run_blocking(request(tmp_path, "damaged"))
    assert caught.value.hint == "Try another."
    client = make(tmp_path)
    client.estimate(request(tmp_path, "damaged"))
    failure = poll_until(client, is_last)[-1]
    client.close()
    assert "stub_worker.py" in failure.traceback


@pytest.mark.parametrize(("behaviour", "text"), [("bug", "ZeroDivisionError: a fault"), ("unsendable", "JSON")])
def test_a_fault_of_a_job_is_reported_not_lost(tmp_path, behaviour, text):
    with pytest.raises(WorkerError, match=text):
        make(tmp_path).run_blocking(request(tmp_path, behaviour))


def test_a_crash_is_reported_with_the_last_words_and_cleaned_up_after(tmp_path):
    with pytest.raises(WorkerError, match=r"code 3.*about to crash"):
        make(tmp_path).run_blocking(request(tmp_path, "crash"))
    assert not list(tmp_path.glob(".x.motion.*"))


def test_a_signal_that_kills_the_worker_is_named(tmp_path):
    client = make(tmp_path)
    client.estimate(request(tmp_path, "endless"))
    poll_until(client, lambda message: True)
    os.kill(client._process.pid, signal.SIGKILL)
    failure = poll_until(client, is_last)[-1]
    assert isinstance(failure, protocol.Failure)
    assert "signal 9" in failure.message
    client.close()


def test_cancel_ends_a_willing_job(tmp_path):
    client = make(tmp_path)
    client.estimate(request(tmp_path, "endless"))
    poll_until(client, lambda message: True)
    client.cancel()
    messages = poll_until(client, is_last)
    assert messages == [protocol.Cancelled("job")]
    client.close(wait_s=PATIENCE_S)
    assert client._process.return_code() == 0


def test_cancel_before_the_start_runs_nothing(tmp_path):
    client = make(tmp_path)
    client.cancel()
    client.estimate(request(tmp_path, "bug"))
    assert poll_until(client, is_last) == [protocol.Cancelled("job")]
    client.close()


def test_cancel_ends_a_deaf_job_by_force_and_removes_its_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "CANCEL_GRACE_S", 0.3)
    monkeypatch.setattr(client_module, "TERMINATE_GRACE_S", 0.3)
    client = make(tmp_path)
    client.estimate(request(tmp_path, "deaf"))
    poll_until(client, lambda message: True)
    monkeypatch.setattr(temporaries.os, "getpid", lambda: client._worker_id)
    leftovers = [temporary_beside(tmp_path / "x.motion.npz"), temporary_beside(tmp_path / "x.preview.mp4", ".part")]
    monkeypatch.setattr(temporaries.os, "getpid", os.getppid)
    others = [temporary_beside(tmp_path / "x.motion.npz"), tmp_path / ".x.my own backup.npz", tmp_path / "y.motion.npz"]
    for path in (*leftovers, *others):
        path.touch()
    client.cancel()
    assert poll_until(client, is_last) == [protocol.Cancelled("job")]
    assert client._process.return_code() is not None
    assert not any(leftover.exists() for leftover in leftovers)
    assert all(path.exists() for path in others)
    client.close()


def test_an_exception_in_the_progress_callback_ends_the_worker(tmp_path):
    client = make(tmp_path)

    def stop(_update):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.run_blocking(request(tmp_path, "endless"), stop)
    assert client._process.return_code() is not None


def test_a_worker_of_another_version_is_refused_and_runs_nothing(tmp_path):
    with pytest.raises(PoseCoreError, match=rf"9\.9\.9, but {__version__}"):
        make(tmp_path, "9.9.9").run_blocking(request(tmp_path, "good"))


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("print('hello, human')", "line of JSON"),
        ("import no_such_module", "no_such_module"),
        ("raise SystemExit(4)", "code 4"),
        ('print(\'{"v": 2, "type": "ready"}\')', "version 1"),
        ("print('x' * 3_000_000)", "bytes"),
    ],
)
def test_a_process_that_is_no_worker_is_reported(tmp_path, script, text):
    client = make(tmp_path, command=[sys.executable, "-I", "-c", script])
    with pytest.raises(WorkerError, match=text):
        client.run_blocking(request(tmp_path, "good"))


def test_a_worker_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "READY_TIMEOUT_S", 0.3)
    client = make(tmp_path, command=[sys.executable, "-I", "-c", "import time; time.sleep(100)"])
    with pytest.raises(WorkerError, match="did not start"):
        client.run_blocking(request(tmp_path, "good"))
    assert client._process.return_code() is not None


def test_a_missing_python_is_named(tmp_path):
    with pytest.raises(WorkerError, match="no-such-python"):
        WorkerClient(tmp_path / "no-such-python", log_path=tmp_path / "log")


PARENT = """
import sys, time
from pathlib import Path
from pose_core.config import EstimateRequest
from pose_core.worker.client import WorkerClient
client = WorkerClient(sys.executable, log_path=Path(sys.argv[2]), command=[sys.executable, "-I", sys.argv[1]])
client.estimate(EstimateRequest(video=sys.argv[3], out="x.motion.npz"))
while not client.poll():
    time.sleep(0.01)
print(client._process.pid, flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize("behaviour", ["endless", "deaf"])
def test_the_worker_ends_when_its_parent_is_killed(tmp_path, behaviour):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(STUB), str(tmp_path / "log"), f"{behaviour}.mp4"], stdout=subprocess.PIPE
    )
    pid = int(parent.stdout.readline())
    os.kill(pid, 0)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_gone(pid)


def test_nothing_of_the_callers_python_settings_reaches_the_worker(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise RuntimeError('wrong json')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert make(tmp_path).run_blocking(request(tmp_path, "good")).report == {"frames": 100}


def test_the_real_worker_says_ready_without_importing_anything_heavy(tmp_path):
    heavy = ("numpy", "cv2", "av", "scipy", "onnxruntime", "ai_edge_litert", "rich")
    code = (
        "import sys, pose_core.worker.server, pose_core.worker.jobs, pose_core.worker.client\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    process = subprocess.run(
        worker_command(sys.executable),
        input=protocol.encode(protocol.Hello(__version__)) + b"nonsense\n" + protocol.encode(protocol.Shutdown()),
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )
    ready, refused = map(protocol.decode, process.stdout.splitlines())
    assert ready.version == __version__
    assert refused.code == "protocol"
    assert process.returncode == 0


def test_the_worker_refuses_a_job_before_the_greeting():
    lines = [protocol.Hello("0.0.0"), protocol.Estimate("a", {}), protocol.Ready("1", "3", 1), protocol.Shutdown()]
    process = subprocess.run(
        [sys.executable, "-I", str(STUB)],
        input=b"".join(map(protocol.encode, lines)),
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )
    answers = [protocol.decode(line) for line in process.stdout.splitlines()]
    assert [answer.type for answer in answers] == ["ready", "error", "error"]
    assert "hello" in answers[1].message
    assert "does not take" in answers[2].message


def test_cancelled_error_is_rebuilt():
    failure = protocol.Failure("job", "cancelled", "m", "h")
    assert isinstance(client_module.error_from(failure), CancelledError)
    assert isinstance(client_module.error_from(protocol.Failure("job", "strange", "m", "h")), WorkerError)
