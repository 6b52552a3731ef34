"""Weights to start from: those of an exported network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pose_core.errors import ModelError
from pose_core.lab.train.common.checkpoint import load_checkpoint


def read_start_weights(path: Path) -> Mapping[str, torch.Tensor]:
    """Weights by the names of their parameters, of an exported network or, averaged, of a checkpoint (`.npz`).

    Raises:
        ModelError, MotionFileError: the file cannot be read.
    """
    return load_checkpoint(path)[0]["mean"] if path.suffix == ".npz" else read_exported_weights(path)


def read_exported_weights(path: Path) -> dict[str, torch.Tensor]:
    """Weights of a network that `export_onnx` wrote, by the names of its parameters.

    The exporter keeps the names of biases and norms, but stores the matrix of a linear layer transposed and
    without its name: it is the one whose product the layer's bias is added to.

    Raises:
        ModelError: the file cannot be read.
    """
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:
        raise ModelError(f"'{path.name}' is no ONNX network: {error}") from error
    values = {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    products = {
        node.output[0]: next((name for name in node.input if name in values), "")
        for node in graph.node
        if node.op_type == "MatMul"
    }
    found = {name: torch.from_numpy(value) for name, value in values.items() if "." in name}
    for node in graph.node:
        if node.op_type != "Add":
            continue
        for bias, product in (node.input, reversed(node.input)):
            matrix = products.get(product, "")
            if bias.endswith(".bias") and matrix:
                found[f"{bias.removesuffix('bias')}weight"] = torch.from_numpy(values[matrix].T.copy())
    return found


def start_from(network: nn.Module, weights: Mapping[str, torch.Tensor]) -> list[str]:
    """Put weights into a network; what they lack keeps its fresh values.

    Returns:
        Names of the parameters that stay fresh.
    Raises:
        ModelError: a weight has another shape, or none fits.
    """
    own = dict(network.named_parameters())
    fitting = {name: value for name, value in weights.items() if name in own}
    wrong = [name for name, value in fitting.items() if value.shape != own[name].shape]
    if wrong or not fitting:
        raise ModelError(
            f"The weights to start from are of another network ({', '.join(wrong[:3]) or 'no name fits'}).",
            "Train with the same --channels, or without --start-from.",
        )
    with torch.no_grad():
        for name, value in fitting.items():
            own[name].copy_(value)
    return [name for name in own if name not in fitting]
