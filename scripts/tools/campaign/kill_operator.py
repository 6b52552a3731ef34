"""Inside Blender: the add-on's own operator estimates a clip and puts it on a new character; to be killed meanwhile.

python kill_operator.py VIDEO OUT ENVIRONMENT
Exit codes: 0 done, 3 the operator refused with a sentence.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy  # before what only it brings

# isort: split
import addon_utils

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

ADDON = "blender_addon"


def main(args: list[str]) -> int:
    """Set the panel up and press the button."""
    video, out, environment = args
    addon_utils.enable(ADDON, default_set=True)
    preferences = bpy.context.preferences.addons[ADDON].preferences
    preferences.environment_path, preferences.threads = environment, 1
    settings = bpy.context.scene.pose_core
    settings.video_path, settings.output_folder, settings.write_preview = video, out, True
    try:
        bpy.ops.pose_core.estimate()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 3
    return 0 if any(obj.type == "ARMATURE" for obj in bpy.data.objects) else 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the module may crash or hang while it closes
