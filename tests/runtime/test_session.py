"""Sessions over both runtimes, and the choice of a device."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pose_core.config import TrackConfig
from pose_core.errors import ModelError, RuntimeUnavailableError
from pose_core.runtime import open_session, providers
from pose_core.runtime.providers import PROVIDERS, ProbeResult, choose_device, probe_device, tiny_network
from pose_core.runtime.quiet import captured_stderr
from pose_core.runtime.store import ModelStore
from pose_core.runtime.tflite_prune import prune_outputs
from pose_core.track.networks import open_networks


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny_network())
    return path


def test_an_onnx_session_describes_itself_and_runs(tiny: Path) -> None:
    session = open_session(tiny, device="cpu")
    assert [(i.name, i.shape, i.dtype) for i in session.inputs] == [
        ("x", (1, 1, 3, 3), "float32"),
        ("w", (1, 1, 3, 3), "float32"),
    ]
    assert [o.name for o in session.outputs] == ["y"]
    x, w = np.random.default_rng(0).random((2, 1, 1, 3, 3)).astype(np.float32)
    (y,) = session.run({"x": x, "w": w})
    np.testing.assert_allclose(y.item(), (x * w).sum(), rtol=1e-6)
    assert session.provider == "cpu"
    assert session.diagnostics["provider"] == "cpu"


def test_auto_takes_a_device_that_works_and_says_why_not_the_others(tiny: Path) -> None:
    session = open_session(tiny)
    assert session.provider in PROVIDERS
    tried = session.diagnostics["not_working"]
    assert all(reason for reason in tried.values())
    assert session.provider not in tried


def test_a_wrong_input_is_refused(tiny: Path) -> None:
    session = open_session(tiny, device="cpu")
    with pytest.raises(ModelError, match="input"):
        session.run({"x": np.zeros((1, 1, 4, 4), np.float32), "w": np.zeros((1, 1, 3, 3), np.float32)})
    with pytest.raises(ModelError, match="input"):
        session.run({"x": np.zeros((1, 1, 3, 3), np.float32)})


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08" + b"\xff" * 40])
@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_a_damaged_file_is_refused_without_a_word_on_stderr(
    tmp_path: Path, content: bytes, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="broken"):
        open_session(path, device="cpu")
    assert capfd.readouterr().err == ""


def test_absent_and_unknown_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model file"):
        open_session(tmp_path / "absent.onnx")
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match="was expected"):
        open_session(tmp_path / "model.bin")


def test_a_device_that_is_not_here_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        providers, "probe_device", lambda d: ProbeResult(d == "cpu", "" if d == "cpu" else f"no {d} library")
    )
    with pytest.raises(RuntimeUnavailableError, match="no cuda library"):
        choose_device("cuda")
    device, refused = choose_device("auto")
    assert device == "cpu"
    assert refused["cuda"] == "no cuda library"


def test_auto_prefers_the_fast_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "probe_device", lambda _: ProbeResult(True))
    assert choose_device("auto") == ("cuda", {})


def test_the_probe_really_runs_a_network_and_runs_it_once() -> None:
    assert probe_device("cpu").works
    assert probe_device("cpu") is probe_device("cpu")


@pytest.mark.parametrize("device", list(PROVIDERS))
def test_probing_prints_nothing(device: str, capfd: pytest.CaptureFixture[str]) -> None:
    probe_device.cache_clear()
    result = probe_device(device)
    assert result.works or result.reason
    assert capfd.readouterr() == ("", "")


def test_nothing_is_recorded_about_the_user(tiny: Path, tmp_path: Path) -> None:
    """The published builds of ONNX Runtime write a device id and a queue of reports unless they are told not to."""
    home = tmp_path / "home"
    home.mkdir()
    ours = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    env.update(HOME=str(home), USERPROFILE=str(home), LOCALAPPDATA=str(home), PYTHONDONTWRITEBYTECODE="1")
    env["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    code = "import sys; from pose_core.runtime import open_session; print(open_session(sys.argv[1]).provider)"
    done = subprocess.run([sys.executable, "-c", code, tiny], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in PROVIDERS
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_reasons_are_readable() -> None:
    noise = (
        "no.\n\x1b[1;31m2026-01-02 10:11:12.123 [E:onnxruntime:Default, bridge.cc:1 f()] "
        "/onnxruntime_src/a/b.cc:12 lib.so is missing\x1b[m\n"
    )
    assert providers.readable_reason(noise) == "no. lib.so is missing"
    assert len(providers.readable_reason("x " * 10000)) <= 600


def test_what_native_code_prints_is_captured(capfd: pytest.CaptureFixture[str]) -> None:
    with captured_stderr() as log:
        os.write(2, b"a page of noise\n")
    assert "a page of noise" in log.text
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_stderr_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), captured_stderr():
        1 / 0  # noqa: B018
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


# LiteRT, with the embedded model

LANDMARK_INPUT = np.random.default_rng(1).random((1, 256, 256, 3)).astype(np.float32)


@pytest.mark.model
def test_litert_loads_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    session = open_session(ModelStore().path("blazepose-full"))
    assert session.inputs[0].shape == (1, 256, 256, 3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.model
def test_pruning_gives_the_same_numbers_bit_for_bit() -> None:
    path = ModelStore().path("blazepose-full")
    whole = open_session(path)
    pruned = open_session(path, wanted_outputs=("Identity_4", "Identity"))
    assert [o.name for o in pruned.outputs] == ["Identity", "Identity_4"]
    everything = dict(zip([o.name for o in whole.outputs], whole.run({"input_1": LANDMARK_INPUT}), strict=True))
    for info, array in zip(pruned.outputs, pruned.run({"input_1": LANDMARK_INPUT}), strict=True):
        np.testing.assert_array_equal(array, everything[info.name])


@pytest.mark.model
def test_pruning_refuses_unknown_outputs_and_other_files() -> None:
    content = ModelStore().path("blazepose-full").read_bytes()
    with pytest.raises(ModelError, match="no output 'Mask'"):
        prune_outputs(content, ("Mask",))
    for broken in (b"", content[:7], b"\0" * 64, content[:4] + b"TFL3" + b"\xff" * 64):
        with pytest.raises(ModelError):
            prune_outputs(broken, ("Identity",))


@pytest.mark.model
def test_parallel_runs_do_not_mix_up_their_results() -> None:
    session = open_session(ModelStore().path("blazepose-full"), parallel=3, wanted_outputs=("Identity",))
    rng = np.random.default_rng(2)
    inputs = [rng.random((1, 256, 256, 3)).astype(np.float32) for _ in range(6)]
    one_by_one = [session.run({"input_1": x})[0] for x in inputs]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda x: session.run({"input_1": x})[0], inputs * 2))
    for got, expected in zip(together, one_by_one * 2, strict=True):
        np.testing.assert_array_equal(got, expected)
    assert threading.active_count() < 50


@pytest.mark.model
def test_litert_refuses_a_wrong_input_and_stays_usable() -> None:
    session = open_session(ModelStore().path("blazepose-full"), wanted_outputs=("Identity_1",))
    with pytest.raises(ModelError, match="shape"):
        session.run({"input_1": np.zeros((1, 128, 128, 3), np.float32)})
    with pytest.raises(ModelError, match="not given"):
        session.run({})
    assert session.run({"input_1": LANDMARK_INPUT})[0].shape == (1, 1)


@pytest.mark.parametrize("device", ["cuda", "tensorrt", "directml", "coreml"])
def test_a_litert_network_never_takes_the_processor_without_a_word(device: str, tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.touch()
    with pytest.raises(RuntimeUnavailableError, match=f"processor alone, but '{device}' was asked"):
        open_session(path, device=device)
    with pytest.raises(RuntimeUnavailableError, match=r"blazepose-full.*processor alone"):
        open_networks(TrackConfig(device=device), ModelStore(tmp_path), lanes=1, cores=1)
