"""What is written for which program."""

from __future__ import annotations

from collections.abc import Mapping
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
    object_name: str = ""
    """Name that the armature object has in the file; empty = its own."""
    takes: bool = True
    """Whether a file can hold several clips."""


PRESETS = (
    ExportPreset(
        "fbx",
        "FBX",
        "For most programs: Y up, every unit in the objects, as Blender reads it back",
        ".fbx",
    ),
    ExportPreset(
        "fbx-unity",
        "FBX for Unity",
        "Units are kept in the file's own scale, so that Unity shows the character at scale 1",
        ".fbx",
        {"apply_scale_options": "FBX_SCALE_ALL", "axis_forward": "-Z", "axis_up": "Y"},
    ),
    ExportPreset(
        "fbx-unreal",
        "FBX for Unreal",
        "Faces X forward once imported; the armature object is named so that Unreal takes the first bone as root",
        ".fbx",
        {"axis_forward": "-Z", "axis_up": "Y", "primary_bone_axis": "Y", "secondary_bone_axis": "X",
         "mesh_smooth_type": "FACE"},
        object_name="Armature",
    ),
    ExportPreset("glb", "glTF Binary", "For the web and most engines: Y up, metres", ".glb"),
    ExportPreset(
        "bvh",
        "BVH",
        "The skeleton's motion alone, in the armature's own axes and units",
        ".bvh",
        takes=False,
    ),
)  # fmt: skip


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
