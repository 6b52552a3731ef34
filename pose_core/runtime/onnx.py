"""Networks in ONNX format, run by ONNX Runtime on the best device that works."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import ModelError
from pose_core.runtime.providers import PROVIDERS, choose_device, load_onnxruntime, runtime_errors
from pose_core.runtime.quiet import captured_stderr
from pose_core.runtime.tensors import TensorInfo

_DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(int64)": "int64", "tensor(uint8)": "uint8"}


class OnnxSession:
    """An ONNX network; its runs may overlap."""

    def __init__(self, path: Path, *, device: str = "auto", threads: int = 1) -> None:
        self.provider, refused = choose_device(device)
        ort = load_onnxruntime()
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = max(1, threads)
        options.inter_op_num_threads = 1
        # Idle threads that spin would take the cores from decoding.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = [PROVIDERS[self.provider]]
        if self.provider != "cpu":
            providers.append(PROVIDERS["cpu"])  # for the few operators that the device lacks
        with captured_stderr() as log:
            try:
                self._session = ort.InferenceSession(str(path), options, providers=providers, enable_fallback=0)
            except runtime_errors(ort) as error:
                raise ModelError(
                    f"ONNX Runtime cannot load '{path.name}' ({error}).", "Fetch it again, or choose another model."
                ) from error
        self._run_errors = runtime_errors(ort)
        self.inputs = tuple(_info(node) for node in self._session.get_inputs())
        self.outputs = tuple(_info(node) for node in self._session.get_outputs())
        self.diagnostics: Mapping[str, Any] = {
            "runtime": f"ONNX Runtime {ort.__version__}",
            "provider": self.provider,
            "device_asked_for": device,
            "not_working": refused,
            "providers_in_use": self._session.get_providers(),
            "threads": threads,
            "log": log.text.strip(),
        }

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        try:
            outputs = self._session.run(None, dict(inputs))
        except self._run_errors as error:
            given = ", ".join(f"{name} {array.dtype}{array.shape}" for name, array in inputs.items())
            raise ModelError(f"The network did not accept its input ({given}): {error}") from error
        return [np.asarray(output) for output in outputs]


def _info(node: Any) -> TensorInfo:
    shape = tuple(size if isinstance(size, int) and size > 0 else None for size in node.shape)
    return TensorInfo(str(node.name), shape, _DTYPES.get(node.type, str(node.type)))
