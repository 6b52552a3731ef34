"""Write the sample character, mesh and armature in T pose, as FBX and as a .blend file.

    python scripts/make_rig.py [--out samples/mannequin.fbx]                under the bpy module
    blender -b --python-exit-code 1 --python scripts/make_rig.py -- ...     under Blender

The .blend file gets the same name with its own ending.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "scripts")]

import bpy  # noqa: E402

from pose_core.lab.mannequin import body, rig  # noqa: E402

DETAIL = 0.76
"""Polygon density; the sample clip is rendered with 1."""


def build() -> tuple[Any, Any]:
    """An empty scene with the armature and one mesh."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    armature = rig.build_armature("Mannequin")
    things = [rig.build_mesh(part, armature) for part in body.build_parts(DETAIL)]
    bpy.ops.object.select_all(action="DESELECT")
    for thing in things:
        thing.select_set(True)
    bpy.context.view_layer.objects.active = things[0]
    bpy.ops.object.join()
    things[0].name = things[0].data.name = "Mannequin body"
    return armature, things[0]


def main() -> None:
    """Build and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=_ROOT / "samples" / "mannequin.fbx")
    inside_blender = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None
    arguments = parser.parse_args(inside_blender if inside_blender is not None else sys.argv[1:])
    out = arguments.out.resolve()
    armature, mesh = build()
    bpy.context.preferences.filepaths.save_version = 0
    partial = out.with_suffix(".partial.blend")
    bpy.ops.wm.save_as_mainfile(filepath=str(partial), compress=True, copy=True)
    partial.replace(out.with_suffix(".blend"))
    partial = out.with_suffix(".partial.fbx")
    bpy.ops.export_scene.fbx(
        filepath=str(partial),
        object_types={"ARMATURE", "MESH"},
        add_leaf_bones=False,
        bake_anim=False,
        mesh_smooth_type="FACE",
    )
    partial.replace(out)
    print(f"{len(armature.data.bones)} bones, {len(mesh.data.vertices)} vertices -> {out}")


if __name__ == "__main__":
    main()
