"""The JSON that lies beside an exported network and says how to use it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pose_core.errors import ModelError
from pose_core.untrusted.text import read_json

FORMAT = "pose_core.network"
VERSION = 1
KIND = "pose3d"
"""The kind of networks that give joints, not maps: a square crop in, `joints_px`, `confidence`, `joints_m` out."""


def read_description(onnx: Path) -> Mapping[str, Any] | None:
    """What is said about a network in the JSON of the same name; None without one, or with one of another form.

    Raises:
        ModelError: it is damaged, newer than this version can read, or about another file.
    """
    path = onnx.with_suffix(".json")
    try:
        data = read_json(path, "the description", ModelError, "Export the network again.")
    except FileNotFoundError:
        return None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return None
    if data.get("version") != VERSION:
        raise ModelError(f"'{path.name}' is of version {data.get('version')}, but {VERSION} was expected.")
    actual = hashlib.sha256(onnx.read_bytes()).hexdigest()
    if data.get("sha256") != actual:
        raise ModelError(
            f"'{path.name}' describes another network than '{onnx.name}': the hashes differ.",
            "Export the network again, so that both files belong together.",
        )
    return data
