"""Which execution providers of ONNX Runtime really work on this machine, found by running a tiny network on each."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pose_core.errors import RuntimeUnavailableError
from pose_core.runtime.quiet import captured_stderr

PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
AUTOMATIC_ORDER = ("cuda", "directml", "coreml", "cpu")
"""Fastest first. TensorRT only on request: it compiles every network for minutes before its first run."""
_MOST_REASON_CHARACTERS = 600


@dataclass(frozen=True)
class ProbeResult:
    """Whether a device works, and if not, why."""

    works: bool
    reason: str = ""


def load_onnxruntime() -> Any:
    """The onnxruntime module, with its logging turned down and its reports to its maker turned off.

    Raises:
        RuntimeUnavailableError: not installed, or it cannot be loaded.
    """
    # Read once, when the library is loaded. Without it, the published builds keep a device id in the user's cache
    # folder and send records of every session to Microsoft.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    with captured_stderr() as log:
        try:
            import onnxruntime
        except ImportError as error:
            raise RuntimeUnavailableError(
                f"ONNX Runtime cannot be loaded ({error}).",
                "Install it: pip install 'pose-core[cpu]' or 'pose-core[gpu]'",
            ) from error
    del log
    onnxruntime.disable_telemetry_events()  # where another part of the program loaded it before
    onnxruntime.set_default_logger_severity(4)  # fatal only; errors are raised as exceptions anyway
    return onnxruntime


def runtime_errors(ort: Any) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: a dozen exceptions without a common base of their own."""
    own = vars(ort.capi.onnxruntime_pybind11_state).values()
    return (RuntimeError, ValueError, *(e for e in own if isinstance(e, type) and issubclass(e, Exception)))


@cache
def probe_device(device: str) -> ProbeResult:
    """Run a tiny convolution on a device, once a process.

    Args:
        device: key of `PROVIDERS`.
    Returns:
        Whether the right result came back from that device, or the reason why not.
    """
    ort = load_onnxruntime()
    provider = PROVIDERS[device]
    if provider not in ort.get_available_providers():
        return ProbeResult(False, f"this build of ONNX Runtime {ort.__version__} does not hold {provider}")
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors: they are captured, and say what is missing
    problem = ""
    with captured_stderr() as log:
        # While sessions are made, only the logger of the whole library tells why a provider is refused.
        ort.set_default_logger_severity(3)
        try:
            # Without the fallback, which would print to standard output, where the worker's answers go.
            session = ort.InferenceSession(tiny_network(), options, providers=[provider], enable_fallback=0)
            used = session.get_providers()
            if used[0] != provider:
                problem = f"{provider} was refused, {used[0]} was taken instead"
            else:
                ones = np.ones((1, 1, 3, 3), np.float32)
                result = session.run(None, {"x": ones, "w": ones})[0]
                if not np.allclose(result, 9.0):
                    problem = f"a convolution that gives 9 gave {float(result.reshape(-1)[0]):g}"
        except runtime_errors(ort) as error:
            problem = f"{error}"
        finally:
            ort.set_default_logger_severity(4)
    if not problem:
        return ProbeResult(True)
    return ProbeResult(False, readable_reason(f"{problem}. {log.text}"))


def readable_reason(text: str) -> str:
    """What a library said, without colours, dates, source files and line breaks, and not too long."""
    for noise in (r"\x1b\[[0-9;]*m", r"\d{4}-\d\d-\d\d [\d:.]+ ", r"\[[EWI]:[^\]]*\] ?", r"/\S*onnxruntime_src/\S+ "):
        text = re.sub(noise, "", text)
    return " ".join(text.split())[:_MOST_REASON_CHARACTERS]


def choose_device(device: str) -> tuple[str, dict[str, str]]:
    """The device to use.

    Args:
        device: `auto`, or a key of `PROVIDERS`.
    Returns:
        The device, and why each that was tried before it does not work.
    Raises:
        RuntimeUnavailableError: the device asked for does not work, or none does.
    """
    wanted = AUTOMATIC_ORDER if device == "auto" else (device,)
    refused: dict[str, str] = {}
    for candidate in wanted:
        result = probe_device(candidate)
        if result.works:
            return candidate, refused
        refused[candidate] = result.reason
    reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
    hint = "Choose device 'auto' or 'cpu'." if device not in ("auto", "cpu") else "Reinstall the worker's environment."
    raise RuntimeUnavailableError(f"Device '{device}' does not work here ({reasons}).", hint)


def tiny_network() -> bytes:
    """An ONNX model, y = Conv(x, w) with x (1,1,3,3) and w (1,1,3,3), written by hand.

    A convolution, because that is what the networks need: a device may add numbers yet lack its library for these.
    Source: the ONNX protobuf schema and protobuf's wire format.
    """

    def number(field: int, value: int) -> bytes:
        return bytes([field << 3, value])

    def block(field: int, content: bytes) -> bytes:
        return bytes([field << 3 | 2, len(content)]) + content

    def tensor(name: str, shape: tuple[int, ...]) -> bytes:
        sizes = b"".join(block(1, number(1, size)) for size in shape)
        float_tensor = number(1, 1) + block(2, sizes)
        return block(1, name.encode()) + block(2, block(1, float_tensor))

    node = block(1, b"x") + block(1, b"w") + block(2, b"y") + block(4, b"Conv")
    graph = block(1, node) + block(2, b"probe")
    graph += block(11, tensor("x", (1, 1, 3, 3))) + block(11, tensor("w", (1, 1, 3, 3)))
    graph += block(12, tensor("y", (1, 1, 1, 1)))
    return number(1, 8) + block(7, graph) + block(8, number(2, 13))
