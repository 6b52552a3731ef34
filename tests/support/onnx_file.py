"""A network in ONNX format, written without the onnx library: it always sees the same person, who stands still."""

import hashlib
import json
import struct
from pathlib import Path

import numpy as np

from pose_core.skeletons.h36m import h36m_joints
from pose_core.types import FloatArray
from tests.support.motions import rest_motion

SIZE_PX = 64
_FLOAT = 1


def standing_person() -> tuple[FloatArray, FloatArray]:
    """Joints of set `h36m17`: (17, 2) pixels of a picture of SIZE_PX; (17, 3) metres from the pelvis, camera axes."""
    world = h36m_joints(rest_motion(1).joints_world_m[0])
    camera = np.stack([world[:, 0], -world[:, 2], world[:, 1]], axis=-1)
    middle = (camera[:, :2].min(axis=0) + camera[:, :2].max(axis=0)) / 2
    size_m = np.ptp(camera[:, :2], axis=0).max()
    return (camera[:, :2] - middle) / size_m * 0.8 * SIZE_PX + SIZE_PX / 2, camera - camera[0]


def write_network(path: Path) -> Path:
    """Write the network and, beside it, the description with which it is registered."""
    px, metres = standing_person()
    values = {"joints_px": px[None], "confidence": np.full((1, len(px)), 0.95), "joints_m": metres[None]}
    nodes = [_node("Identity", [f"{name}_value"], [name]) for name in values]
    tensors = [_tensor(f"{name}_value", value) for name, value in values.items()]
    graph = b"".join(
        [
            *(_field(1, node) for node in nodes),
            _field(2, b"person"),
            *(_field(5, tensor) for tensor in tensors),
            _field(11, _value_info("image", (1, 3, SIZE_PX, SIZE_PX))),
            *(_field(12, _value_info(name, value.shape)) for name, value in values.items()),
        ]
    )
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 17)))
    description = {
        "format": "pose_core.network", "version": 1, "kind": "pose3d", "keypoint_set": "h36m17",
        "detector": "yolox-nano", "title": "A person who stands", "licence": "CC0",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(description))
    return path


def _field(number: int, content: int | bytes) -> bytes:
    """A field of a protocol buffer: a whole number, or a text, message or array with its length."""
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _node(operator: str, inputs: list[str], outputs: list[str]) -> bytes:
    names = [_field(1, name.encode()) for name in inputs] + [_field(2, name.encode()) for name in outputs]
    return b"".join(names) + _field(4, operator.encode())


def _tensor(name: str, values: FloatArray) -> bytes:
    raw = struct.pack(f"<{values.size}f", *values.ravel())
    return b"".join(_field(1, n) for n in values.shape) + _field(2, _FLOAT) + _field(8, name.encode()) + _field(9, raw)


def _value_info(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_field(1, _field(1, n)) for n in shape)
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, _FLOAT) + _field(2, dims)))
