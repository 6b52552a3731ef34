"""Children: they end with their parent, nothing of the working folder runs, and pip follows the right settings."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pose_core.processes.line_process import clean_environment, guarded_module
from pose_core.processes.pip_settings import kept_settings, kept_variables, pip_environment
from pose_core.processes.pip_words import explain
from tests.support.sources import REPOSITORY

PATIENCE_S = 120.0
PARENT = """
import sys, time
from pose_core.processes.line_process import LineProcess, guarded_module
child = LineProcess(guarded_module(sys.executable, "http.server", "--bind", "127.0.0.1", "0"), 1000)
print(child.pid, flush=True)
time.sleep(600)
"""
GETS_MODELS = "import sys; from pose_core.cli.main import main; sys.exit(main(['models', 'get']))"


def gone(pid):
    """Whether a process ends within the test's patience."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_parent_however_that_ends(number, tmp_path):
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=tmp_path) as parent:
        child = int(parent.stdout.readline())
        assert not gone_already(child)
        parent.send_signal(number)
    assert gone(child)


@pytest.fixture
def heard_interrupts():
    """Children of a process that ignores Ctrl-C, as shells start those in the background, ignore it too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def gone_already(pid):
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.usefixtures("heard_interrupts")
def test_a_killed_fetch_leaves_no_pip_and_the_next_one_clears_up(number, tmp_path):
    """An index that never answers holds pip up."""
    import socket

    cache = tmp_path / "cache"
    with socket.create_server(("127.0.0.1", 0)) as index:
        address = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        env = {**clean_environment(), "POSE_CORE_CACHE": str(cache), "PIP_INDEX_URL": address, "PIP_RETRIES": "0"}
        env |= {"PIP_CONFIG_FILE": os.devnull, "HOME": str(tmp_path), "NO_PROXY": "*", "no_proxy": "*"}
        command = [sys.executable, "-c", GETS_MODELS]
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, cwd=REPOSITORY) as parent:
            index.settimeout(PATIENCE_S)
            connection, _ = index.accept()
            children = [
                int(path.name)
                for path in Path("/proc").iterdir()
                if path.name.isdigit() and parent_of(path.name) == parent.pid
            ]
            assert len(children) == 1
            parent.send_signal(number)
            parent.wait(PATIENCE_S)
        assert gone(children[0])
        connection.close()
    left = [path.name for path in (cache / "models" / "blazepose-full").iterdir()]
    assert len(left) == (0 if number == signal.SIGINT else 1)
    env |= {"PIP_NO_INDEX": "1"}
    done = subprocess.run([*command], env=env, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 4, done.stderr
    assert list((cache / "models" / "blazepose-full").iterdir()) == []


def parent_of(name):
    try:
        return int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def test_nothing_of_the_working_folder_runs(tmp_path, monkeypatch):
    for name in ("pip", "runpy", "threading", "signal", "zipfile", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('mine')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    command = guarded_module(sys.executable, "pip", "--version")
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.PIPE, capture_output=True, text=True, check=False)
    # Its stdin was closed at once, so that the guard may have ended it first.
    assert "mine" not in done.stdout + done.stderr
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pip:
        assert pip.stdout.readline().startswith("pip ")
        assert pip.wait(PATIENCE_S) == 0


def test_models_are_fetched_without_the_working_folder(tmp_path):
    (tmp_path / "pip.py").write_text("print('mine')\n")
    env = {**clean_environment(), "POSE_CORE_CACHE": str(tmp_path / "cache"), "PIP_NO_INDEX": "1"}
    env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-P", "-c", GETS_MODELS]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert "mine" not in done.stdout + done.stderr
    assert done.returncode == 4 and "mediapipe" in done.stderr, done.stderr


def test_only_settings_of_where_packages_come_from_count():
    listed = "\n".join([
        "global.index-url='https://packages.example/simple'",
        "global.extra-index-url='https://a.example/x\\nhttps://b.example/y'",
        "global.cert='/etc/my certs/ca.pem'",
        "global.target='/elsewhere'", "install.user='true'", "install.prefix='/usr'", "global.constraint='/c.txt'",
        "install.index-url='https://install.example/simple'", "freeze.timeout='3'", "global.timeout='9'", "odd line",
    ])  # fmt: skip
    assert kept_settings(listed) == {
        "PIP_INDEX_URL": "https://install.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://a.example/x https://b.example/y",
        "PIP_CERT": "/etc/my certs/ca.pem",
        "PIP_TIMEOUT": "9",
    }
    names = {"PIP_TARGET": "/t", "PIP_PREFIX": "/p", "PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_PROXY": "x"}
    assert kept_variables({**names, "HTTPS_PROXY": "y", "PIP_INDEX_URL": ""}) == {"PIP_PROXY": "x"}


def test_pip_itself_says_what_is_set_and_then_reads_no_file(tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text("[global]\ntarget = /elsewhere\nindex-url = https://packages.example/simple\n")
    pip = [sys.executable, "-I", "-m", "pip"]
    given = {**clean_environment(), "PIP_CONFIG_FILE": str(config), "PIP_USER": "1", "HTTPS_PROXY": "http://p.example"}
    given.pop("PIP_INDEX_URL", None)
    env = pip_environment(pip, given)
    assert env["PIP_INDEX_URL"] == "https://packages.example/simple"
    assert env["HTTPS_PROXY"] == "http://p.example"
    assert not {"PIP_TARGET", "PIP_USER"} & set(env)
    done = subprocess.run([*pip, "config", "list"], env=env, capture_output=True, text=True, check=True)
    assert "target" not in done.stdout and "user" not in done.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)'", "cannot be reached"),
        ("Failed to resolve: [Errno -3] Temporary failure in name resolution", "cannot be reached"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))", "certificate"),
        ("ProxyError('Cannot connect to proxy.', NewConnectionError(...))", "proxy"),
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "hash"),
        ("ERROR: HTTP error 403 while getting: 403 Client Error: Forbidden", "refuses access"),
        ("ERROR: No matching distribution found for av==18.1.0", "has no av==18.1.0"),
    ],
)
def test_the_reason_is_one_plain_sentence_with_what_to_do(line, message):
    said, hint = explain(["Looking in indexes", line])
    assert message in said and said.count(".") - said.count("==18.1.0") * 2 == 1 and hint
    assert explain(["something else"]) == ("", "")


def test_a_folder_that_lacks_a_wheel_is_named():
    said, hint = explain(["ERROR: No matching distribution found for av==18.1.0"], "/wheels")
    assert said == "av==18.1.0 for this Python is not in '/wheels'." and "/wheels" in hint
