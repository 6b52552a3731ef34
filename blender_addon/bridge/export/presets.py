"""What is written for which program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pose_core.errors import ConfigError


@dataclass(frozen=True)
class ExportPreset:
    """Settings of an export."""

    name: str
    label: str
    about: str
    suffix: str
    """Of the file, with its dot; it tells the format."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of Blender's exporter that differ from the plain ones."""
    turn_deg: float = 0.0
    """Turn about the vertical of everything; the figure looks along +Z at 0."""
    one_root: bool = False
    """Whether the program makes a bone of the armature object unless this is called `Armature`."""
    godot: bool = False
    """Whether names are such as Godot keeps, and its import settings are written beside the file."""
    takes: bool = True
    """Whether a file can hold several clips."""


PRESETS = (
    ExportPreset(
        "fbx",
        "FBX",
        "For most programs: centimetres, Y up, facing +Z, no scale on any node",
        ".fbx",
    ),
    ExportPreset(
        "fbx-unity",
        "FBX for Unity",
        "As Unity wants it: scale 1 on every object, nodes in rest pose, smoothing by face",
        ".fbx",
        {"mesh_smooth_type": "FACE"},
    ),
    ExportPreset(
        "fbx-unreal",
        "FBX for Unreal",
        "Faces X forward once imported; one root: the first bone, or the armature object where there are several",
        ".fbx",
        {"mesh_smooth_type": "FACE"},
        turn_deg=90.0,
        one_root=True,
    ),
    ExportPreset("glb", "glTF Binary", "For the web, three.js and most engines: metres, Y up, facing +Z", ".glb"),
    ExportPreset(
        "godot",
        "glTF for Godot",
        "Names that Godot keeps, and import settings beside the file, so that Godot leaves out no keys",
        ".glb",
        godot=True,
    ),
    ExportPreset(
        "bvh",
        "BVH",
        "The skeleton's motion alone: centimetres, Y up, facing +Z, positions on root and pelvis only",
        ".bvh",
        takes=False,
    ),
)


def armature_name(preset: ExportPreset, name: str, roots: Sequence[str]) -> str:
    """What the armature object is called in a file.

    Unreal makes a bone of the armature object, unless it is called `Armature`. Where a rig has one root bone that is
    unwanted; where it has several, the object is the one root that they need.

    Args:
        preset: for which program.
        name: the object's own.
        roots: bones without a parent.
    """
    if not preset.one_root:
        return name
    if len(roots) == 1:
        return "Armature"
    return name if name.lower() == "root" else "root"


def export_preset(name: str) -> ExportPreset:
    """The preset of a name.

    Raises:
        ConfigError: there is none.
    """
    for preset in PRESETS:
        if preset.name == name:
            return preset
    raise ConfigError(
        f"There is no export preset '{name}'.", f"Known presets: {', '.join(one.name for one in PRESETS)}."
    )
