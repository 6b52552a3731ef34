"""Networks in TensorFlow Lite format, run by LiteRT on the processor."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pose_core.errors import ModelError, RuntimeUnavailableError
from pose_core.runtime.quiet import captured_stderr
from pose_core.runtime.tensors import TensorInfo
from pose_core.runtime.tflite_prune import prune_outputs


class LiteRtSession:
    """A LiteRT network.

    An interpreter serves one run at a time, so there are `parallel` of them; a run takes a free one.
    """

    provider = "cpu (LiteRT)"

    def __init__(
        self, path: Path, *, threads: int = 1, parallel: int = 1, wanted_outputs: tuple[str, ...] | None = None
    ) -> None:
        content = path.read_bytes()
        if wanted_outputs is not None:
            content = prune_outputs(content, wanted_outputs)
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with captured_stderr() as log:
            interpreters = [_load(path, content, threads) for _ in range(max(1, parallel))]
        for interpreter in interpreters:
            self._free.put(interpreter)
        self._input_details = {d["name"]: d for d in interpreters[0].get_input_details()}
        self._output_details = interpreters[0].get_output_details()
        self.inputs = tuple(_info(d) for d in self._input_details.values())
        self.outputs = tuple(_info(d) for d in self._output_details)
        self.diagnostics: Mapping[str, Any] = {
            "runtime": "LiteRT",
            "provider": self.provider,
            "threads": threads,
            "parallel": max(1, parallel),
            "log": log.text.strip(),
        }

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        for name, detail in self._input_details.items():
            if name not in inputs:
                raise ModelError(f"The network's input '{name}' was not given.")
            if tuple(inputs[name].shape) != tuple(detail["shape"]):
                raise ModelError(f"Input '{name}' must have shape {tuple(detail['shape'])}, got {inputs[name].shape}.")
        interpreter = self._free.get()
        try:
            for name, detail in self._input_details.items():
                interpreter.set_tensor(detail["index"], inputs[name])
            interpreter.invoke()
            return [interpreter.get_tensor(d["index"]) for d in self._output_details]
        finally:
            self._free.put(interpreter)


def _load(path: Path, content: bytes, threads: int) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"LiteRT cannot be loaded ({error}).", "Install the worker's dependencies: pip install 'pose-core[cpu]'"
        ) from error
    try:
        interpreter = Interpreter(model_content=content, num_threads=max(1, threads))
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"LiteRT cannot load '{path.name}' ({error}).", "Fetch it again: pose-core models get"
        ) from error
    return interpreter


def _info(detail: Mapping[str, Any]) -> TensorInfo:
    shape = tuple(int(n) if n > 0 else None for n in detail["shape"])
    return TensorInfo(str(detail["name"]), shape, np.dtype(detail["dtype"]).name)
