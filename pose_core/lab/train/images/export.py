"""From a trained image network to an ONNX file that the product can use."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pose_core.errors import ModelError
from pose_core.files import atomic_path
from pose_core.lab.nets.base import ImageNetwork
from pose_core.lab.train.images.batches import to_tensors
from pose_core.lab.train.images.samples import ImageBatch
from pose_core.runtime.description import FORMAT, KIND, VERSION
from pose_core.runtime.session import open_session

PARITY_PX = 0.05
PARITY_M = 1e-4
"""Largest differences allowed between the trained network and its export."""
_OPSET = 18


class ExportedNetwork(nn.Module):
    """What goes into the file: pictures with values from 0 to 255 in, joints out.

    Raises:
        ModelError: the network gives no joints in the picture, without which nobody can be followed.
    """

    def __init__(self, network: ImageNetwork) -> None:
        super().__init__()
        self.network = network
        size = network.config.image_size
        with torch.no_grad():
            output = network.eval()(torch.zeros(1, 3, size, size))
        if output.joints_px is None:
            raise ModelError(
                "This configuration gives no joints in the picture, so it cannot be used on video.",
                "Train one with 2D output.",
            )
        self.names = ["joints_px", "confidence"] + (["joints_m"] if output.joints_m is not None else [])

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, S, S) RGB to `names`."""
        output = self.network(image * (1 / 255))
        return tuple(getattr(output, name) for name in self.names)


def export_network(network: ImageNetwork, path: Path, batch: ImageBatch) -> dict[str, float]:
    """Write a network as ONNX and compare it with the original.

    Args:
        network: trained.
        path: where to.
        batch: pictures of the network's size to compare on.
    Returns:
        The largest difference of each output.
    Raises:
        ModelError: the export differs.
    """
    exported = ExportedNetwork(network.cpu()).eval()
    image, _ = to_tensors(batch, torch.device("cpu"))
    image = image * 255
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.onnx")
    try:
        with warnings.catch_warnings():
            # the exporter that traces: the other takes some ten times as long
            warnings.simplefilter("ignore")
            torch.onnx.export(
                exported, (image[:1],), str(temporary), input_names=["image"], output_names=exported.names,
                opset_version=_OPSET, dynamo=False,
            )  # fmt: skip
        differences = _differences(exported, temporary, image)
        for name, difference in differences.items():
            limit = {"joints_px": PARITY_PX, "joints_m": PARITY_M}.get(name, 1e-3)
            if not difference < limit:
                raise ModelError(f"'{name}' of the exported network differs by {difference:g} from the trained one.")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return differences


def write_description(path: Path, onnx: Path, network: ImageNetwork, facts: Mapping[str, Any]) -> None:
    """Write what lies beside an ONNX file, so that it can be registered, and so that people know what it is."""
    exported = ExportedNetwork(network)
    size = network.config.image_size
    description = {
        "format": FORMAT,
        "version": VERSION,
        "kind": KIND,
        "file": onnx.name,
        "sha256": hashlib.sha256(onnx.read_bytes()).hexdigest(),
        "bytes": onnx.stat().st_size,
        "parameters": sum(p.numel() for p in network.parameters()),
        "keypoint_set": "h36m17",
        "detector": "yolox-nano",
        "input": {"name": "image", "shape": [1, 3, size, size], "meaning": "RGB, 0 to 255, a square around a person"},
        "outputs": {
            "joints_px": "(1, 17, 2) pixels of the input, from the outer corner of its first pixel",
            "confidence": "(1, 17) in [0, 1]",
            **({"joints_m": "(1, 17, 3) camera axes, metres, from the pelvis"} if "joints_m" in exported.names else {}),
        },
        **facts,
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def _differences(exported: ExportedNetwork, path: Path, image: Tensor) -> dict[str, float]:
    session = open_session(path, device="cpu", threads=1)
    worst = dict.fromkeys(exported.names, 0.0)
    for row in range(len(image)):
        with torch.no_grad():
            ours = exported(image[row : row + 1])
        theirs = session.run({"image": image[row : row + 1].numpy()})
        for name, a, b in zip(exported.names, ours, theirs, strict=True):
            worst[name] = max(worst[name], float(np.max(np.abs(a.numpy() - b))))
    return worst
