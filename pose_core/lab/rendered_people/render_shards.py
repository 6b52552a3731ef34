"""Render some of a data set's shards; started by scripts/render_dataset.py in a Python with the bpy module.

Standard input: a JSON object with the plan, the folder and the numbers of the shards. Standard output: one line
`shard NUMBER` as each is finished.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "scripts")]

import bpy  # noqa: E402

from pose_core.lab.datasets.layout import shard_name  # noqa: E402
from pose_core.lab.datasets.mocap_folder import read_folder  # noqa: E402
from pose_core.lab.rendered_people.plan import Plan  # noqa: E402
from pose_core.lab.rendered_people.shard import render_shard  # noqa: E402


def main() -> None:
    """Do what standard input says."""
    task = json.load(sys.stdin)
    plan, folder, numbers = Plan(**task["plan"]), Path(task["folder"]), set(task["shards"])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mocap = read_folder(Path(plan.mocap))
    for shard in plan.shards():
        if shard.number in numbers:
            render_shard(plan, shard, mocap, folder / shard_name(shard.number))
            print(f"shard {shard.number}", flush=True)


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
