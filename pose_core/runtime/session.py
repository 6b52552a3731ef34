"""One way to run a network, whatever file format and runtime it comes in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from pose_core.errors import ModelError, RuntimeUnavailableError
from pose_core.runtime.tensors import TensorInfo

LITERT_DEVICES = ("auto", "cpu")


class Session(Protocol):
    """A loaded network; `run` may be called from several threads at once."""

    @property
    def inputs(self) -> tuple[TensorInfo, ...]: ...
    @property
    def outputs(self) -> tuple[TensorInfo, ...]: ...
    @property
    def provider(self) -> str:
        """What runs it: `cpu (LiteRT)`, `cpu`, `cuda`, `tensorrt`, `directml` or `coreml`."""
        ...

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """What was tried, what was taken and why not the others."""
        ...

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the network.

        Args:
            inputs: one array an input, by name.
        Returns:
            The outputs in the order of `outputs`, the caller's own.
        Raises:
            ModelError: an input is missing or has another shape.
        """
        ...


def open_session(
    path: str | Path,
    *,
    device: str = "auto",
    threads: int = 1,
    parallel: int = 1,
    wanted_outputs: tuple[str, ...] | None = None,
) -> Session:
    """Load a network.

    Args:
        path: a `.tflite` (LiteRT, on the processor) or `.onnx` file (ONNX Runtime).
        device: as in `TrackConfig.device`; LiteRT takes `auto` and `cpu` only.
        threads: processor threads of one run.
        parallel: how many runs may go on at once; more have to wait (ONNX Runtime takes any number).
        wanted_outputs: LiteRT: names of the outputs to compute; None = all.
    Returns:
        The loaded network.
    Raises:
        ModelError: the file is absent, unreadable or of an unknown kind.
        RuntimeUnavailableError: the runtime is not installed, or the device does not work here.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"There is no model file at '{path}'.", "List what is there with: pose-core models list")
    if path.suffix == ".tflite":
        require_litert_device(device, path.name)
        from pose_core.runtime.litert import LiteRtSession

        return LiteRtSession(path, threads=threads, parallel=parallel, wanted_outputs=wanted_outputs)
    if path.suffix == ".onnx":
        from pose_core.runtime.onnx import OnnxSession

        return OnnxSession(path, device=device, threads=threads)
    raise ModelError(f"A .tflite or .onnx model was expected, but '{path.name}' came.")


def require_litert_device(device: str, name: str) -> None:
    """Refuse a device that LiteRT does not run on, rather than take the processor without a word.

    Args:
        device: as in `TrackConfig.device`.
        name: of the model, for the message.
    Raises:
        RuntimeUnavailableError: another device than the processor was asked for.
    """
    if device not in LITERT_DEVICES:
        raise RuntimeUnavailableError(
            f"'{name}' is a LiteRT network, which runs on the processor alone, but '{device}' was asked for.",
            "Choose the device 'auto' or 'cpu', or a model in ONNX format (see: pose-core models list).",
        )
