"""VRM files say which bone plays which part; read it from the file, and turn its words into ours."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pose_core.errors import RigError

_GLB_MAGIC, _JSON_CHUNK = 0x46546C67, 0x4E4F534A
_LIMIT_BYTES = 256 * 1024 * 1024

_PAIRED = {
    "Shoulder": "clavicle", "UpperArm": "upper_arm", "LowerArm": "forearm", "Hand": "hand", "UpperLeg": "thigh",
    "LowerLeg": "shin", "Foot": "foot", "Toes": "toe",
}  # fmt: skip
_PARTS = {
    "hips": "pelvis", "head": "head", "neck": "neck",
    **{f"{side}{word}": f"{side}_{part}" for side in ("left", "right") for word, part in _PAIRED.items()},
}  # fmt: skip
_SPINE = ("spine", "chest", "upperChest")
_FINGERS = {"Thumb": "thumb", "Index": "index", "Middle": "middle", "Ring": "ring", "Little": "pinky"}
# From the knuckle outwards; of the thumb VRM 1.0 calls the first bone metacarpal, and what 0.x calls intermediate
# is its proximal one.
_JOINTS = ("Metacarpal", "Proximal", "Intermediate", "Distal")


def parts_of_humanoid(humanoid: Mapping[str, str]) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Turn VRM's names of human bones into ours.

    Args:
        humanoid: VRM's name (`leftUpperArm`, in any version and also spelled `left_upper_arm`) to the rig's bone.
    Returns:
        Parts and fingers with their bones, as in a `BoneMap`.
    """
    known = {_plain(human): bone for human, bone in humanoid.items() if bone}
    bones: dict[str, tuple[str, ...]] = {
        part: (known[_plain(human)],) for human, part in _PARTS.items() if _plain(human) in known
    }
    spine = tuple(known[_plain(human)] for human in _SPINE if _plain(human) in known)
    if spine:
        bones["spine"] = spine
    fingers: dict[str, tuple[str, ...]] = {}
    for side in ("left", "right"):
        for word, finger in _FINGERS.items():
            names = [known[key] for joint in _JOINTS if (key := _plain(f"{side}{word}{joint}")) in known]
            if names:
                fingers[f"{side}_{finger}"] = tuple(names[:3])
    return bones, fingers


def _plain(name: str) -> str:
    return name.replace("_", "").casefold()


def read_humanoid(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read the humanoid mapping of a VRM file, 0.x or 1.0; nothing else of it.

    Args:
        path: a `.vrm` or `.glb` file.
    Returns:
        VRM's name of a human bone to the node's name; empty if the file has no such mapping.
    Raises:
        RigError: the file cannot be read or is no binary glTF.
    """
    try:
        with Path(path).open("rb") as file:
            header = file.read(20)
            magic, _, _, size, kind = struct.unpack("<5I", header)
            if magic != _GLB_MAGIC or kind != _JSON_CHUNK or size > _LIMIT_BYTES:
                raise ValueError("no binary glTF")
            data = json.loads(file.read(size))
    except (OSError, ValueError, struct.error) as error:
        raise RigError(f"Cannot read '{path}' as binary glTF ({error}).", "Check the file.") from error
    return humanoid_of_gltf(data)


def humanoid_of_gltf(data: Any) -> dict[str, str]:
    """The humanoid mapping in glTF's JSON; empty if there is none, or what there is makes no sense."""
    try:
        nodes = data["nodes"]
        extensions = data["extensions"]
        if "VRMC_vrm" in extensions:
            humans = extensions["VRMC_vrm"]["humanoid"]["humanBones"]
            pairs = [(human, entry["node"]) for human, entry in humans.items()]
        else:
            pairs = [(entry["bone"], entry["node"]) for entry in extensions["VRM"]["humanoid"]["humanBones"]]
        return {str(human): str(nodes[node]["name"]) for human, node in pairs if "name" in nodes[node]}
    except (KeyError, TypeError, IndexError, AttributeError):
        return {}
