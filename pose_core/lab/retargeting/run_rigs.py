"""Inside Blender: put one motion on many rigs and say how well each follows and whether its feet stay."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from blender_addon.bridge.apply_motion import apply_motion
from blender_addon.bridge.blender_io import empty_scene
from blender_addon.bridge.options import ApplyOptions
from blender_addon.bridge.read.rig_import import import_rig
from pose_core.errors import PoseCoreError
from pose_core.motion_file import Motion, read_motion
from pose_core.retarget import TransferConfig


def load_rig(name: str) -> bpy.types.Object:
    """An empty scene with one character: a file, or `metarig` or `rigify`, which Blender makes itself."""
    empty_scene()
    if name in ("metarig", "rigify"):
        import addon_utils

        addon_utils.enable("rigify", default_set=True)
        bpy.ops.object.armature_human_metarig_add()
        if name == "rigify":
            metarig = bpy.context.object
            bpy.ops.pose.rigify_generate()
            bpy.data.objects.remove(metarig)
            bpy.context.view_layer.update()
    elif name.endswith(".blend"):
        bpy.ops.wm.open_mainfile(filepath=name)
    else:
        return import_rig(Path(name))
    return next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")


def measure(name: str, motion: Motion, config: TransferConfig) -> dict[str, Any]:
    """The report of one rig, or why it is refused."""
    try:
        obj = load_rig(name)
        report = apply_motion(bpy.context, motion, obj, ApplyOptions(transfer=config)).to_data()
    except PoseCoreError as error:
        return {"refused": str(error)}
    wanted = ("family", "bone_map", "leg_ratio", "planting", "ik_limbs", "notes", "failures", "verify", "keys")
    return {key: report[key] for key in wanted}


def main(args: list[str]) -> dict[str, Any]:
    """Measure rigs.

    Args:
        args: the motion file, then rigs; `rigify_ik` is a generated rig posed through its IK controls.
    """
    motion = read_motion(args[0])
    out = {}
    for name in args[1:]:
        ik = name == "rigify_ik"
        config = TransferConfig(controls="ik" if ik else "auto")
        out[Path(name).name] = measure("rigify" if ik else name, motion, config)
    return out


if __name__ == "__main__":
    own = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    Path(own[0]).write_text(json.dumps(main(own[1:])), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # some versions of the module crash or hang while they close
