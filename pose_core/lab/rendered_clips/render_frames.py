"""Render the frames of some clips; started by scripts/render_clips.py in a Python with the bpy module.

Standard input: a JSON object with the folder of motion capture and a list of clips, each its name and the folder for
its frames. Standard output: `frame NAME NUMBER`, and `clip NAME` as each is finished.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from functools import partial
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(_ROOT))


from blender_addon.bridge.blender_io import empty_scene  # noqa: E402
from pose_core.lab.datasets.mocap_folder import read_folder  # noqa: E402
from pose_core.lab.rendered_clips.clips import clips_by_name  # noqa: E402
from pose_core.lab.rendered_clips.stage import Stage  # noqa: E402
from pose_core.lab.rendered_clips.take import make_take  # noqa: E402


def _tell(name: str, number: int) -> None:
    print(f"frame {name} {number}", flush=True)


def main() -> None:
    """Do what standard input says."""
    task = json.load(sys.stdin)
    empty_scene()
    mocap = read_folder(Path(task["mocap"]))
    known = clips_by_name()
    for name, folder in task["clips"]:
        clip = known[name].shortened(task["frames"])
        Stage(clip, make_take(clip, mocap)).render(Path(folder), partial(_tell, name))
        print(f"clip {name}", flush=True)


if __name__ == "__main__":
    code = 0
    try:
        main()
    except BaseException:  # noqa: BLE001 - the process's outer boundary: report and end
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a Python that leaves by the usual door may crash or hang in Blender's own clean-up
